"""Noise of a cube beyond its error bars.

`measurement` takes it from the cube itself, with the help of `sky_spaxels` (spaxels that show the
sky), `scatter` (scale and correlation along wavelength), `growth` (bins) and `sky_modes` (residuals
of the sky subtraction); `error_bars` applies it when the cube is read.
"""
