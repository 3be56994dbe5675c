"""Maps of a few age bins: where a galaxy formed its stars, and when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from amortized_sfh.plotting.colours import (
    ERROR_COLOURS,
    clipped_ends,
    draw_colour_bar,
    robust_limits,
)
from amortized_sfh.plotting.figures import as_array, finish, log10_positive, styled
from amortized_sfh.plotting.maps import find_map
from amortized_sfh.plotting.panel_grid import PanelGrid, panel_size
from amortized_sfh.plotting.sky import SkyFrame, draw_map, draw_scale_bar
from amortized_sfh.quantities.quantity import Quantity
from amortized_sfh.quantities.registry import MASSFRAC, describe
from amortized_sfh.quantities.statistics import MEAN, P16, P84, STD, extension_name

_LEAST_SPAN_DEX = 0.4
_AXIS_GAP = 0.45


@styled
def plot_bin_maps(
    maps: Mapping[str, Any],
    edges_gyr: Sequence[float],
    name: str = MASSFRAC.name,
    bins: Sequence[int] | None = None,
    truth: Mapping[str, Any] | None = None,
    frame: SkyFrame | None = None,
    path: str | Path | None = None,
) -> Figure:
    """Draw a few age bins of a history, one column per bin, youngest first.

    Rows: truth (if known), posterior mean on the same scale, uncertainty. Mass fractions and star
    formation rates are shown as log10, with half the width of the 16-84 % interval in dex.

    Parameters
    ----------
    maps : mapping of str to array, shape (n_bins, ny, nx)
        Holds ``<name>_MEAN``, ``<name>_STD``, ``<name>_P16`` and ``<name>_P84``.
    edges_gyr : sequence of float
        Edges of the age bins in Gyr, n_bins + 1.
    name : str
        ``MASSFRAC``, ``SFR`` or ``MH``.
    bins : sequence of int, optional
        Numbers of the bins to draw, 0 the youngest; five spread over all by default.
    truth : mapping of str to array, shape (n_bins, ny, nx), optional
        True values under ``name``, drawn above the means; none by default.
    frame : SkyFrame, optional
        Pixel scale and distance; axes are in spaxels by default.
    path : str or Path, optional
        File to write, png, pdf or svg; none by default.

    Returns
    -------
    Figure
        Rows of maps with a colour bar below each scale.

    Raises
    ------
    ValueError
        If a map is missing, a shape is wrong or there is no such bin.
    """
    frame = SkyFrame() if frame is None else frame
    shown = describe(name)
    n_bins = len(edges_gyr) - 1
    mean, error = _bin_planes(maps, name, n_bins, shown.log)
    bins = _checked_bins(bins, n_bins)
    true = None
    if truth is not None:
        true = as_array(find_map(truth, name), f"true {name}", mean.shape)
        true = np.where(np.isfinite(mean), log10_positive(true) if shown.log else true, np.nan)
    rows = ["truth"] * (true is not None) + ["posterior mean", "uncertainty (1σ)"]
    gaps_y = (0.1,) * (true is not None) + (0.62, _AXIS_GAP + 0.5)
    panel = panel_size((mean.shape[1], mean.shape[2]), largest=2.0)
    grid = PanelGrid(panel, (0.3,) * (len(bins) - 1) + (0.2,), gaps_y)
    figure = grid.figure()
    for column, i in enumerate(bins):
        values = [mean[i]] if true is None else [true[i], mean[i]]
        first = _draw_column(figure, grid, column, (values, error[i]), shown, frame)
        first.set_title(age_label(edges_gyr[i], edges_gyr[i + 1]), pad=4.0)
        if column == 0:
            draw_scale_bar(first, frame, (mean.shape[1], mean.shape[2]))
    grid.label_rows(figure, rows)
    return finish(figure, path)


def _draw_column(
    figure: Figure,
    grid: PanelGrid,
    column: int,
    images: tuple[list[np.ndarray], np.ndarray],
    shown: Quantity,
    frame: SkyFrame,
) -> Axes:
    """Draw values on one scale and their uncertainty below; returns the topmost panel."""
    values, error = images
    limits = robust_limits(*values, symmetric=shown.symmetric, least_span=_LEAST_SPAN_DEX)
    drawn = [(image, shown.colour_map, limits) for image in values]
    drawn.append((error, ERROR_COLOURS, robust_limits(error)))
    last = len(values)
    panels = []
    for row, (image, colours, span) in enumerate(drawn):
        ax = grid.axes(figure, row, column)
        panels.append(ax)
        picture = draw_map(ax, image, frame, colours, span)
        ax.tick_params(labelbottom=row == last, labelleft=column == 0)
        if column == 0:
            grid.label_y(ax, frame.axis_labels[1])
        if row == last:
            ax.set_xlabel(frame.axis_labels[0], labelpad=2.0)
        if row >= last - 1:
            scale = [error] if row == last else values
            draw_colour_bar(
                figure,
                picture,
                grid.below(row, column, _AXIS_GAP if row == last else 0.07),
                shown.error_label if row == last else shown.label,
                orientation="horizontal",
                extend=clipped_ends(span, *scale),
            )
    return panels[0]


def _bin_planes(
    maps: Mapping[str, Any], name: str, n_bins: int, log: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Central value and uncertainty per bin, both in dex if logarithmic."""
    mean = _bin_plane(maps, extension_name(name, MEAN), (n_bins, None, None))
    if not log:
        return mean, _bin_plane(maps, extension_name(name, STD), mean.shape)
    low, high = (_bin_plane(maps, extension_name(name, p), mean.shape) for p in (P16, P84))
    return log10_positive(mean), 0.5 * (log10_positive(high) - log10_positive(low))


def _bin_plane(maps: Mapping[str, Any], name: str, shape: tuple[int | None, ...]) -> np.ndarray:
    return as_array(find_map(maps, name), name, shape)


def _checked_bins(bins: Sequence[int] | None, n_bins: int) -> list[int]:
    if bins is None:
        return sorted({int(i) for i in np.linspace(0, n_bins - 1, min(5, n_bins)).round()})
    if len(bins) == 0 or not all(0 <= i < n_bins for i in bins):
        raise ValueError(f"bins = {tuple(bins)}; expected numbers from 0 to {n_bins - 1}")
    return [int(i) for i in bins]


def age_label(low_gyr: float, high_gyr: float) -> str:
    """Name an age bin.

    Parameters
    ----------
    low_gyr, high_gyr : float
        Edges of the bin as lookback times in Gyr.

    Returns
    -------
    str
        Both edges, in Myr where the older one is below 1 Gyr, else in Gyr.

    Examples
    --------
    >>> age_label(0.0, 0.01), age_label(0.63, 1.0), age_label(10.5, 13.5)
    ('0–10 Myr', '0.63–1 Gyr', '10.5–13.5 Gyr')
    """
    if high_gyr < 1.0:
        return f"{1e3 * low_gyr:.3g}–{1e3 * high_gyr:.3g} Myr"
    return f"{low_gyr:.3g}–{high_gyr:.3g} Gyr"
