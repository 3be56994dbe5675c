"""Instruments: pixels, resolution, photometric bands.

`instrument.Instrument` puts together what a model must know of its data; `observed_pixels` and
`lsf` describe the spectrograph, and `filters` reads filter curves and averages spectra over bands.
"""
