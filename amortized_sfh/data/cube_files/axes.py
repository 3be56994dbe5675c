"""Axes of a cube as its header describes them: wavelengths and the sky."""

from __future__ import annotations

import warnings
from pathlib import Path

import torch
from astropy.io import fits
from astropy.wcs import WCS, FITSFixedWarning
from torch import Tensor

from amortized_sfh.data.files.fits_files import InputFileError
from amortized_sfh.data.files.units import MEDIUM_OF_CTYPE, parse_wavelength_unit


def wavelength_axis(path: str | Path, header: fits.Header, n_plane: int) -> tuple[Tensor, str]:
    """Read the linear wavelength axis of a cube.

    Parameters
    ----------
    path : str or Path
        File name for messages.
    header : astropy.io.fits.Header
        Header of the extension with the fluxes.
    n_plane : int
        Number of wavelength pixels.

    Returns
    -------
    edges : Tensor
        Observed edges of the pixels in Å, shape (n_plane + 1,), float64.
    medium : str
        Medium of the wavelengths, "air" or "vacuum".

    Raises
    ------
    InputFileError
        If the axis is incomplete, not linear, or has another unit than a length.
    """
    kind = str(header.get("CTYPE3", "")).strip().upper()
    if kind not in MEDIUM_OF_CTYPE:
        raise InputFileError(
            f"{path}: CTYPE3 is {kind or 'missing'}; expected AWAV (air) or WAVE (vacuum), linear"
        )
    step = header.get("CD3_3", header.get("CDELT3"))
    value, pixel = header.get("CRVAL3"), header.get("CRPIX3", 1.0)
    if step is None or value is None:
        raise InputFileError(
            f"{path}: the wavelength axis has no CRVAL3 or no CD3_3; expected both (in Angstrom)"
        )
    scale = parse_wavelength_unit(str(header.get("CUNIT3", "")), f"{path}: CUNIT3")
    pixels = torch.arange(n_plane + 1, dtype=torch.float64) + 0.5
    edges = (value + (pixels - pixel) * step) * scale
    if not step > 0 or not edges[0] > 0:
        raise InputFileError(
            f"{path}: the wavelength axis runs {edges[0]:.1f}-{edges[-1]:.1f} Å; expected "
            "ascending, positive wavelengths"
        )
    return edges, MEDIUM_OF_CTYPE[kind]


def celestial(header: fits.Header, hdul: fits.HDUList | None = None) -> WCS | None:
    """Return the celestial WCS of a header, None if it has none.

    Parameters
    ----------
    header : astropy.io.fits.Header
        Header of an image.
    hdul : HDUList, optional
        File of the image, for the tables of distortions that its header names.

    Returns
    -------
    WCS or None
        Celestial axes alone, for pixels counted from 0.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FITSFixedWarning)
        wcs = WCS(header, fobj=hdul)
    return wcs.celestial if wcs.has_celestial else None
