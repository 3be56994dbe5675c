"""FITS input: opening files, and the words that other people's files use.

:mod:`~amortized_sfh.data.files.fits_files` opens a file or says what is wrong with it;
:mod:`~amortized_sfh.data.files.extensions` knows the names of extensions with fluxes, errors, masks
and wavelengths; :mod:`~amortized_sfh.data.files.units` reads units of fluxes and wavelengths, and
the medium (air, vacuum) of these. Readers of cubes, HST images and spectra all take these words
from here.
"""
