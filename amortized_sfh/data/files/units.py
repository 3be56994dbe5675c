"""Units of fluxes and of wavelengths as files state them, and the medium of the wavelengths.

Fluxes have their units in BUNIT or in the columns of a table, in many spellings; wavelengths were
measured in air or in vacuum.
"""

from __future__ import annotations

import re
import warnings
from pathlib import Path

from astropy import units as u
from astropy.io import fits

from amortized_sfh.data.files.fits_files import InputFileError

_ANGSTROM = "Angstroms?|angstroms?|ANGSTROMS?|Ang|ang|AA|A|Å"
"""Regular expression of the ways in which headers write Å."""

F_LAMBDA = u.erg / u.s / u.cm**2 / u.AA
"""The unit in which all flux units are expressed."""

_SCALE = re.compile(
    r"""^\s*(?:1(?:\.0*)?\s*[*xX]\s*)?          # a leading "1.0 *"
        (?:10\s*(?:\*\*|\^)\s*\(?\s*(?P<power>[+-]?\d+)\s*\)?   # 10**(-20), 10^-20
          |10(?P<fits_power>[+-]\d+)                            # 10-20
          |(?P<number>\d+\.?\d*(?:[eE][+-]?\d+)?))              # 1e-20
        \s*\*?\s*""",
    re.VERBOSE,
)
_PER_SPECTRUM = re.compile(r"\s*/\s*(?:spaxel|fib(?:er|re))\s*$", re.IGNORECASE)
_SPELLINGS = (
    (r"\bergs?\b", "erg"),
    (r"\bsec(?:onds?)?\b", "s"),
    (rf"\b(?:{_ANGSTROM})(?=\b|\d|-|\^|\*|$)", "Angstrom"),
    (r"\^", "**"),
)

MEDIUM_OF_CTYPE = {"AWAV": "air", "WAVE": "vacuum"}
"""Medium by the first four letters of CTYPE (Greisen et al. 2006, A&A 446, 747)."""

_MEDIUM_OF_WORD = {"AIR": "air", "VAC": "vacuum", "VACUUM": "vacuum"}


def parse_flux_unit(bunit: str | None, source: str | Path = "") -> float:
    """Return the value of a flux unit in erg/s/cm²/Å; "per spaxel" and "per fiber" are dropped.

    Parameters
    ----------
    bunit : str or None
        Value of the FITS keyword BUNIT, or unit of a table column.
    source : str or Path
        File that states it, for messages; they name none by default.

    Returns
    -------
    float
        Flux density that the number 1 stands for, in erg/s/cm²/Å.

    Raises
    ------
    InputFileError
        If the keyword is missing, cannot be understood, or is no flux per wavelength.

    Examples
    --------
    >>> parse_flux_unit("10**(-20)*erg/s/cm**2/Angstrom")
    1e-20
    """
    hint = "expected a flux per wavelength such as '10**(-20)*erg/s/cm**2/Angstrom'"
    named = f"{source}: BUNIT" if source else "BUNIT"
    if bunit is None or not str(bunit).strip():
        raise InputFileError(
            f"{named} is missing; {hint}: add it to the header of the DATA extension"
        )
    text = _PER_SPECTRUM.sub("", str(bunit)).strip()
    factor, rest = 1.0, re.sub(r"\.(?=erg|cm)", " ", text)  # ESO's tables multiply with a dot
    match = _SCALE.match(rest)
    if match:
        power = match["power"] or match["fits_power"]
        factor = float(f"1e{power}") if power else float(match["number"])
        rest = rest[match.end() :]
    for pattern, replacement in _SPELLINGS:
        rest = re.sub(pattern, replacement, rest)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", u.UnitsWarning)  # several slashes, deprecated names
            value = u.Unit(rest, format="generic").to(F_LAMBDA)
    except (ValueError, TypeError, u.UnitConversionError) as error:
        raise InputFileError(f"{named} is {text!r}, which is not understood; {hint}") from error
    return float(f"{factor * value:.12g}")


def stated_flux_unit(path: str | Path, *headers: fits.Header) -> float | None:
    """Return the flux unit that headers state.

    Parameters
    ----------
    path : str or Path
        File name for messages.
    *headers : Header
        Headers in order of preference: the first with a BUNIT is believed.

    Returns
    -------
    float or None
        Flux density that the number 1 stands for, in erg/s/cm²/Å; None if there is no BUNIT.

    Raises
    ------
    InputFileError
        If BUNIT is not understood.
    """
    for header in headers:
        text = str(header.get("BUNIT", "")).strip()
        if text:
            return parse_flux_unit(text, path)
    return None


def parse_wavelength_unit(text: str, where: str) -> float:
    """Return the value of a unit of wavelength in Å.

    Parameters
    ----------
    text : str
        The unit as a file states it, such as "Angstrom", "ang", "nm" or "um"; nothing means Å.
    where : str
        File and keyword that say so, for the message.

    Returns
    -------
    float
        Wavelength in Å that the number 1 stands for.

    Raises
    ------
    InputFileError
        If it is no unit of length.

    Examples
    --------
    >>> parse_wavelength_unit("nm", "spectrum.fits: CUNIT1")
    10.0
    """
    text = text.strip()
    if not text or re.fullmatch(_ANGSTROM, text, re.IGNORECASE):
        return 1.0
    for spelling in (text, text.lower()):
        try:
            return float(f"{u.Unit(spelling).to(u.AA):.12g}")  # without the rounding of the ratio
        except (ValueError, TypeError, u.UnitConversionError):
            continue
    raise InputFileError(
        f"{where} is {text!r}; expected a length such as Angstrom, nm, um or m"
    ) from None


def medium_of_word(word: object) -> str | None:
    """Return the medium that a word stands for.

    Parameters
    ----------
    word : object
        Value of a keyword such as CTYPE1 ("AWAV", "WAVE-LOG") or MEDIUM ("air", "vac").

    Returns
    -------
    str or None
        "air" or "vacuum"; None if the word says nothing about it.
    """
    text = str(word or "").upper()
    return MEDIUM_OF_CTYPE.get(text[:4]) or _MEDIUM_OF_WORD.get(text)


def stated_medium(*headers: fits.Header) -> str | None:
    """Return the medium of the wavelengths as SDSS, the FITS standard or others state it.

    Parameters
    ----------
    *headers : Header
        Headers in order of preference: the first that says something is believed.

    Returns
    -------
    str or None
        "air" or "vacuum"; None if nothing is said.
    """
    for header in headers:
        vacuum = header.get("VACUUM")
        if isinstance(vacuum, bool | int):
            return "vacuum" if vacuum else "air"
        for key in ("CTYPE1", "AIRORVAC", "MEDIUM"):
            medium = medium_of_word(header.get(key))
            if medium is not None:
                return medium
    return None
