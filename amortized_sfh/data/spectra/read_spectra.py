"""Reading spectra from the usual files: FITS tables, FITS images, row-stacked spectra and text."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from amortized_sfh.data.files.extensions import is_row_stacked
from amortized_sfh.data.files.fits_files import InputFileError, open_fits
from amortized_sfh.data.spectra.row_stacked import read_row_stacked
from amortized_sfh.data.spectra.single_spectra import (
    read_fits_spectrum,
    read_text_spectrum,
    stated_redshift,
)
from amortized_sfh.data.spectra.spectrum import Spectrum
from amortized_sfh.data.spectra.table_columns import SpectrumArrays

_FITS_START = b"SIMPLE  ="
_FITS_SUFFIXES = (".fits", ".fit", ".fts")


def read_spectrum(path: str | Path, medium: str | None = None) -> Spectrum:
    """Read the spectrum of a file that holds one.

    Understood are SDSS files (``loglam``, ``flux``, ``ivar``, ``and_mask``), FITS tables with
    wavelength, flux and error columns (also one row of arrays, as ESO's products), one-dimensional
    FITS images with CRVAL1 and CDELT1 or CD1_1 and an error extension (STAT, ERR, IVAR), and text
    or ECSV tables with columns ``wave``, ``flux``, ``sigma`` and optionally ``valid``.

    Parameters
    ----------
    path : str or Path
        FITS file (may be compressed), or table of text.
    medium : {"air", "vacuum"}, optional
        Medium of the wavelengths; as the file says by default, and air if it does not.

    Returns
    -------
    Spectrum
        The spectrum as observed. Without a unit in the file its ``unit_cgs`` is None.

    Raises
    ------
    FileNotFoundError, InputFileError
        If there is no such file, it is truncated or no spectrum, or something is missing in it: the
        message names what was found.
    """
    spectra = read_spectra(path, medium)
    if len(spectra) > 1:
        raise InputFileError(
            f"{path} holds {len(spectra)} spectra; expected one: choose a row, 0 to "
            f"{len(spectra) - 1}"
        )
    return spectra[0]


def read_spectra(path: str | Path, medium: str | None = None) -> list[Spectrum]:
    """Read all spectra of a file.

    Parameters
    ----------
    path : str or Path
        Row-stacked spectra as MaNGA's, see :mod:`amortized_sfh.data.spectra.row_stacked`, or a
        file of one spectrum.
    medium : {"air", "vacuum"}, optional
        Medium of the wavelengths; as the file says by default, and air if it does not.

    Returns
    -------
    list of Spectrum
        At least one, in the order of the file; with redshifts where the file has them.

    Raises
    ------
    FileNotFoundError, InputFileError
        As :func:`read_spectrum`.
    """
    path = Path(path)
    name = path.name.split(".")[0]
    if not _is_fits(path):
        return [_spectrum(read_text_spectrum(path), medium, path, name)]
    with open_fits(path) as hdul:
        row_stacked, redshift = is_row_stacked(hdul), stated_redshift(hdul)
    if not row_stacked:
        single = _spectrum(read_fits_spectrum(path), medium, path, name)
        return [replace(single, redshift=redshift)]
    rows = read_row_stacked(path)
    spectra = [
        _spectrum(arrays, medium, path, f"{name}_{row:03d}")
        for row, arrays in enumerate(rows.spectra)
    ]
    if rows.redshift is None:
        return spectra
    pairs = zip(spectra, rows.redshift, strict=True)
    return [replace(spectrum, redshift=float(z)) for spectrum, z in pairs]


def _spectrum(arrays: SpectrumArrays, medium: str | None, path: Path, name: str) -> Spectrum:
    """Make a spectrum of what was read; pixels without flux or error are not used."""
    try:
        return Spectrum(
            arrays.wavelength_aa,
            arrays.flux,
            arrays.sigma,
            arrays.valid & np.isfinite(arrays.flux) & (arrays.sigma > 0),
            medium or arrays.medium or "air",
            arrays.unit_cgs,
            name,
        )
    except ValueError as error:
        raise InputFileError(f"{path} cannot be used: {error}") from error


def _is_fits(path: Path) -> bool:
    """Tell FITS from text by the name of the file or its first bytes."""
    name = path.name.lower()
    for suffix in (".gz", ".bz2"):
        name = name.removesuffix(suffix)
    if name.endswith(_FITS_SUFFIXES) or not path.is_file():
        return True
    with path.open("rb") as stream:
        return stream.read(len(_FITS_START)) == _FITS_START
