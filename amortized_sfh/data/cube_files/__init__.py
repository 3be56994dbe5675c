"""Cubes as files: axes, units, point spread function, spectra in chunks, sums over bins."""
