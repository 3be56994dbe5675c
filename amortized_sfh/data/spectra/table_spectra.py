"""Spectra in tables, of FITS or of text, whatever their columns are called.

:func:`interpret_columns` finds wavelength, flux, error and mask among the columns.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
from astropy.io import fits
from astropy.table import Table

from amortized_sfh.data.files.fits_files import InputFileError
from amortized_sfh.data.files.units import (
    medium_of_word,
    parse_flux_unit,
    parse_wavelength_unit,
    stated_flux_unit,
    stated_medium,
)

_WAVE = ("loglam", "wave", "wavelength", "wave_aa", "wavelength_aa", "lambda", "lam")
_FLUX = ("flux", "flux_reduced", "flux_density", "flam", "f_lambda")
_ERRORS = {
    "sigma": ("sigma", "error", "err", "flux_err", "flux_error", "err_reduced", "uncertainty"),
    "ivar": ("ivar", "inverse_variance", "flux_ivar"),
    "variance": ("variance", "var", "stat"),
}
_GOOD = ("valid", "good")
_BAD = ("mask", "qual", "quality", "dq", "flag")
_SDSS_MASK = "and_mask"

#: Bits of SDSS's and_mask that spoil a pixel: FULLREJECT, NOSKY, BRIGHTSKY, NODATA, COMBINEREJ,
#: BADSKYCHI, REDMONSTER (https://www.sdss3.org/dr9/algorithms/bitmask_sppixmask.php).
_SDSS_BAD_BITS = (18, 22, 23, 24, 25, 27, 28)
SDSS_UNIT_CGS = 1e-17
"""Unit of SDSS spectra, whose tables do not name it, in erg/s/cm²/Å."""


class Column(NamedTuple):
    """One column: its values, its unit ("" if it has none), and its UCD (ESO's TUCD; or "")."""

    values: np.ndarray
    unit: str = ""
    ucd: str = ""


class SpectrumArrays(NamedTuple):
    """A spectrum as read.

    Attributes
    ----------
    wavelength_aa, flux, sigma : ndarray
        Wavelengths in Å, flux and its standard deviation, shape (n_wave,), float64.
    valid : ndarray
        True for pixels that the file does not mask, shape (n_wave,).
    medium : str or None
        Medium of the wavelengths, "air" or "vacuum"; None if the file does not tell.
    unit_cgs : float or None
        Unit of the flux in erg/s/cm²/Å; None if it is not given.
    redshift : float or None
        Redshift of the galaxy; None if the file does not state it.
    """

    wavelength_aa: np.ndarray
    flux: np.ndarray
    sigma: np.ndarray
    valid: np.ndarray
    medium: str | None
    unit_cgs: float | None
    redshift: float | None = None


def read_fits_table(hdul: fits.HDUList, hdu: fits.BinTableHDU, path: Path) -> SpectrumArrays:
    """Read a spectrum from the columns of a table of a FITS file.

    Parameters
    ----------
    hdul : HDUList
        FITS file, opened for reading.
    hdu : BinTableHDU
        Table in it: one row per pixel, or one row that holds the whole spectrum.
    path : Path
        File name for messages.

    Returns
    -------
    SpectrumArrays
        Spectrum with medium and unit as columns or headers state them.

    Raises
    ------
    InputFileError
        If wavelength, flux or errors are missing, or a unit is not understood.
    """
    columns = {}
    for i, column in enumerate(hdu.columns, start=1):
        values = np.asarray(hdu.data[column.name])
        if values.ndim == 2 and len(values) == 1:  # one row that holds the whole spectrum
            values = values[0]
        if values.ndim == 1 and values.dtype.kind in "buif":
            values = values.astype(values.dtype.newbyteorder("="))
            ucd = str(hdu.header.get(f"TUCD{i}", ""))
            columns[column.name] = Column(values, column.unit or "", ucd)
    arrays = interpret_columns(columns, str(path))
    headers = (hdu.header, hdul[0].header)
    unit = arrays.unit_cgs
    if unit is None or "loglam" in {name.lower() for name in columns}:
        stated = stated_flux_unit(path, *headers)
        unit = unit if stated is None else stated
    return arrays._replace(medium=stated_medium(*headers) or arrays.medium, unit_cgs=unit)


def read_text_spectrum(path: Path) -> SpectrumArrays:
    """Read a spectrum from a text or ECSV table with named columns.

    Parameters
    ----------
    path : Path
        Name of the file; an ECSV table is one whose name ends in ``.ecsv``.

    Returns
    -------
    SpectrumArrays
        Spectrum whose medium, if the columns do not tell it, is that of the header of an ECSV.

    Raises
    ------
    FileNotFoundError, InputFileError
        If there is no such file, or it is no such table.
    """
    kind = "ascii.ecsv" if path.suffix.lower() == ".ecsv" else "ascii"
    expected = "neither a FITS file nor a table of text; expected columns wave, flux, sigma"
    table = read_text_table(path, kind, expected)
    columns = {}
    for name, column in table.columns.items():
        values = column
        if hasattr(column, "filled"):  # what is missing becomes NaN
            values = column.filled(np.nan) if column.dtype.kind == "f" else column.filled()
        unit = "" if column.unit is None else column.unit.to_string()
        columns[name] = Column(np.asarray(values), unit)
    arrays = interpret_columns(columns, str(path))
    medium = arrays.medium or medium_of_word(table.meta.get("medium"))
    return arrays._replace(medium=medium)


def read_text_table(path: Path, kind: str, problem: str) -> Table:
    """Read a table of text, whatever is said of its format by warnings.

    Parameters
    ----------
    path : Path
        Name of the file.
    kind : str
        Format as astropy calls it, such as "ascii.csv"; "ascii" to guess it.
    problem : str
        End of the message about a file that is no such table, after "<path> is".

    Returns
    -------
    Table
        The table with the columns of the file.

    Raises
    ------
    FileNotFoundError, InputFileError
        If there is no such file, or it cannot be read.
    """
    if not path.is_file():
        raise FileNotFoundError(f"no such file: {path}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # guessing the format is noisy
            return Table.read(path, format=kind)
    except Exception as error:  # every format fails in its own way
        raise InputFileError(f"{path} is {problem}") from error


def interpret_columns(columns: Mapping[str, Column], source: str) -> SpectrumArrays:
    """Find the parts of a spectrum among named columns.

    Parameters
    ----------
    columns : mapping of str to Column
        Columns by name, all of one length; upper and lower case do not matter.
    source : str
        File name for messages.

    Returns
    -------
    SpectrumArrays
        Wavelengths in Å, fluxes and errors in the unit of the flux column.

    Raises
    ------
    InputFileError
        If wavelength, flux or errors are missing, or a unit is not understood.
    """
    lower = {name.lower(): column for name, column in columns.items()}
    found = f"it has the columns {', '.join(columns) or '(none)'}"
    wave_name, flux_name = _first(lower, _WAVE), _first(lower, _FLUX)
    if wave_name is None:
        raise InputFileError(f"{source} has no wavelength column; {found}; expected one of {_WAVE}")
    if flux_name is None:
        raise InputFileError(f"{source} has no flux column; {found}; expected one of {_FLUX}")
    errors = {name: kind for kind, names in _ERRORS.items() for name in names}
    error_name = _first(lower, tuple(errors))
    if error_name is None:
        raise InputFileError(
            f"{source} has no error column; {found}; a posterior needs the error of every pixel: "
            f"expected one of {tuple(errors)}"
        )
    wave, flux, error = lower[wave_name], lower[flux_name], lower[error_name]
    wavelength_aa, medium = np.asarray(wave.values, dtype=np.float64), _medium(wave.ucd)
    unit = _flux_unit(flux.unit, source)
    if wave_name == "loglam":
        wavelength_aa, medium, unit = 10.0**wavelength_aa, "vacuum", unit or SDSS_UNIT_CGS
    else:
        where = f"{source}: the unit of the wavelengths"
        wavelength_aa = wavelength_aa * parse_wavelength_unit(wave.unit, where)
    kind, relative_unit = errors[error_name], 1.0
    error_unit = _flux_unit(error.unit, source) if kind == "sigma" else None
    if error_unit is not None and unit is not None:
        relative_unit = error_unit / unit
    return SpectrumArrays(
        wavelength_aa=wavelength_aa,
        flux=np.asarray(flux.values, dtype=np.float64),
        sigma=sigma_from(kind, error.values) * relative_unit,
        valid=_valid(lower, len(flux.values)),
        medium=medium,
        unit_cgs=unit,
    )


def sigma_from(kind: str, values: np.ndarray) -> np.ndarray:
    """Return standard deviations from any kind of error; 0 where there is none.

    Parameters
    ----------
    kind : {"sigma", "ivar", "variance"}
        Meaning of the values; "ivar" is an inverse variance.
    values : ndarray
        Errors of this kind, any shape.

    Returns
    -------
    ndarray
        Standard deviations of the same shape, float64; 0 where a value is not positive and finite.
    """
    values = np.asarray(values, dtype=np.float64)
    positive = np.isfinite(values) & (values > 0)
    safe = np.where(positive, values, 1.0)
    sigma = {"sigma": safe, "variance": np.sqrt(safe), "ivar": 1.0 / np.sqrt(safe)}[kind]
    return np.where(positive, sigma, 0.0)


def _first(columns: Mapping[str, Column], names: tuple[str, ...]) -> str | None:
    """Return the first of the names that a column has."""
    return next((name for name in names if name in columns), None)


def _flux_unit(text: str, source: str) -> float | None:
    """Return the unit of a column in erg/s/cm²/Å, None if it has none."""
    return parse_flux_unit(text, source) if text.strip() else None


def _valid(columns: Mapping[str, Column], n_wave: int) -> np.ndarray:
    """Return True for pixels that no column masks, shape (n_wave,)."""
    valid = np.ones(n_wave, dtype=bool)
    if _SDSS_MASK in columns:
        bad = sum(1 << bit for bit in _SDSS_BAD_BITS)
        valid &= (columns[_SDSS_MASK].values.astype(np.int64) & bad) == 0
    good_name, bad_name = _first(columns, _GOOD), _first(columns, _BAD)
    if good_name is not None:
        valid &= _truth(columns[good_name].values)
    elif bad_name is not None:
        valid &= ~_truth(columns[bad_name].values)
    return valid


def _truth(values: np.ndarray) -> np.ndarray:
    """Return a column of flags as booleans."""
    if values.dtype.kind in "US":  # a text table that could not be read as booleans
        return np.isin(np.char.lower(values.astype(str)), ("true", "t", "1", "yes"))
    return values.astype(np.float64) != 0


def _medium(ucd: str) -> str | None:
    """Return the medium of the wavelengths, if the UCD of their column tells it."""
    ucd = ucd.lower().replace(" ", "")
    if ucd.startswith("em.wl"):  # ESO's science data products say it here
        return "air" if "obs.atmos" in ucd else "vacuum"
    return None
