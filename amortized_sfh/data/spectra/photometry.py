"""Tables of band fluxes: reading them, and bringing them to the unit of a spectrum.

A table has the columns ``band``, ``flux`` and ``error``. Units are those of the columns (ECSV), or
of a column ``unit`` that holds one for each row (CSV): fluxes per wavelength (erg/s/cm2/Angstrom),
per frequency (Jy, uJy, nJy) or AB magnitudes (mag(AB)).
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from astropy import units as u
from astropy.table import Row

from amortized_sfh.data.files.fits_files import InputFileError
from amortized_sfh.data.files.units import F_LAMBDA, parse_flux_unit
from amortized_sfh.data.spectra.table_spectra import read_text_table
from simulators.instruments.filters import filter_names, read_filter
from simulators.observations.observation import BANDS

_COLUMNS = ("band", "flux", "error")
_UNIT_HINT = "expected erg/s/cm2/Angstrom, Jy or mag(AB)"


def read_photometry(path: str | Path) -> dict[str, tuple[float, float]]:
    """Read the fluxes of one object in some bands.

    Parameters
    ----------
    path : str or Path
        Table in a file called ``.ecsv``, or else a CSV table.

    Returns
    -------
    dict of str to tuple
        Band name to (f_λ, sigma) in erg/s/cm²/Å, as observed.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    InputFileError
        If it is no such table, a unit is missing or not understood, a band is unknown or comes
        twice, or a value is not finite or has no positive error.
    """
    path = Path(path)
    kind = "ecsv" if path.suffix.lower() == ".ecsv" else "csv"
    columns = ", ".join(_COLUMNS)
    problem = f"no {kind.upper()} table; expected columns {columns}"
    table = read_text_table(path, f"ascii.{kind}", problem)
    if len(table) == 0:
        raise InputFileError(f"{path} has no rows; expected one per band")
    missing = [name for name in _COLUMNS if name not in table.colnames]
    if missing:
        raise InputFileError(
            f"{path} has no column {missing[0]!r} (columns: {', '.join(table.colnames)}); expected "
            f"{columns}"
        )
    fluxes: dict[str, tuple[float, float]] = {}
    for row in table:
        band = str(row["band"]).strip()
        if band not in filter_names():
            raise InputFileError(
                f"{path}: unknown band {band!r}; expected one of {', '.join(BANDS)}: leave "
                "out bands that the model does not have"
            )
        if band in fluxes:
            raise InputFileError(f"{path} has {band} twice: expected each band once")
        fluxes[band] = _flux_of(row, band, f"{path}, {band}")
    return fluxes


def photometry_in_unit(
    fluxes: Mapping[str, tuple[float, float]], unit_cgs: float | None, name: str
) -> dict[str, tuple[float, float]]:
    """Bring fluxes to the unit of a spectrum.

    Parameters
    ----------
    fluxes : mapping of str to tuple
        Band name to (f_λ, sigma) in erg/s/cm²/Å, from :func:`read_photometry`.
    unit_cgs : float or None
        Unit of the spectrum in erg/s/cm²/Å, None if it is not known.
    name : str
        Name of the spectrum, for the message.

    Returns
    -------
    dict of str to tuple
        Band name to (f_λ, sigma) in the unit of the spectrum.

    Raises
    ------
    ValueError
        If the unit of the spectrum is not known.
    """
    if unit_cgs is None:
        raise ValueError(
            f"{name} does not state its flux unit, so bands cannot be set beside it: add the unit "
            "to the file, such as erg / (s cm2 Angstrom)"
        )
    return {band: (flux / unit_cgs, sigma / unit_cgs) for band, (flux, sigma) in fluxes.items()}


def _flux_of(row: Row, band: str, where: str) -> tuple[float, float]:
    """Return flux and error of one row in erg/s/cm²/Å."""
    numbers = []
    for name in ("flux", "error"):
        value = row[name]
        try:
            numbers.append(math.nan if value is np.ma.masked else float(value))
        except (TypeError, ValueError) as error:
            raise InputFileError(f"{where}: {name} is {value!r}; expected a number") from error
    flux, sigma = numbers
    if not math.isfinite(flux) or not math.isfinite(sigma) or sigma <= 0.0:
        raise InputFileError(
            f"{where}: flux is {flux:g} with error {sigma:g}; expected finite numbers and a "
            "positive error: leave a band out that was not measured"
        )
    unit, error_unit = (_unit_text(row, name) for name in ("flux", "error"))
    if not unit:
        raise InputFileError(
            f"{where} has no unit: give the columns units (ECSV) or add a column unit; {_UNIT_HINT}"
        )
    if "mag" in unit.lower():
        return _from_magnitude(flux, sigma, unit, band, where)
    return flux * _scale(unit, band, where), sigma * _scale(error_unit or unit, band, where)


def _unit_text(row: Row, name: str) -> str:
    """Return the unit of a number: that of its column, or else that of its row."""
    unit = row.table[name].unit
    if unit is not None:
        return str(unit)
    return str(row["unit"]).strip() if "unit" in row.colnames else ""


def _scale(text: str, band: str, where: str) -> float:
    """Return a flux unit in erg/s/cm²/Å; one per frequency at the pivot wavelength of a band."""
    try:
        return parse_flux_unit(text)
    except ValueError:
        pass  # not a flux per wavelength: perhaps one per frequency
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", u.UnitsWarning)
            pivot = read_filter(band).pivot_aa * u.AA
            return float((1.0 * u.Unit(text)).to_value(F_LAMBDA, u.spectral_density(pivot)))
    except (ValueError, TypeError, u.UnitConversionError) as error:
        raise InputFileError(f"{where}: unit {text!r} is not understood; {_UNIT_HINT}") from error


def _from_magnitude(
    magnitude: float, error: float, text: str, band: str, where: str
) -> tuple[float, float]:
    """Return flux and error of an AB magnitude in erg/s/cm²/Å."""
    if text.lower().replace(" ", "") not in ("mag(ab)", "abmag", "mag_ab"):
        raise InputFileError(
            f"{where}: unit {text!r} does not say which magnitudes these are; {_UNIT_HINT}"
        )
    pivot = read_filter(band).pivot_aa * u.AA
    flux = float((magnitude * u.ABmag).to_value(F_LAMBDA, u.spectral_density(pivot)))
    return flux, flux * error * 0.4 * math.log(10.0)
