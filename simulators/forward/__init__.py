"""The forward model: from parameters to noise-free spectra and bands."""
