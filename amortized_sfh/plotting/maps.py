"""Maps of scalars: posterior means, uncertainties, and the truth where it is known."""

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
from amortized_sfh.plotting.figures import MINUS, as_array, finish, log10_positive, styled
from amortized_sfh.plotting.panel_grid import PanelGrid, panel_size
from amortized_sfh.plotting.sky import SkyFrame, draw_map, draw_scale_bar
from amortized_sfh.quantities.registry import AVERAGES, describe
from amortized_sfh.quantities.statistics import MEAN, P16, P84, STATISTICS, STD

_MEAN, _STD, _P16, _P84 = (STATISTICS.index(name) for name in (MEAN, STD, P16, P84))
_RESIDUAL_COLOURS = "RdBu_r"
_BAR_GAP = 0.92
_RESIDUAL_LIMIT = 3.0


@styled
def plot_maps(
    maps: Mapping[str, Any],
    truth: Mapping[str, Any] | None = None,
    names: Sequence[str] = AVERAGES,
    frame: SkyFrame | None = None,
    path: str | Path | None = None,
    title: str = "",
) -> Figure:
    """Draw posterior means and uncertainties of scalars, one row per quantity.

    With a truth the columns are truth, posterior mean (on the same colour scale), posterior
    standard deviation, and (mean - truth) / standard deviation. Without one, two quantities share a
    row. Surface densities are shown as log10, with half the width of the 16-84 % interval in dex.

    Parameters
    ----------
    maps : mapping of str to array, shape (5, ny, nx)
        Extension name to the planes mean, standard deviation and the percentiles 16, 50, 84; NaN
        where there is none.
    truth : mapping of str to array, shape (ny, nx), optional
        True values, for any of the names.
    names : sequence of str
        Names of the maps to draw; mean ages and metallicities by default.
    frame : SkyFrame, optional
        Pixel scale and distance; spaxels without it.
    path : str or Path, optional
        File to write, png, pdf or svg; none by default.
    title : str
        Heading of the figure.

    Returns
    -------
    Figure
        One panel with axes per map, one per colour bar.

    Raises
    ------
    ValueError
        If a name is missing or a shape is wrong.
    """
    frame = SkyFrame() if frame is None else frame
    planes = {name: _planes(maps, name) for name in _checked_names(names)}
    shape = next(iter(planes.values())).shape[1:]
    truth = {} if truth is None else truth
    known = {name: as_array(truth[name], name, shape) for name in planes if name in truth}
    grid, cells = _scalar_grid(shape, list(planes), bool(known), bool(title))
    figure = grid.figure()
    for name, (row, column) in cells.items():
        _scalar_row(figure, grid, (row, column), name, planes[name], known.get(name), frame)
    _label_outer(figure, grid, frame)
    if known:
        grid.label_rows(figure, [describe(name).title for name in planes])
    if title:
        figure.suptitle(title, y=1.0 - 0.12 / grid.size[1], va="top", fontsize=11)
    return finish(figure, path)


def _checked_names(names: Sequence[str]) -> Sequence[str]:
    if len(names) == 0:
        raise ValueError(f"names is empty; expected at least one map, e.g. {AVERAGES[:1]}")
    return names


def find_map(maps: Mapping[str, Any], name: str) -> Any:
    """Return the map of a name.

    Parameters
    ----------
    maps : mapping of str to array
        Maps by their names.
    name : str
        Name that is looked for.

    Returns
    -------
    array
        The map as it is in `maps`.

    Raises
    ------
    ValueError
        If there is none.
    """
    if name not in maps:
        raise ValueError(f"there is no map {name!r}; expected one of {', '.join(sorted(maps))}")
    return maps[name]


def _planes(maps: Mapping[str, Any], name: str) -> np.ndarray:
    return as_array(find_map(maps, name), name, (5, None, None))


