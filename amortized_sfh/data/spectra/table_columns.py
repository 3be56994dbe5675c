"""Columns of the table of a spectrum, and their meaning, whatever they are called.

Readers hand over columns by name; :func:`interpret_columns` finds wavelength, flux, error and mask.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from amortized_sfh.data.files.fits_files import InputFileError
from amortized_sfh.data.files.flux_units import parse_flux_unit
from amortized_sfh.data.files.wavelengths import parse_wavelength_unit

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
    """

    wavelength_aa: np.ndarray
    flux: np.ndarray
    sigma: np.ndarray
    valid: np.ndarray
    medium: str | None
    unit_cgs: float | None


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
    kind, error_name = _error_column(lower)
    if error_name is None:
        names = [name for group in _ERRORS.values() for name in group]
        raise InputFileError(
            f"{source} has no error column; {found}; a posterior needs the error of every pixel: "
            f"expected one of {tuple(names)}"
        )
    is_sdss = wave_name == "loglam"
    flux, error = lower[flux_name], lower[error_name]
    unit = _flux_unit(flux.unit, source) or (SDSS_UNIT_CGS if is_sdss else None)
    sigma = sigma_from(kind, error.values) * _relative_unit(kind, error.unit, unit, source)
    return SpectrumArrays(
        wavelength_aa=_wavelength(lower[wave_name], is_sdss, source),
        flux=np.asarray(flux.values, dtype=np.float64),
        sigma=sigma,
        valid=_valid(lower, len(flux.values)),
        medium=_medium(lower[wave_name], is_sdss),
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


def _error_column(columns: Mapping[str, Column]) -> tuple[str, str | None]:
    """Return kind and name of the column of errors, None if there is none."""
    for kind, names in _ERRORS.items():
        name = _first(columns, names)
        if name is not None:
            return kind, name
    return "sigma", None


def _wavelength(column: Column, is_log: bool, source: str) -> np.ndarray:
    """Return wavelengths in Å, shape (n_wave,)."""
    values = np.asarray(column.values, dtype=np.float64)
    if is_log:
        return 10.0**values
    return values * parse_wavelength_unit(column.unit, f"{source}: the unit of the wavelengths")


def _flux_unit(text: str, source: str) -> float | None:
    """Return the unit of a column in erg/s/cm²/Å, None if it has none."""
    if not text.strip():
        return None
    try:
        return parse_flux_unit(text)
    except ValueError as error:
        raise InputFileError(f"{source}: {error}") from error


def _relative_unit(kind: str, text: str, flux_unit: float | None, source: str) -> float:
    """Unit of an error column relative to that of the flux; of others it is taken as right."""
    own = _flux_unit(text, source) if kind == "sigma" else None
    return 1.0 if own is None or flux_unit is None else own / flux_unit


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


def _medium(column: Column, is_sdss: bool) -> str | None:
    """Return the medium of the wavelengths, if the column tells it."""
    if is_sdss:
        return "vacuum"
    ucd = column.ucd.lower().replace(" ", "")
    if ucd.startswith("em.wl"):  # ESO's science data products say it here
        return "air" if "obs.atmos" in ucd else "vacuum"
    return None
