"""Files that hold many spectra on one wavelength axis, row by row, as those of MaNGA.

Understood are extensions ``FLUX`` (n_spectrum, n_wave), ``WAVE`` (n_wave), an error (``IVAR``,
``ERR``, ``STAT``), a ``MASK`` whose bits all spoil a pixel, and redshifts ``Z`` (n_spectrum).
:func:`amortized_sfh.data.spectra.spectrum.read_spectra` makes spectra of them.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
from astropy.io import fits

from amortized_sfh.data.files.extensions import (
    _WAVE_HDUS,
    ERROR_HDUS,
    FLUX_HDUS,
    QUALITY_HDUS,
    is_stack,
)
from amortized_sfh.data.files.fits_files import InputFileError, find_image, open_fits
from amortized_sfh.data.spectra.columns import SDSS_UNIT_CGS, SpectrumArrays, sigma_from
from amortized_sfh.data.spectra.single_files import header_unit, stated_medium

__all__ = ["SpectrumStack", "read_stack"]

_REDSHIFT_HDUS = ("Z", "REDSHIFT")
_SDSS_STEP = 1e-4
_SAME_STEP = 1e-7


class SpectrumStack(NamedTuple):
    """Spectra as read.

    Attributes
    ----------
    spectra : list of SpectrumArrays
        One per row.
    redshift : ndarray or None
        Redshift of each row, shape (n_spectrum,); None if the file has none.
    """

    spectra: list[SpectrumArrays]
    redshift: np.ndarray | None


def read_stack(path: Path) -> SpectrumStack:
    """Read all spectra of a file.

    Pixels of 1e-4 in log10 of the wavelength are those of SDSS: unless the file says otherwise,
    they are taken for vacuum wavelengths, and the fluxes for multiples of 1e-17 erg/s/cm²/Å.

    Parameters
    ----------
    path : Path
        FITS file.

    Returns
    -------
    SpectrumStack
        At least one spectrum.

    Raises
    ------
    FileNotFoundError, InputFileError
        If there is no such file, it is damaged, has no errors, or its shapes do not fit.
    """
    with open_fits(path) as hdul:
        if not is_stack(hdul):
            raise InputFileError(
                f"{path} holds no rows of spectra (extensions: "
                f"{', '.join(h.name or str(i) for i, h in enumerate(hdul))}); expected FLUX "
                "(n_spectrum, n_wave) and WAVE (n_wave)"
            )
        flux = np.asarray(hdul[find_image(hdul, FLUX_HDUS, 2)].data, dtype=np.float64)
        wave_hdu = hdul[find_image(hdul, _WAVE_HDUS, 1)]
        wave = np.asarray(wave_hdu.data, dtype=np.float64)
        if flux.shape[1] != wave.size or len(flux) == 0:
            raise InputFileError(
                f"{path}: FLUX has shape {flux.shape} and WAVE {wave.shape}; expected "
                "(n_spectrum, n_wave) and (n_wave,)"
            )
        sigma = _sigma(hdul, flux, path)
        valid = _valid(hdul, flux, path)
        redshift = _redshift(hdul, len(flux), path)
        headers = (hdul[find_image(hdul, FLUX_HDUS, 2)].header, wave_hdu.header, hdul[0].header)
        medium = next((m for h in headers if (m := stated_medium(h)) is not None), None)
        unit = next((x for h in headers if (x := header_unit(h, path)) is not None), None)
    if _is_sdss(wave):
        medium, unit = medium or "vacuum", unit or SDSS_UNIT_CGS
    rows = zip(flux, sigma, valid, strict=True)
    return SpectrumStack([SpectrumArrays(wave, *row, medium, unit) for row in rows], redshift)


def _is_sdss(wave: np.ndarray) -> bool:
    """Whether the pixels are those of SDSS and MaNGA."""
    if wave.size < 2 or not (wave > 0).all():
        return False
    return bool((np.abs(np.diff(np.log10(wave)) - _SDSS_STEP) < _SAME_STEP).all())


def _sigma(hdul: fits.HDUList, flux: np.ndarray, path: Path) -> np.ndarray:
    for kind, names in ERROR_HDUS.items():
        index = find_image(hdul, names, 2)
        if index is not None:
            return sigma_from(kind, _like_flux(hdul[index], flux, path))
    known = [name for group in ERROR_HDUS.values() for name in group]
    raise InputFileError(
        f"{path} has no errors (extensions: {', '.join(h.name for h in hdul)}); expected an "
        f"extension called {', '.join(known)}"
    )


def _valid(hdul: fits.HDUList, flux: np.ndarray, path: Path) -> np.ndarray:
    index = find_image(hdul, QUALITY_HDUS, 2)
    if index is None:
        return np.ones(flux.shape, dtype=bool)
    return _like_flux(hdul[index], flux, path) == 0


def _like_flux(hdu: fits.ImageHDU, flux: np.ndarray, path: Path) -> np.ndarray:
    values = np.asarray(hdu.data)
    if values.shape != flux.shape:
        raise InputFileError(
            f"{path}: extension {hdu.name} has shape {values.shape}, the flux {flux.shape}; "
            "expected one value per pixel"
        )
    return values


def _redshift(hdul: fits.HDUList, n_spectrum: int, path: Path) -> np.ndarray | None:
    index = find_image(hdul, _REDSHIFT_HDUS, 1)
    if index is None:
        return None
    values = np.asarray(hdul[index].data, dtype=np.float64)
    if values.shape != (n_spectrum,):
        raise InputFileError(
            f"{path}: extension {hdul[index].name} has {values.size} redshifts for {n_spectrum} "
            "spectra; expected one each"
        )
    return values
