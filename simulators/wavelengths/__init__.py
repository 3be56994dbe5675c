"""Wavelengths: air and vacuum, Doppler shifts, grids and resampling.

`air` converts between air and vacuum, `doppler` adds velocities and redshifts. `rest_grid` has the
pixels of the spectra that a model sees, `velocity_grid` the finer axis on which spectra are
broadened, and `resample` brings spectra from the pixels of an instrument to those of a model.
"""