def _scalar_grid(
    shape: tuple[int, ...], names: list[str], with_truth: bool, with_title: bool
) -> tuple[PanelGrid, dict[str, tuple[int, int]]]:
    """Places of the panels, and row and first column of every name."""
    block = (0.22, _BAR_GAP, _BAR_GAP, _BAR_GAP) if with_truth else (_BAR_GAP, _BAR_GAP)
    across = 1 if with_truth or len(names) == 1 else 2
    gaps = block * across
    n_rows = -(-len(names) // across)
    gap_y = 0.14 if with_truth else 0.34
    grid = PanelGrid(
        panel_size((shape[0], shape[1])),
        gaps_x=gaps,
        gaps_y=(gap_y,) * (n_rows - 1) + (0.55,),
        top=0.38 + 0.3 * with_title,
    )
    places = {name: (i // across, len(block) * (i % across)) for i, name in enumerate(names)}
    return grid, places


def _scalar_row(
    figure: Figure,
    grid: PanelGrid,
    place: tuple[int, int],
    name: str,
    planes: np.ndarray,
    truth: np.ndarray | None,
    frame: SkyFrame,
) -> None:
    """Draw the panels of one quantity."""
    row, column = place
    shown = describe(name)
    mean, std = planes[_MEAN], planes[_STD]
    if shown.log:
        low, high = log10_positive(planes[_P16]), log10_positive(planes[_P84])
        mean, std = log10_positive(mean), 0.5 * (high - low)
        truth = None if truth is None else log10_positive(truth)
    values = [mean] if truth is None else [np.where(np.isfinite(mean), truth, np.nan), mean]
    limits = robust_limits(*values, symmetric=shown.symmetric)
    images = [(image, shown.colour_map, limits) for image in values]
    images.append((std, ERROR_COLOURS, robust_limits(std)))
    titles = ["posterior mean", "uncertainty (1σ)"]
    if truth is not None:
        residual = (mean - truth) / np.where(std > 0, std, np.nan)
        images.append((residual, _RESIDUAL_COLOURS, (-_RESIDUAL_LIMIT, _RESIDUAL_LIMIT)))
        titles = ["truth", *titles, "(mean − truth) / σ"]
    bars = [shown.label, shown.error_label, ""]
    first_bar = len(values) - 1
    for k, (image, colours, span) in enumerate(images):
        ax = grid.axes(figure, row, column + k)
        drawn = draw_map(ax, image, frame, colours, span)
        if truth is None:
            ax.set_title(shown.title if k == 0 else titles[k], pad=4.0)
        elif row == 0:
            ax.set_title(titles[k], pad=4.0)
        if k >= first_bar:
            ends = clipped_ends(span, *(values if k == first_bar else [image]))
            beside = grid.beside(row, column + k)
            draw_colour_bar(figure, drawn, beside, bars[k - first_bar], extend=ends)
        if k == 3:
            _note_scatter(ax, image)
        if row == 0 and column + k == 0:
            draw_scale_bar(ax, frame, (image.shape[0], image.shape[1]))


def _note_scatter(ax: Axes, residual: np.ndarray) -> None:
    """Write median and robust scatter of the residuals into their panel: 0 and 1 if calibrated."""
    finite = residual[np.isfinite(residual)]
    if finite.size == 0:
        return
    low, middle, high = np.percentile(finite, [16.0, 50.0, 84.0])
    text = f"{round(middle, 2) + 0.0:+.2f} ± {0.5 * (high - low):.2f}".replace("-", MINUS)
    box = {"facecolor": "white", "alpha": 0.75, "edgecolor": "none", "pad": 1.5}
    ax.text(0.97, 0.03, text, transform=ax.transAxes, ha="right", va="bottom", fontsize=8, bbox=box)


def _label_outer(figure: Figure, grid: PanelGrid, frame: SkyFrame) -> None:
    """Label the axes of the left and lower panels, and drop the numbers of all others."""
    panels = [ax for ax in figure.axes if ax.images]
    x_label, y_label = frame.axis_labels
    lowest: dict[float, Axes] = {}
    for ax in panels:
        box = ax.get_position(original=True)
        key = round(box.x0, 4)
        if key not in lowest or box.y0 < lowest[key].get_position(original=True).y0:
            lowest[key] = ax
    leftmost = min(round(ax.get_position(original=True).x0, 4) for ax in panels)
    for ax in panels:
        x0 = round(ax.get_position(original=True).x0, 4)
        is_left, is_low = x0 == leftmost, lowest[x0] is ax
        ax.tick_params(labelleft=is_left, labelbottom=is_low)
        if is_left:
            grid.label_y(ax, y_label)
        if is_low:
            ax.set_xlabel(x_label, labelpad=2.0)
