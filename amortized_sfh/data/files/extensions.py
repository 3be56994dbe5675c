"""Names of the FITS extensions in which cubes, images and spectra keep their parts.

Each tuple lists names in order of preference, for
:func:`~amortized_sfh.data.files.fits_files.find_image`.
"""

from __future__ import annotations

from astropy.io import fits

from amortized_sfh.data.files.fits_files import find_image

MUSE_FLUX_HDUS = ("DATA", "SCI", "PRIMARY")
"""Flux of a cube as ESO delivers it; its variance has a name of ``ERROR_HDUS["variance"]``."""

MUSE_QUALITY_HDUS = ("DQ",)

MANGA_CUBE_HDUS = ("FLUX", "IVAR", "MASK")
"""Flux, inverse variance and mask of a LOGCUBE, which has all three."""

FLUX_HDUS = ("FLUX", *MUSE_FLUX_HDUS)

ERROR_HDUS = {
    "variance": ("STAT", "VAR", "VARIANCE"),
    "sigma": ("ERR", "ERROR", "SIGMA", "ERRS", "UNCERT", "NOISE"),
    "ivar": ("IVAR",),
}
"""Kind of error (variance, standard deviation, inverse variance) to names."""

QUALITY_HDUS = ("DQ", "MASK", "QUAL")
"""Masks that are 0 where a pixel is good."""

WAVE_HDUS = ("WAVE", "WAVELENGTH")

REDSHIFT_HDUS = ("Z", "REDSHIFT")

HST_IMAGE_HDUS = ("SCI", "PRIMARY")
HST_MAP_HDUS = {
    "error map": ("ERR", *HST_IMAGE_HDUS),
    "weight map": ("WHT", "WEIGHT", *HST_IMAGE_HDUS),
    "mask": ("DQ", "MASK", *HST_IMAGE_HDUS),
}
"""Maps that belong to an HST image; in the file of the image they have the first of the names."""


def is_row_stacked(hdul: fits.HDUList) -> bool:
    """Tell whether a file holds row-stacked spectra: one per row, all on one wavelength axis.

    Parameters
    ----------
    hdul : HDUList
        FITS file, opened for reading.

    Returns
    -------
    bool
        True with a two-dimensional flux and a wavelength axis in an extension of its own.
    """
    return find_image(hdul, FLUX_HDUS, 2) is not None and find_image(hdul, WAVE_HDUS, 1) is not None
