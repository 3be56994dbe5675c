"""Band, calibration, camera and drizzling of an HST image, as its header states them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from astropy.io import fits

from amortized_sfh.data.cube_files.cube_file import UNIT_CGS
from amortized_sfh.data.files.fits_files import InputFileError
from amortized_sfh.data.files.units import parse_flux_unit
from simulators.constants import SPEED_OF_LIGHT_AA_S
from simulators.instruments.filters import read_filter
from simulators.observations.observation import BANDS

_FILTER_KEYS = ("FILTER", "FILTER1", "FILTER2", "FILTNAM1", "FILTNAM2", "PHOTMODE")

_NATIVE_ARCSEC = {"WFC3": 0.0396, "ACS": 0.05, "WFPC2": 0.0996}
"""Detector pixels of WFC3/UVIS, ACS/WFC and the WF chips of WFPC2 (instrument handbooks)."""

_Headers = Sequence[fits.Header]


def header_values(headers: _Headers, key: str) -> Iterator[Any]:
    """Yield the values that a keyword has in some headers, in their order."""
    return (header[key] for header in headers if header.get(key) not in (None, ""))


def exposure_time(headers: _Headers) -> float:
    """Return the total exposure time in seconds, 0 if unknown."""
    return float(next(header_values(headers, "EXPTIME"), 0.0))


def read_band(path: str | Path, band: str | None, headers: _Headers) -> str:
    """Return the band of an image.

    Parameters
    ----------
    path : str or Path
        The file, for messages.
    band : str or None
        The band that the user named, if any.
    headers : sequence of Header
        _Headers of the image and of its file.

    Returns
    -------
    str
        One of the five bands.

    Raises
    ------
    ValueError
        If the band is not one of the five, or the header names another one.
    """
    text = " ".join(str(value) for key in _FILTER_KEYS for value in header_values(headers, key))
    named = sorted(set(re.findall(r"F\d{3}(?:W|N|M|LP|X)", text.upper())))
    if band is None:
        known = [name for name in named if name in BANDS]
        if len(known) != 1:
            raise ValueError(
                f"{path}: the header names the filters {named or 'nowhere'}; "
                f"expected one of {', '.join(BANDS)}: say which band it is"
            )
        return known[0]
    if band not in BANDS:
        raise ValueError(f"unknown band {band!r}; expected one of {', '.join(BANDS)}")
    if named and band not in named:
        raise ValueError(
            f"{path} was given as {band}, but its header says {', '.join(named)}; "
            "give each image its own band"
        )
    return band


def read_calibration(path: str | Path, band: str, headers: _Headers) -> tuple[float, float]:
    """Return flux and electrons per unit of pixel value.

    Parameters
    ----------
    path : str or Path
        The file, for messages.
    band : str
        Name of the band, whose pivot wavelength turns PHOTFNU into f_λ.
    headers : sequence of Header
        _Headers of the image and of its file.

    Returns
    -------
    tuple of float
        f_λ in units of 1e-20 erg/s/cm²/Å that a pixel value of 1 stands for, and the electrons
        that were detected for it (0 if unknown).

    Raises
    ------
    InputFileError
        If the photometric keywords are missing, or the unit is not understood.
    """
    exposure = exposure_time(headers)
    gain = float(next(header_values(headers, "ATODGAIN"), 0.0))
    unit = str(next(header_values(headers, "BUNIT"), "ELECTRONS/S")).strip()
    known = re.fullmatch(
        r"(ELECTRONS?|COUNTS?|CPS|E-?|DN)\s*(/\s*S(EC)?|S-1|\*\*-1)?", unit.upper()
    )
    if known is None:
        return parse_flux_unit(unit, path) / UNIT_CGS, 0.0
    per_second = known[2] is not None or known[1] == "CPS"
    if not per_second and exposure <= 0:
        raise InputFileError(
            f"{path} is in {unit}, not per second, and has no EXPTIME; expected electrons/s"
        )
    electrons = exposure * (1.0 if known[1].startswith("E") else gain)
    flux = _sensitivity(path, band, headers) / UNIT_CGS
    return (flux, electrons) if per_second else (flux / exposure, electrons / exposure)


def _sensitivity(path: str | Path, band: str, headers: _Headers) -> float:
    """Return f_λ in erg/s/cm²/Å of one electron (or count) per second."""
    for value in header_values(headers, "PHOTFLAM"):
        if float(value) > 0:
            return float(value)
    for value in header_values(headers, "PHOTFNU"):
        if float(value) > 0:
            pivot = float(next(header_values(headers, "PHOTPLAM"), read_filter(band).pivot_aa))
            return float(value) * 1e-23 * SPEED_OF_LIGHT_AA_S / pivot**2
    raise InputFileError(
        f"{path} has neither PHOTFLAM nor PHOTFNU; expected the photometric keywords of a "
        "calibrated HST image: use the drizzled (drc) product, or add PHOTFLAM"
    )


def read_camera(headers: _Headers) -> str:
    """Return the camera, such as ``WFC3/UVIS`` or ``WFPC2``; empty if the header does not say."""
    name = str(next(header_values(headers, "INSTRUME"), "")).strip().upper()
    if not name:
        mode = str(next(header_values(headers, "PHOTMODE"), "")).upper()
        found = re.match(r"\s*(WFC3|WFPC2|ACS)\b", mode)
        name = found[1] if found else ""
    detector = str(next(header_values(headers, "DETECTOR"), "")).strip().upper()
    return f"{name}/{detector}" if name and detector.isalpha() else name


def drop_size(headers: _Headers, pixel_arcsec: float) -> tuple[float, bool]:
    """Return the side of drizzle's drops in pixels of the image.

    Parameters
    ----------
    headers : sequence of Header
        _Headers of the image and of its file; D001PIXF is the side of a drop in detector pixels,
        D001ISCL the detector pixel in arcsec (that of the camera if missing).
    pixel_arcsec : float
        Side of a pixel of the image in arcsec.

    Returns
    -------
    tuple of float and bool
        The side, and True if the header tells it; else the largest that is possible, that of a
        detector pixel.
    """
    native = next(header_values(headers, "D001ISCL"), None)
    if not isinstance(native, (int, float)):
        camera = read_camera(headers).split("/")[0]
        native = _NATIVE_ARCSEC.get(camera, _NATIVE_ARCSEC["WFC3"])
    fraction = next(header_values(headers, "D001PIXF"), None)
    if isinstance(fraction, (int, float)) and fraction > 0:
        return float(fraction) * float(native) / pixel_arcsec, True
    return float(native) / pixel_arcsec, False
