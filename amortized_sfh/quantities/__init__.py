"""Physical quantities of a posterior: names, units, formulas, flags and masses."""
