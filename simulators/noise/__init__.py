"""The noise model and its likelihood, measured noise profiles and template mismatch."""
