"""Colours of all figures; limits and bars of maps, which tell what lies beyond them."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from matplotlib.axes import Axes
from matplotlib.image import AxesImage
from matplotlib.ticker import MaxNLocator

POSTERIOR = "#1f5fa8"
"""Colour of everything inferred."""
TRUTH = "#d1495b"
"""Colour of every truth."""
POSTERIOR_BANDS = {0.68: "#86add6", 0.95: "#c9dcef"}
"""Opaque colours of the central 68 and 95 % of a posterior."""
PRIOR = "0.72"
"""Colour of every prior."""
DATA = "0.15"
"""Colour of data."""
CYCLE = ("#1f5fa8", "#e08214", "#3a8f5c", "#8c4f9f", "#a6761d", "#d1495b", "#4fa8a8", "0.4")
"""Colours of several things of one kind; they differ in lightness, too."""

ERROR_COLOURS = "YlGnBu"
"""Colour map of every uncertainty, and of nothing else."""

_SHARE = 0.98
"""Central share of the values inside the limits of colours."""
_ROUNDING = 1e-6


def _finite(images: Iterable[np.ndarray]) -> np.ndarray:
    """All finite values of some images, in one row."""
    return np.concatenate([image[np.isfinite(image)] for image in images])


def robust_limits(
    *images: np.ndarray, symmetric: bool = False, least_span: float = 0.0
) -> tuple[float, float]:
    """Colour limits that a few odd spaxels do not move.

    Parameters
    ----------
    *images : ndarray
        Values; NaN and infinities are ignored.
    symmetric : bool
        If true, the limits are symmetric about zero.
    least_span : float
        Least distance of the limits, so that noise alone does not fill the colours.

    Returns
    -------
    tuple of float
        Low < high, also when there are no values.
    """
    values = _finite(images)
    if values.size == 0:
        return (-1.0, 1.0) if symmetric else (0.0, 1.0)
    tail = 0.5 * (1.0 - _SHARE)
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
    values = _finite(images)
    low, high = limits
    rounding = _ROUNDING * (high - low)
    below = bool((values < low - rounding).any())
    above = bool((values > high + rounding).any())
    return {(0, 0): "neither", (1, 0): "min", (0, 1): "max", (1, 1): "both"}[below, above]


def draw_colour_bar(
    cax: Axes, shown: AxesImage, label: str, *images: np.ndarray, horizontal: bool = False
) -> None:
    """Draw a colour bar, with arrows where values lie beyond the limits.

    Parameters
    ----------
    cax : Axes
        Axes that become the bar.
    shown : AxesImage
        Map whose colours the bar explains.
    label : str
        Quantity with its unit.
    *images : ndarray
        Values of all maps that share the colours.
    horizontal : bool
        If true, the bar runs from left to right, else upwards.
    """
    steps = [1, 2, 2.5, 5, 10]
    cax.figure.colorbar(
        shown,
        cax=cax,
        orientation="horizontal" if horizontal else "vertical",
        ticks=MaxNLocator(4, steps=steps, prune="both")
        if horizontal
        else MaxNLocator(5, steps=steps),
        extend=clipped_ends(shown.get_clim(), *images),
        extendfrac=0.03,
        label=label,
    )
    cax.tick_params(direction="out", length=2.5, right=not horizontal, top=False)
