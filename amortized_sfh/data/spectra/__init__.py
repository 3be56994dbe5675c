"""Single spectra and stacks of them, with photometry in the same aperture."""
