"""The plane of a galaxy on the sky: orientation, areas of spaxels, deprojected radii.

Take :class:`Orientation` for what a user says of the galaxy and :func:`place_disc` for what follows
from it on the pixels of a map.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.wcs import WCS
from astropy.wcs.utils import proj_plane_pixel_area

_BRIGHT_SHARE = 0.1


@dataclass(frozen=True, kw_only=True)
class Orientation:
    """Orientation of a disc on the sky.

    Parameters
    ----------
    inclination_deg : float
        Inclination, from 0 (face-on) to below 90. Surface densities are multiplied by its cosine.
    position_angle_deg : float, optional
        Position angle of the major axis, east of north; radii of an inclined disc need it.
    centre : tuple of float or SkyCoord, optional
        Centre in pixels (x, y) of the map from 0, or on the sky; that of the light by default.

    Raises
    ------
    ValueError
        If an angle makes no sense.
    """

    inclination_deg: float = 0.0
    position_angle_deg: float | None = None
    centre: tuple[float, float] | SkyCoord | None = None

    def __post_init__(self) -> None:
        if not 0.0 <= self.inclination_deg < 90.0:
            raise ValueError(
                f"inclination is {self.inclination_deg} degrees; expected 0 (face-on) to below 90"
            )
        angle = self.position_angle_deg
        if angle is not None and not -360.0 <= angle <= 360.0:
            raise ValueError(
                f"position angle is {angle} degrees; expected degrees east of north, e.g. 173"
            )

    @property
    def axis_ratio(self) -> float:
        """Cosine of the inclination."""
        return math.cos(math.radians(self.inclination_deg))


@dataclass(frozen=True)
class Disc:
    """A disc on the pixels of a map.

    Parameters
    ----------
    radius_arcsec : ndarray
        Radius in the plane of the disc of every spaxel, shape (ny, nx).
    centre_xy : tuple of float
        Centre in pixels from 0.
    """

    radius_arcsec: np.ndarray
    centre_xy: tuple[float, float]


def parse_centre(text: str) -> tuple[float, float] | SkyCoord:
    """Read a centre: `x,y` in pixels, or right ascension and declination with units.

    Parameters
    ----------
    text : str
        Two plain numbers are pixels of the map from 0; anything else is read by astropy.

    Returns
    -------
    tuple of float or SkyCoord
        Pixels (x, y) of the map from 0, or a position on the sky.

    Raises
    ------
    ValueError
        If it is neither.

    Examples
    --------
    >>> parse_centre("20.5,19")
    (20.5, 19.0)
    >>> parse_centre("11h20m15s,+12d59m30s").to_string("decimal", precision=4)
    '170.0625 12.9917'
    """
    try:
        first, second = text.split(",")
        try:
            return float(first), float(second)
        except ValueError:
            return SkyCoord(first, second)
    except (ValueError, u.UnitsError) as error:
        raise ValueError(
            f"centre {text!r}: expected pixels x,y (e.g. 20.5,19) or a position with units "
            "(e.g. 170.0625d,12.9915d or 11h20m15s,+12d59m30s)"
        ) from error


def light_centre(brightness: np.ndarray) -> tuple[float, float]:
    """Centre of the light of the brightest tenth of the spaxels.

    Parameters
    ----------
    brightness : ndarray
        Surface brightness, shape (ny, nx); NaN without data.

    Returns
    -------
    tuple of float
        Centre (x, y) in pixels from 0.

    Raises
    ------
    ValueError
        If no spaxel is brighter than zero.
    """
    finite = np.isfinite(brightness) & (np.nan_to_num(brightness) > 0)
    if not finite.any():
        raise ValueError("no spaxel has positive light to find the centre by; give --centre")
    level = np.quantile(brightness[finite], 1.0 - _BRIGHT_SHARE)
    weight = np.where(finite & (np.nan_to_num(brightness) >= level), brightness, 0.0)
    y, x = np.indices(brightness.shape)
    return float((x * weight).sum() / weight.sum()), float((y * weight).sum() / weight.sum())


def place_disc(header: fits.Header, brightness: np.ndarray, orientation: Orientation) -> Disc:
    """Compute radii in the plane of a disc.

    Parameters
    ----------
    header : astropy.io.fits.Header
        Celestial WCS of the map.
    brightness : ndarray
        Surface brightness, shape (ny, nx); gives the centre where none was given.
    orientation : Orientation
        Inclination and position angle of the disc, and its centre.

    Returns
    -------
    Disc
        Radii of thin circular rings as seen inclined.

    Raises
    ------
    ValueError
        If there is no WCS, an inclined disc has no position angle, or the centre lies further from
        the map than the map is large.
    """
    if not len(header):
        raise ValueError("the cube has no celestial WCS: radii in arcsec cannot be computed")
    angle = orientation.position_angle_deg
    if angle is None and orientation.inclination_deg > 0.0:
        raise ValueError(
            f"inclination is {orientation.inclination_deg} degrees but there is no position angle: "
            "radii in an inclined disc need --position-angle"
        )
    wcs = WCS(header).celestial
    centre = _centre_xy(wcs, brightness, orientation.centre)
    y, x = np.indices(brightness.shape)
    origin = wcs.pixel_to_world(*centre)
    spaxels = wcs.pixel_to_world(x, y)
    separation = origin.separation(spaxels).arcsec
    turned = origin.position_angle(spaxels).rad - math.radians(angle or 0.0)
    along, across = separation * np.cos(turned), separation * np.sin(turned)
    return Disc(np.hypot(along, across / orientation.axis_ratio), centre)


def _centre_xy(
    wcs: WCS, brightness: np.ndarray, centre: tuple[float, float] | SkyCoord | None
) -> tuple[float, float]:
    if centre is None:
        return light_centre(brightness)
    if isinstance(centre, SkyCoord):
        x, y = (float(v) for v in wcs.world_to_pixel(centre))
    else:
        x, y = centre
    ny, nx = brightness.shape
    # a centre somewhat outside is that of a galaxy whose outskirts were observed
    if not (-nx <= x <= 2 * nx and -ny <= y <= 2 * ny):
        raise ValueError(
            f"the centre is at pixel ({x:.1f}, {y:.1f}), far outside the map of {nx} x {ny} "
            "spaxels; check --centre (pixels from 0, or a position on the sky with units)"
        )
    return x, y


def spaxel_area_arcsec2(header: fits.Header) -> float:
    """Area of a spaxel on the sky, NaN without a celestial WCS.

    Parameters
    ----------
    header : astropy.io.fits.Header
        Celestial WCS of the map, or an empty header.

    Returns
    -------
    float
        Area of one spaxel in arcsec².
    """
    if not len(header):
        return math.nan
    return float(proj_plane_pixel_area(WCS(header).celestial)) * 3600.0**2


def kpc_per_arcsec(distance_mpc: float, redshift: float) -> float:
    """Length of one arcsec at a galaxy.

    Parameters
    ----------
    distance_mpc : float
        Luminosity distance, NaN if unknown.
    redshift : float
        The angular-diameter distance is smaller by (1 + z)² (Hogg 1999, arXiv:astro-ph/9905116,
        eq. 21).

    Returns
    -------
    float
        Length of one arcsec in kpc.

    Examples
    --------
    >>> round(kpc_per_arcsec(11.32, 0.0), 5)
    0.05488
    """
    return distance_mpc / (1.0 + redshift) ** 2 * 1e3 * math.radians(1.0 / 3600.0)
