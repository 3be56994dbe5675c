"""Drawing maps on the sky: offsets in arcsec, scale bar, grey where no value is."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from astropy.wcs import WCS
from astropy.wcs.utils import proj_plane_pixel_scales
from matplotlib import colormaps, patheffects
from matplotlib.axes import Axes
from matplotlib.image import AxesImage

from amortized_sfh.data.cubes.disc import kpc_per_arcsec

UNKNOWN = "0.82"
"""Colour of spaxels without a value."""


@dataclass(frozen=True)
class SkyFrame:
    """Scale and orientation of a map on the sky, and the distance of the galaxy.

    Parameters
    ----------
    pixel_scale_arcsec : float, optional
        Width of a spaxel; without it, axes are in spaxels.
    distance_mpc : float, optional
        Luminosity distance of the galaxy, for a scale bar in kpc.
    north_up : bool
        If true, rows run to the north and columns to the west, as in MUSE mosaics; else the axes
        are named offsets along the image.
    redshift : float
        Redshift of the galaxy: lengths are smaller by (1 + z)² than the luminosity distance tells.

    Raises
    ------
    ValueError
        If scale or distance are not positive and finite, or the redshift is not above -1.

    Examples
    --------
    >>> SkyFrame(0.2).extent((100, 200))
    (20.0, -20.0, -10.0, 10.0)
    """

    pixel_scale_arcsec: float | None = None
    distance_mpc: float | None = None
    north_up: bool = True
    redshift: float = 0.0

    def __post_init__(self) -> None:
        for name in ("pixel_scale_arcsec", "distance_mpc"):
            value = getattr(self, name)
            if value is not None and not (math.isfinite(value) and value > 0):
                raise ValueError(f"{name} = {value}; expected a finite number > 0, or None")
        if not (math.isfinite(self.redshift) and self.redshift > -1.0):
            raise ValueError(f"redshift = {self.redshift}; expected a finite number > -1")

    @classmethod
    def from_header(
        cls, header: Any, distance_mpc: float | None = None, redshift: float = 0.0
    ) -> SkyFrame:
        """Read scale and orientation from a celestial WCS.

        Parameters
        ----------
        header : astropy.io.fits.Header
            Header of a map or cube; without a celestial WCS, axes are in spaxels.
        distance_mpc : float, optional
            Luminosity distance of the galaxy.
        redshift : float
            Redshift of the galaxy.

        Returns
        -------
        SkyFrame
            Frame of maps with this header.
        """
        wcs = WCS(header)
        if not wcs.has_celestial:
            return cls(None, distance_mpc, redshift=redshift)
        wcs = wcs.celestial
        matrix = wcs.pixel_scale_matrix
        scale = float(np.mean(proj_plane_pixel_scales(wcs))) * 3600.0
        unrotated = abs(matrix[0, 1]) + abs(matrix[1, 0]) < 0.1 * abs(matrix[1, 1])
        north_up = bool(unrotated and matrix[0, 0] < 0 and matrix[1, 1] > 0)
        return cls(scale, distance_mpc, north_up, redshift)

    @property
    def axis_labels(self) -> tuple[str, str]:
        """Labels of the horizontal and vertical axis."""
        if self.pixel_scale_arcsec is None:
            return "x (spaxels)", "y (spaxels)"
        if self.north_up:
            return r"$\Delta\alpha$ (arcsec)", r"$\Delta\delta$ (arcsec)"
        return "x offset (arcsec)", "y offset (arcsec)"

    def extent(self, shape: tuple[int, ...]) -> tuple[float, float, float, float]:
        """Edges of a map: left, right, bottom, top.

        Parameters
        ----------
        shape : tuple of int
            Shape of the map, (ny, nx).

        Returns
        -------
        tuple of float
            Offsets from the centre in arcsec, east (left) positive; spaxels without a scale.
        """
        ny, nx = shape
        if self.pixel_scale_arcsec is None:
            return -0.5, nx - 0.5, -0.5, ny - 0.5
        x, y = 0.5 * nx * self.pixel_scale_arcsec, 0.5 * ny * self.pixel_scale_arcsec
        return (x, -x, -y, y) if self.north_up else (-x, x, -y, y)

    def scale_bar(self, nx: int) -> tuple[float, str] | None:
        """Length and name of a round scale bar of about a quarter of the map.

        Parameters
        ----------
        nx : int
            Width of the map in spaxels.

        Returns
        -------
        tuple of float and str, or None
            Length in arcsec and its name; None if scale or distance are unknown.
        """
        if self.pixel_scale_arcsec is None or self.distance_mpc is None:
            return None
        scale = kpc_per_arcsec(self.distance_mpc, self.redshift)
        wanted = 0.3 * nx * self.pixel_scale_arcsec * scale
        decade = 10.0 ** math.floor(math.log10(wanted))
        kpc = max(factor * decade for factor in (1, 2, 5) if factor * decade <= wanted)
        name = f"{kpc:g} kpc" if kpc >= 1.0 else f"{1e3 * kpc:g} pc"
        return kpc / scale, name


def draw_map(
    ax: Axes,
    image: np.ndarray,
    frame: SkyFrame,
    colour_map: str,
    limits: tuple[float, float],
) -> AxesImage:
    """Draw one map, north up, with equal axes and grey where there is no value.

    Parameters
    ----------
    ax : Axes
        Axes to draw on.
    image : ndarray, shape (ny, nx)
        Values; those that are not finite are drawn in grey.
    frame : SkyFrame
        Frame that gives the axes their scale.
    colour_map : str
        Name of the colour map.
    limits : tuple of float
        Values of the first and the last colour.

    Returns
    -------
    AxesImage
        The picture, as a colour bar needs it.
    """
    colours = colormaps[colour_map].with_extremes(bad=UNKNOWN)
    shown = ax.imshow(image, colours, aspect="equal", extent=frame.extent(image.shape))
    shown.set_clim(*limits)
    ax.locator_params(nbins=5, steps=[1, 2, 5, 10])
    ax.tick_params(color="0.25", length=3.0)
    return shown


def draw_scale_bar(ax: Axes, frame: SkyFrame, shape: tuple[int, ...]) -> None:
    """Draw a scale bar into the lower left corner, if the distance is known.

    Parameters
    ----------
    ax : Axes
        Axes with a map.
    frame : SkyFrame
        Scale of the map and distance of the galaxy.
    shape : tuple of int
        (ny, nx) of the map.
    """
    bar = frame.scale_bar(shape[1])
    if bar is None:
        return
    length, name = bar
    left, right, bottom, top = frame.extent(shape)
    x0, y0 = left + 0.06 * (right - left), bottom + 0.07 * (top - bottom)
    halo = [patheffects.withStroke(linewidth=3.8, foreground="white")]
    x1 = x0 + math.copysign(length, right - left)
    ax.plot([x0, x1], [y0, y0], color="black", lw=1.8, path_effects=halo, solid_capstyle="butt")
    y_text = y0 + 0.025 * (top - bottom)
    ax.text(
        0.5 * (x0 + x1), y_text, name, ha="center", va="bottom", fontsize=8.0, path_effects=halo
    )
