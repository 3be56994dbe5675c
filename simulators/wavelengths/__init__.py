"""Wavelengths: air and vacuum, Doppler shifts, grids and resampling."""
