"""Reading an HST image as MAST delivers it: drizzled, in electrons per second, with a WCS.

The result still has HST's resolution and pixels; :mod:`amortized_sfh.cubes.match` brings it to the
grid of a cube.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from astropy.io import fits
from astropy.wcs import WCS, FITSFixedWarning
from astropy.wcs.utils import proj_plane_pixel_scales

from amortized_sfh.cubes.cube_file import UNIT_CGS
from amortized_sfh.cubes.fits_input import InputFileError, find_image, open_fits
from amortized_sfh.cubes.flux_units import parse_flux_unit
from simulators.filters import SPEED_OF_LIGHT_AA_S, read_filter
from simulators.observation import BANDS

__all__ = ["HstImage", "read_hst_image"]

_FILTER_KEYS = ("FILTER", "FILTER1", "FILTER2", "FILTNAM1", "FILTNAM2", "PHOTMODE")


@dataclass(frozen=True)
class HstImage:
    """An image in one HST band.

    Parameters
    ----------
    band : str
        One of the five bands.
    data : ndarray
        Pixel values as in the file, shape (ny, nx); NaN or exactly 0 where there is no data (the
        drizzled frames around an image are 0). May be memory-mapped.
    flux_per_count : float
        f_λ, in units of 1e-20 erg/s/cm²/Å, of a pixel value of 1.
    wcs : WCS
        Celestial WCS.
    sigma : ndarray, optional
        Standard deviation of ``data``, same shape; estimated from the image if it is missing.
    electrons_per_count : float
        Detected electrons behind a pixel value of 1; 0 if unknown. Sets the photon noise.
    background : float
        Sky level left in the image, in pixel values; drizzled images of WFC3 have it removed.
    fwhm_arcsec : float
        FWHM of the image's PSF.
    source : str
        File name, for provenance.
    """

    band: str
    data: np.ndarray
    flux_per_count: float
    wcs: WCS
    sigma: np.ndarray | None = None
    electrons_per_count: float = 0.0
    background: float = 0.0
    fwhm_arcsec: float = 0.08
    source: str = ""

    def __post_init__(self) -> None:
        if self.band not in BANDS:
            raise ValueError(f"unknown band {self.band!r}; expected one of {', '.join(BANDS)}")
        if self.data.ndim != 2:
            raise ValueError(f"{self.source}: data has shape {self.data.shape}; expected (ny, nx)")
        if self.sigma is not None and self.sigma.shape != self.data.shape:
            raise ValueError(
                f"{self.source}: the error map has shape {self.sigma.shape}; "
                f"expected the image's {self.data.shape}"
            )

    @property
    def pixel_arcsec(self) -> float:
        """Mean pixel scale."""
        return float(np.sqrt(np.prod(proj_plane_pixel_scales(self.wcs)))) * 3600.0


def read_hst_image(
    path: str | Path, band: str | None = None, error: str | Path | np.ndarray | None = None
) -> HstImage:
    """Read a drizzled HST image.

    Parameters
    ----------
    path : str or Path
        FITS file with a 2-D extension SCI, or the image in the primary HDU.
    band : str, optional
        Band; read from the header if missing.
    error : str, Path or ndarray, optional
        Standard deviation per pixel in the image's unit: a FITS file or an array. Without it an
        extension ERR is used if there is one, else the noise is estimated from the image.

    Returns
    -------
    HstImage
        The image with its calibration.

    Raises
    ------
    FileNotFoundError, InputFileError
        If a file is missing or unreadable, or the image has no WCS or no photometric keyword.
    ValueError
        If the band is not one of the five, or the header names another one.
    """
    with open_fits(path) as hdul:
        index = find_image(hdul, ("SCI", "PRIMARY", *(h.name.upper() for h in hdul)), 2)
        if index is None:
            raise InputFileError(f"{path} holds no 2-D image; expected an extension SCI")
        headers = [hdul[index].header.copy(), hdul[0].header.copy()]
        data = hdul[index].data
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FITSFixedWarning)
            wcs = WCS(headers[0], fobj=hdul)
        own_error = find_image(hdul, ("ERR",), 2)
        sigma = hdul[own_error].data if own_error is not None else None
    if not wcs.has_celestial:
        raise InputFileError(
            f"{path} has no celestial WCS; expected CTYPE1, CRVAL1 ... as in a drizzled image"
        )
    if error is not None:
        sigma = error if isinstance(error, np.ndarray) else _read_error(error)
    name = _band(path, band, headers)
    per_count, electrons = _calibration(path, name, headers)
    return HstImage(name, data, per_count, wcs.celestial, sigma, electrons, source=Path(path).name)


def _read_error(path: str | Path) -> np.ndarray:
    with open_fits(path) as hdul:
        index = find_image(hdul, ("ERR", "SCI", "PRIMARY", *(h.name.upper() for h in hdul)), 2)
        if index is None:
            raise InputFileError(f"{path} holds no 2-D image; expected an error map")
        return hdul[index].data


def _values(headers: list[fits.Header], key: str) -> Iterator[object]:
    return (header[key] for header in headers if header.get(key) not in (None, ""))


def _band(path: str | Path, band: str | None, headers: list[fits.Header]) -> str:
    text = " ".join(str(value) for key in _FILTER_KEYS for value in _values(headers, key))
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


def _calibration(path: str | Path, band: str, headers: list[fits.Header]) -> tuple[float, float]:
    """Return flux (1e-20 cgs) and electrons per unit of pixel value."""
    exposure = float(next(_values(headers, "EXPTIME"), 0.0))  # type: ignore[arg-type]
    gain = float(next(_values(headers, "ATODGAIN"), 0.0))  # type: ignore[arg-type]
    unit = str(next(_values(headers, "BUNIT"), "ELECTRONS/S")).strip()
    known = re.fullmatch(
        r"(ELECTRONS?|COUNTS?|CPS|E-?|DN)\s*(/\s*S(EC)?|S-1|\*\*-1)?", unit.upper()
    )
    if known is None:
        return parse_flux_unit(unit) / UNIT_CGS, 0.0
    per_second = known[2] is not None or known[1] == "CPS"
    if not per_second and exposure <= 0:
        raise InputFileError(
            f"{path} is in {unit}, not per second, and has no EXPTIME; expected electrons/s"
        )
    electrons = exposure * (1.0 if known[1].startswith("E") else gain)
    flux = _sensitivity(path, band, headers) / UNIT_CGS
    return (flux, electrons) if per_second else (flux / exposure, electrons / exposure)


def _sensitivity(path: str | Path, band: str, headers: list[fits.Header]) -> float:
    """Return f_λ in erg/s/cm²/Å of one electron (or count) per second."""
    for value in _values(headers, "PHOTFLAM"):
        if float(value) > 0:  # type: ignore[arg-type]
            return float(value)  # type: ignore[arg-type]
    for value in _values(headers, "PHOTFNU"):
        if float(value) > 0:  # type: ignore[arg-type]
            pivot = float(next(_values(headers, "PHOTPLAM"), read_filter(band).pivot_aa))  # type: ignore[arg-type]
            return float(value) * 1e-23 * SPEED_OF_LIGHT_AA_S / pivot**2  # type: ignore[arg-type]
    raise InputFileError(
        f"{path} has neither PHOTFLAM nor PHOTFNU; expected the photometric keywords of a "
        "calibrated HST image: use the drizzled (drc) product, or add PHOTFLAM"
    )
