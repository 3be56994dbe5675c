"""A flux image of a FITS file with all that belongs to it: errors, mask, medium and unit.

One spectrum is an image of one axis, row-stacked spectra are one of two.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
from astropy.io import fits

from amortized_sfh.data.files.extensions import ERROR_HDUS, QUALITY_HDUS
from amortized_sfh.data.files.fits_files import InputFileError, extension_names, find_image
from amortized_sfh.data.files.flux_units import stated_flux_unit
from amortized_sfh.data.files.wavelengths import stated_medium
from amortized_sfh.data.spectra.table_columns import sigma_from


class FluxImage(NamedTuple):
    """Fluxes of one or many spectra, as read.

    Attributes
    ----------
    flux, sigma : ndarray
        f_λ and its standard deviation, shape of the image, float64; sigma is 0 where there is none.
    valid : ndarray
        True where the mask, if there is one, is 0, shape of the image.
    medium : str or None
        Medium of the wavelengths, "air" or "vacuum"; None if the headers do not tell.
    unit_cgs : float or None
        Unit of the flux in erg/s/cm²/Å; None if it is not given.
    """

    flux: np.ndarray
    sigma: np.ndarray
    valid: np.ndarray
    medium: str | None
    unit_cgs: float | None


def read_flux_image(
    hdul: fits.HDUList, index: int, path: Path, *wave_headers: fits.Header
) -> FluxImage:
    """Read a flux image and the extensions beside it.

    Parameters
    ----------
    hdul : HDUList
        FITS file, opened for reading.
    index : int
        Index of the flux image in it.
    path : Path
        File name for messages.
    *wave_headers : Header
        Headers that may state medium and unit where the header of the flux does not.

    Returns
    -------
    FluxImage
        Fluxes, errors and mask of one shape.

    Raises
    ------
    InputFileError
        If there are no errors, a shape differs from that of the flux, or the unit is not
        understood.
    """
    flux = np.asarray(hdul[index].data, dtype=np.float64)
    n_dim = flux.ndim
    errors = ((kind, find_image(hdul, names, n_dim)) for kind, names in ERROR_HDUS.items())
    kind, error = next(((k, i) for k, i in errors if i not in (None, index)), ("", None))
    if error is None:
        known = [name for group in ERROR_HDUS.values() for name in group]
        raise InputFileError(
            f"{path} has no errors (no error image among the extensions {extension_names(hdul)}); "
            f"expected an extension called {', '.join(known)}"
        )
    quality = find_image(hdul, QUALITY_HDUS, n_dim)
    headers = (hdul[index].header, *wave_headers, hdul[0].header)
    return FluxImage(
        flux,
        sigma_from(kind, _like_flux(hdul[error], flux, path)),
        np.ones(flux.shape, dtype=bool)
        if quality is None
        else _like_flux(hdul[quality], flux, path) == 0,
        stated_medium(*headers),
        stated_flux_unit(path, *headers),
    )


def _like_flux(hdu: fits.ImageHDU, flux: np.ndarray, path: Path) -> np.ndarray:
    """Return the values of an extension, which must have the shape of the flux."""
    values = np.asarray(hdu.data)
    if values.shape != flux.shape:
        raise InputFileError(
            f"{path}: extension {hdu.name} has shape {values.shape}, the flux {flux.shape}; "
            "expected one value per pixel"
        )
    return values
