"""Colours of maps: limits that odd spaxels do not move, bars that tell what lies beyond them."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.ticker import MaxNLocator

ERROR_COLOURS = "YlGnBu"
"""Colour map of every uncertainty, and of nothing else."""

_ROUNDING = 1e-6


def robust_limits(
    *images: np.ndarray, symmetric: bool = False, share: float = 0.98, least_span: float = 0.0
) -> tuple[float, float]:
    """Colour limits that a few odd spaxels do not move.

    Parameters
    ----------
    *images : ndarray
        Values; NaN and infinities are ignored.
    symmetric : bool
        If true, the limits are symmetric about zero.
    share : float
        Central share of the values inside the limits.
    least_span : float
        Least distance of the limits, so that noise alone does not fill the colours.

    Returns
    -------
    tuple of float
        Low < high, also when there are no values.
    """
    values = np.concatenate([image[np.isfinite(image)].ravel() for image in images])
    if values.size == 0:
        return (-1.0, 1.0) if symmetric else (0.0, 1.0)
    tail = 0.5 * (1.0 - share)
    low, high = (float(q) for q in np.quantile(values, [tail, 1.0 - tail]))
    missing = 0.5 * max(least_span - (high - low), 0.0)
    low, high = low - missing, high + missing
    if symmetric:
        high = max(abs(low), abs(high))
        low = -high
    if high - low < 1e-6 * max(abs(low), abs(high), 1e-6):
        pad = max(abs(high) * 0.05, 1e-3)
        low, high = low - pad, high + pad
    return low, high


def clipped_ends(limits: tuple[float, float], *images: np.ndarray) -> str:
    """Ends of a colour bar beyond which there are values.

    Parameters
    ----------
    limits : tuple of float
        Colour limits, low and high.
    *images : ndarray
        Values that share them; NaN and infinities are ignored.

    Returns
    -------
    {"neither", "min", "max", "both"}
        As `draw_colour_bar` takes it.

    Examples
    --------
    >>> clipped_ends((0.0, 1.0), np.array([0.5, 1.5]))
    'max'
    """
    values = np.concatenate([image[np.isfinite(image)].ravel() for image in images])
    low, high = limits
    rounding = _ROUNDING * (high - low)
    below = bool((values < low - rounding).any())
    above = bool((values > high + rounding).any())
    return {(0, 0): "neither", (1, 0): "min", (0, 1): "max", (1, 1): "both"}[below, above]


def draw_colour_bar(
    figure: Figure,
    shown: AxesImage,
    position: tuple[float, float, float, float],
    label: str,
    *,
    orientation: str = "vertical",
    extend: str = "neither",
) -> None:
    """Draw a colour bar at a place of the figure.

    Parameters
    ----------
    figure : Figure
        Figure that receives the axes of the bar.
    shown : AxesImage
        Map whose colours the bar explains.
    position : tuple of float
        Left, bottom, width, height in figure units.
    label : str
        Quantity with its unit.
    orientation : {"vertical", "horizontal"}
        Direction in which the bar runs.
    extend : {"neither", "min", "max", "both"}
        Ends with an arrow, where values lie beyond the limits.
    """
    cax = figure.add_axes(position)
    bar = figure.colorbar(
        shown, cax=cax, orientation=orientation, extend=extend, extendfrac=0.03, label=label
    )
    vertical = orientation == "vertical"
    steps = [1, 2, 2.5, 5, 10]
    bar.locator = MaxNLocator(5 if vertical else 4, steps=steps, prune=None if vertical else "both")
    bar.update_ticks()
    cax.tick_params(direction="out", length=2.5, right=vertical, top=False)
