"""HST images: reading them, their noise, sky and position, until they lie on a cube's spaxels.

:mod:`~amortized_sfh.data.hst.read_image` makes an :class:`~amortized_sfh.data.hst.image.HstImage`
of the files that MAST delivers, with noise from :mod:`~amortized_sfh.data.hst.weight_map` and
:mod:`~amortized_sfh.data.hst.background`; :mod:`~amortized_sfh.data.hst.bands_on_cube`
convolves it to the PSF of a cube, checks its position (:mod:`~amortized_sfh.data.hst.alignment`)
and projects it onto the spaxels, as a :class:`~amortized_sfh.data.hst.band_image.BandImage`.
"""
