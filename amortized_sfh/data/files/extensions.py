"""Names of the FITS extensions in which fluxes, errors and masks come."""

from __future__ import annotations

from astropy.io import fits

from amortized_sfh.data.files.fits_files import find_image

FLUX_HDUS = ("FLUX", "DATA", "SCI", "PRIMARY")


ERROR_HDUS = {
    "variance": ("STAT", "VAR", "VARIANCE"),
    "sigma": ("ERR", "ERROR", "SIGMA", "ERRS", "UNCERT", "NOISE"),
    "ivar": ("IVAR",),
}


QUALITY_HDUS = ("DQ", "MASK", "QUAL")


_WAVE_HDUS = ("WAVE", "WAVELENGTH")


def is_stack(hdul: fits.HDUList) -> bool:
    """Whether an open file holds rows of spectra.

    Parameters
    ----------
    hdul : HDUList
        An open file.

    Returns
    -------
    bool
        True with a two-dimensional flux and a wavelength axis in an extension of its own.
    """
    return (
        find_image(hdul, FLUX_HDUS, 2) is not None and find_image(hdul, _WAVE_HDUS, 1) is not None
    )
