"""Reading the flux unit of a FITS image from the many spellings of BUNIT that exist."""

from __future__ import annotations

import re
import warnings

from astropy import units as u

__all__ = ["parse_flux_unit"]

_F_LAMBDA = u.erg / u.s / u.cm**2 / u.AA
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
    (r"\b(?:Angstroms?|angstroms?|ANGSTROMS?|Ang|ang|AA|A|Å)(?=\b|\d|-|\^|\*|$)", "Angstrom"),
    (r"\^", "**"),
)


def parse_flux_unit(bunit: str | None) -> float:
    """Return the value of a flux unit in erg/s/cm²/Å; "per spaxel" and "per fiber" are dropped.

    Parameters
    ----------
    bunit : str or None
        Value of the FITS keyword BUNIT.

    Returns
    -------
    float
        Flux density that the number 1 stands for, in erg/s/cm²/Å.

    Raises
    ------
    ValueError
        If the keyword is missing, cannot be understood, or is no flux per wavelength.

    Examples
    --------
    >>> parse_flux_unit("10**(-20)*erg/s/cm**2/Angstrom")
    1e-20
    """
    hint = "expected a flux per wavelength such as '10**(-20)*erg/s/cm**2/Angstrom'"
    if bunit is None or not str(bunit).strip():
        raise ValueError(f"BUNIT is missing; {hint}: add it to the header of the DATA extension")
    text = _PER_SPECTRUM.sub("", str(bunit)).strip()
    factor, rest = 1.0, text
    match = _SCALE.match(text)
    if match:
        power = match["power"] or match["fits_power"]
        factor = float(f"1e{power}") if power else float(match["number"])
        rest = text[match.end() :]
    for pattern, replacement in _SPELLINGS:
        rest = re.sub(pattern, replacement, rest)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", u.UnitsWarning)  # several slashes, deprecated names
            value = u.Unit(rest, format="generic").to(_F_LAMBDA)
    except (ValueError, TypeError, u.UnitConversionError) as error:
        raise ValueError(f"BUNIT is {text!r}, which is not understood; {hint}") from error
    return float(f"{factor * value:.12g}")
