"""Readers of spectra that are images of a FITS file: one of one axis, or rows of many.

Row-stacked spectra share one wavelength axis, as in MaNGA's LOGRSS. Understood are extensions
``FLUX`` (n_spectrum, n_wave), ``WAVE`` (n_wave), an error (``IVAR``, ``ERR``, ``STAT``), a ``MASK``
whose bits all spoil a pixel, and redshifts ``Z`` (n_spectrum).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from astropy.io import fits

from amortized_sfh.data.files.extensions import (
    ERROR_HDUS,
    FLUX_HDUS,
    QUALITY_HDUS,
    REDSHIFT_HDUS,
    WAVE_HDUS,
)
from amortized_sfh.data.files.fits_files import InputFileError, extension_names, find_image
from amortized_sfh.data.files.units import parse_wavelength_unit, stated_flux_unit, stated_medium
from amortized_sfh.data.spectra.table_spectra import SDSS_UNIT_CGS, SpectrumArrays, sigma_from

_SDSS_STEP = 1e-4
_SAME_STEP = 1e-7

_FluxImage = tuple[np.ndarray, np.ndarray, np.ndarray, str | None, float | None]
"""Flux, sigma, valid, medium and unit, as in SpectrumArrays; arrays of the shape of the image."""


def read_image_spectrum(hdul: fits.HDUList, index: int, path: Path) -> SpectrumArrays:
    """Read a spectrum whose flux is a one-dimensional image, on a linear or logarithmic axis.

    Parameters
    ----------
    hdul : HDUList
        FITS file, opened for reading.
    index : int
        Index of the flux image in it.
    path : Path
        File name for messages.

    Returns
    -------
    SpectrumArrays
        Spectrum with the errors, mask, medium and unit that the file has beside the flux.

    Raises
    ------
    InputFileError
        If there are no errors or no wavelength axis, a shape differs from that of the flux, or a
        unit is not understood.
    """
    image = _read_flux(hdul, index, path)
    header = hdul[index if "CRVAL1" in hdul[index].header else 0].header
    step = header.get("CD1_1", header.get("CDELT1"))
    start = header.get("CRVAL1")
    if start is None or step is None:
        raise InputFileError(
            f"{path} has no wavelength axis (CRVAL1 is {start}, CDELT1 or CD1_1 is {step}); "
            "expected both in the header of the flux"
        )
    unit_aa = parse_wavelength_unit(str(header.get("CUNIT1", "")), f"{path}: CUNIT1")
    offset = np.arange(image[0].size) + 1.0 - float(header.get("CRPIX1", 1.0))
    kind = str(header.get("CTYPE1", "")).upper()
    if int(header.get("DC-FLAG", 0)) == 1 or kind in ("LOGLAM", "WAVE-LOG10"):
        wave = 10.0 ** (start + step * offset)
    elif kind.endswith("-LOG"):
        wave = start * np.exp(step * offset / start)
    else:
        wave = start + step * offset
    return SpectrumArrays(wave * unit_aa, *image)


def read_row_stacked(hdul: fits.HDUList, path: Path) -> list[SpectrumArrays]:
    """Read all spectra of a file.

    Pixels of 1e-4 in log10 of the wavelength are those of SDSS: unless the file says otherwise,
    they are taken for vacuum wavelengths, and the fluxes for multiples of 1e-17 erg/s/cm²/Å.

    Parameters
    ----------
    hdul : HDUList
        FITS file with flux and wavelengths in extensions of their own, opened for reading.
    path : Path
        File name for messages.

    Returns
    -------
    list of SpectrumArrays
        Spectra of the n_spectrum rows, at least one, all with the same wavelengths.

    Raises
    ------
    InputFileError
        If the file has no such rows or no errors, or its shapes do not fit.
    """
    flux, wave = find_image(hdul, FLUX_HDUS, 2), find_image(hdul, WAVE_HDUS, 1)
    if flux is None or wave is None:
        raise InputFileError(
            f"{path} holds no rows of spectra (extensions: {extension_names(hdul)}); expected "
            "FLUX (n_spectrum, n_wave) and WAVE (n_wave)"
        )
    shape, centres = hdul[flux].shape, np.asarray(hdul[wave].data, dtype=np.float64)
    if shape[1] != centres.size or shape[0] == 0:
        raise InputFileError(
            f"{path}: FLUX has shape {shape} and WAVE {centres.shape}; expected "
            "(n_spectrum, n_wave) and (n_wave,)"
        )
    *arrays, medium, unit = _read_flux(hdul, flux, path, hdul[wave].header)
    if _is_sdss(centres):
        medium, unit = medium or "vacuum", unit or SDSS_UNIT_CGS
    rows = zip(*arrays, _redshifts(hdul, shape[0], path), strict=True)
    return [SpectrumArrays(centres, f, s, v, medium, unit, z) for f, s, v, z in rows]


def _is_sdss(wave: np.ndarray) -> bool:
    """Tell whether the pixels are those of SDSS and MaNGA."""
    if wave.size < 2 or not (wave > 0).all():
        return False
    return bool((np.abs(np.diff(np.log10(wave)) - _SDSS_STEP) < _SAME_STEP).all())


def _redshifts(hdul: fits.HDUList, n_spectrum: int, path: Path) -> list[float] | list[None]:
    """Return the redshift of each row, None where the file has none."""
    index = find_image(hdul, REDSHIFT_HDUS, 1)
    if index is None:
        return [None] * n_spectrum
    values = np.asarray(hdul[index].data, dtype=np.float64)
    if len(values) != n_spectrum:
        raise InputFileError(
            f"{path}: extension {hdul[index].name} has {values.size} redshifts for {n_spectrum} "
            "spectra; expected one each"
        )
    return values.tolist()


def _read_flux(
    hdul: fits.HDUList, index: int, path: Path, *wave_headers: fits.Header
) -> _FluxImage:
    """Read a flux image and what is beside it; other headers may state medium and unit as well."""
    flux = np.asarray(hdul[index].data, dtype=np.float64)
    errors = ((kind, find_image(hdul, names, flux.ndim)) for kind, names in ERROR_HDUS.items())
    kind, error = next(((k, i) for k, i in errors if i not in (None, index)), ("", None))
    if error is None:
        known = [name for group in ERROR_HDUS.values() for name in group]
        raise InputFileError(
            f"{path} has no errors (no error image among the extensions {extension_names(hdul)}); "
            f"expected an extension called {', '.join(known)}"
        )
    sigma = sigma_from(kind, _like_flux(hdul[error], flux, path))
    valid = np.ones(flux.shape, dtype=bool)
    quality = find_image(hdul, QUALITY_HDUS, flux.ndim)
    if quality is not None:
        valid = _like_flux(hdul[quality], flux, path) == 0
    headers = (hdul[index].header, *wave_headers, hdul[0].header)
    return flux, sigma, valid, stated_medium(*headers), stated_flux_unit(path, *headers)


def _like_flux(hdu: fits.ImageHDU, flux: np.ndarray, path: Path) -> np.ndarray:
    """Return the values of an extension, which must have the shape of the flux."""
    values = np.asarray(hdu.data)
    if values.shape != flux.shape:
        raise InputFileError(
            f"{path}: extension {hdu.name} has shape {values.shape}, the flux {flux.shape}; "
            "expected one value per pixel"
        )
    return values
