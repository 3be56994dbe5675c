"""Maps of scalars and of age bins: posterior means, uncertainties, and the truth where known."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from amortized_sfh.plotting.colours import ERROR_COLOURS, draw_colour_bar, robust_limits
from amortized_sfh.plotting.figures import as_array, as_shown, finish, note, styled
from amortized_sfh.plotting.panel_grid import PanelGrid, panel_size
from amortized_sfh.plotting.sky import SkyFrame, draw_map, draw_scale_bar
from amortized_sfh.quantities.quantity import Quantity
from amortized_sfh.quantities.registry import AVERAGES, MASSFRAC, describe
from amortized_sfh.quantities.statistics import MEAN, P16, P84, STATISTICS, STD, extension_name

_RESIDUAL_COLOURS = "RdBu_r"
_RESIDUAL_LIMITS = (-3.0, 3.0)
_BAR_GAP = 0.92
_AXIS_GAP = 0.45
_LEAST_SPAN_DEX = 0.4


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
    if len(names) == 0:
        raise ValueError(f"names is empty; expected at least one map, e.g. {AVERAGES[:1]}")
    frame = frame or SkyFrame()
    truth = truth or {}
    planes = {name: _checked_map(maps, name, (5, None, None)) for name in names}
    shape = planes[names[0]].shape[1:]
    known = {name: as_array(truth[name], name, shape) for name in planes if name in truth}
    grid, cells = _scalar_grid(shape, list(planes), bool(known), bool(title))
    for name, place in cells.items():
        _draw_row(grid, place, name, planes[name], known.get(name), frame)
    if known:
        grid.label_rows([describe(name).title for name in planes])
    if title:
        grid.figure.suptitle(title, y=1.0 - 0.12 / grid.size[1], va="top", fontsize=11)
    return _finish_maps(grid, frame, shape, path)


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
    frame = frame or SkyFrame()
    shown = describe(name)
    n_bins = len(edges_gyr) - 1
    shape = _checked_map(maps, extension_name(name, MEAN), (n_bins, None, None)).shape
    mean, error = _value_and_error(
        lambda statistic: _checked_map(maps, extension_name(name, statistic), shape), shown
    )
    bins = _checked_bins(bins, n_bins)
    values = [mean]
    if truth is not None:
        true = as_shown(_checked_map(truth, name, shape, "true "), shown)
        values.insert(0, np.where(np.isfinite(mean), true, np.nan))
    gaps_y = (0.1, 0.62, _AXIS_GAP + 0.5)[-1 - len(values) :]
    panel = panel_size(shape[1:], largest=2.0)
    grid = PanelGrid(panel, (0.3,) * (len(bins) - 1) + (0.2,), gaps_y)
    for column, i in enumerate(bins):
        _draw_column(grid, column, [image[i] for image in values], error[i], shown, frame)
        label = age_label(edges_gyr[i], edges_gyr[i + 1])
        grid.panels[0, column].set_title(label, pad=4.0)
    grid.label_rows(["truth", "posterior mean", "uncertainty (1σ)"][-1 - len(values) :])
    return _finish_maps(grid, frame, shape[1:], path)


def _checked_map(
    maps: Mapping[str, Any], name: str, shape: Sequence[int | None], kind: str = ""
) -> np.ndarray:
    if name not in maps:
        raise ValueError(f"there is no map {name!r}; expected one of {', '.join(sorted(maps))}")
    return as_array(maps[name], kind + name, shape)


def _checked_bins(bins: Sequence[int] | None, n_bins: int) -> list[int]:
    if bins is None:
        return sorted({int(i) for i in np.linspace(0, n_bins - 1, min(5, n_bins)).round()})
    if len(bins) == 0 or not all(0 <= i < n_bins for i in bins):
        raise ValueError(f"bins = {tuple(bins)}; expected numbers from 0 to {n_bins - 1}")
    return [int(i) for i in bins]


def _value_and_error(
    statistic: Callable[[str], np.ndarray], shown: Quantity
) -> tuple[np.ndarray, np.ndarray]:
    """Take central value and uncertainty from statistics, both in dex if logarithmic."""
    mean = as_shown(statistic(MEAN), shown)
    if not shown.log:
        return mean, statistic(STD)
    low, high = (as_shown(statistic(p), shown) for p in (P16, P84))
    return mean, 0.5 * (high - low)


def _scalar_grid(
    shape: tuple[int, ...], names: list[str], with_truth: bool, with_title: bool
) -> tuple[PanelGrid, dict[str, tuple[int, int]]]:
    """Places of the panels, and row and first column of every name."""
    block = (0.22, _BAR_GAP, _BAR_GAP, _BAR_GAP) if with_truth else (_BAR_GAP, _BAR_GAP)
    across = 1 if with_truth or len(names) == 1 else 2
    n_rows = -(-len(names) // across)
    gaps_y = (0.14 if with_truth else 0.34,) * (n_rows - 1) + (0.55,)
    grid = PanelGrid(panel_size(shape), block * across, gaps_y, top=0.38 + 0.3 * with_title)
    places = {name: (i // across, len(block) * (i % across)) for i, name in enumerate(names)}
    return grid, places


def _draw_row(
    grid: PanelGrid,
    place: tuple[int, int],
    name: str,
    planes: np.ndarray,
    truth: np.ndarray | None,
    frame: SkyFrame,
) -> None:
    """Draw the panels of one quantity side by side."""
    row, column = place
    shown = describe(name)
    mean, std = _value_and_error(lambda statistic: planes[STATISTICS.index(statistic)], shown)
    values, titles = [mean], [shown.title, "uncertainty (1σ)"]
    if truth is not None:
        truth = as_shown(truth, shown)
        values.insert(0, np.where(np.isfinite(mean), truth, np.nan))
        titles = ["truth", "posterior mean", titles[1], "(mean − truth) / σ"]
    limits = robust_limits(*values, symmetric=shown.symmetric)
    places = [(row, column + k) for k in range(4)]
    n = len(values)
    _draw_images(grid, places[:n], values, frame, (shown.colour_map, limits), shown.label)
    errors = (ERROR_COLOURS, robust_limits(std))
    _draw_images(grid, [places[n]], [std], frame, errors, shown.error_label)
    if truth is not None:
        residual = (mean - truth) / np.where(std > 0, std, np.nan)
        colours = (_RESIDUAL_COLOURS, _RESIDUAL_LIMITS)
        _draw_images(grid, [places[3]], [residual], frame, colours, "")
        _note_scatter(grid.panels[places[3]], residual)
    if truth is None or row == 0:
        for panel, title in zip(places, titles, strict=False):
            grid.panels[panel].set_title(title, pad=4.0)


def _draw_column(
    grid: PanelGrid,
    column: int,
    values: list[np.ndarray],
    error: np.ndarray,
    shown: Quantity,
    frame: SkyFrame,
) -> None:
    """Draw values of one age bin on one scale, and their uncertainty below."""
    limits = robust_limits(*values, symmetric=shown.symmetric, least_span=_LEAST_SPAN_DEX)
    places = [(row, column) for row in range(len(values) + 1)]
    _draw_images(grid, places[:-1], values, frame, (shown.colour_map, limits), shown.label, 0.07)
    errors = (ERROR_COLOURS, robust_limits(error))
    _draw_images(grid, places[-1:], [error], frame, errors, shown.error_label, _AXIS_GAP)


def _draw_images(
    grid: PanelGrid,
    places: list[tuple[int, int]],
    images: list[np.ndarray],
    frame: SkyFrame,
    colours: tuple[str, tuple[float, float]],
    label: str,
    gap: float | None = None,
) -> None:
    """Draw maps on one scale, whose bar is beside the last, or a gap below it."""
    for place, image in zip(places, images, strict=True):
        drawn = draw_map(grid.axes(*place), image, frame, *colours)
    cax = grid.beside(*place) if gap is None else grid.below(*place, gap)
    draw_colour_bar(cax, drawn, label, *images, horizontal=gap is not None)


def _note_scatter(ax: Axes, residual: np.ndarray) -> None:
    """Write median and robust scatter of the residuals into their panel: 0 and 1 if calibrated."""
    finite = residual[np.isfinite(residual)]
    if finite.size == 0:
        return
    low, middle, high = np.percentile(finite, [16.0, 50.0, 84.0])
    text = f"{round(middle, 2) + 0.0:+.2f} ± {0.5 * (high - low):.2f}".replace("-", "−")
    box = {"facecolor": "white", "alpha": 0.75, "edgecolor": "none", "pad": 1.5}
    note(ax, text, (0.97, 0.03), ha="right", bbox=box)


def _finish_maps(
    grid: PanelGrid, frame: SkyFrame, shape: tuple[int, ...], path: str | Path | None
) -> Figure:
    """Label the axes, draw the scale bar into the first panel, and write the figure."""
    grid.label_axes(*frame.axis_labels)
    draw_scale_bar(grid.panels[0, 0], frame, shape)
    return finish(grid.figure, path)


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
