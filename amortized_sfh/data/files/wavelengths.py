"""Wavelengths in files: their unit, and whether they were measured in air or in vacuum."""

from __future__ import annotations

import re

from astropy import units as u
from astropy.io import fits

from amortized_sfh.data.files.fits_files import InputFileError

ANGSTROM_SPELLINGS = "Angstroms?|angstroms?|ANGSTROMS?|Ang|ang|AA|A|Å"
"""Regular expression of the ways in which headers write Å."""

MEDIUM_OF_CTYPE = {"AWAV": "air", "WAVE": "vacuum"}
"""Medium by the first four letters of CTYPE (Greisen et al. 2006, A&A 446, 747)."""

_MEDIUM_OF_WORD = {"AIR": "air", "VAC": "vacuum", "VACUUM": "vacuum"}


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
    if not text or re.fullmatch(ANGSTROM_SPELLINGS, text, re.IGNORECASE):
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
