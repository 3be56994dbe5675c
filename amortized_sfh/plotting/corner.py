"""Joint posterior of a few scalars as a corner plot (Foreman-Mackey 2016, JOSS 1, 24)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, MaxNLocator

from amortized_sfh.plotting.colours import POSTERIOR, POSTERIOR_BANDS, PRIOR, TRUTH
from amortized_sfh.plotting.figures import as_array, finish, new_figure, styled
from amortized_sfh.quantities.registry import describe

_PANEL = 1.45
_N_BINS = 24
_LOOK: Any = {
    "color": POSTERIOR,
    "truth_color": TRUTH,
    "levels": (0.68, 0.95),
    "smooth": 1.2,
    "smooth1d": 1.0,
    "plot_datapoints": False,
    "plot_density": False,
    "fill_contours": True,
    "no_fill_contours": True,
    "hist_kwargs": {"lw": 1.4},
    "contour_kwargs": {"linewidths": 1.0, "colors": POSTERIOR},
    "contourf_kwargs": {"colors": ("none", POSTERIOR_BANDS[0.95], POSTERIOR_BANDS[0.68])},
}
"""Smoothed contours of 68 and 95 %, as `corner.corner` takes them."""


@styled
def plot_corner(
    draws: Mapping[str, Any],
    truth: Mapping[str, float] | None = None,
    prior: Mapping[str, Any] | None = None,
    path: str | Path | None = None,
    title: str = "",
) -> Figure:
    """Draw marginals and pairs of posterior draws; contours hold 68 and 95 %.

    Parameters
    ----------
    draws : mapping of str to array, shape (n_draws,)
        Name to draws, in the order of the panels; known names get their symbols.
    truth : mapping of str to float, optional
        True values of any of the names.
    prior : mapping of str to array, shape (n_prior,), optional
        Prior draws of the same names; their marginals are drawn in grey.
    path : str or Path, optional
        File to write, png, pdf or svg; none by default.
    title : str
        Heading, shown in the empty corner.

    Returns
    -------
    Figure
        Figure with n**2 axes for n names, row by row.

    Raises
    ------
    ValueError
        If there are no names, shapes differ, values are not finite, or a quantity is constant.
    """
    from corner import corner  # noqa: PLC0415 (it imports ArviZ, which is slow)

    names = list(draws)
    if not names:
        raise ValueError("draws is empty; expected a mapping of names to arrays")
    table = _table(draws, names, "draws")
    _check_spread(table, names)
    limits = _limits(table, names, truth or {})
    size = _PANEL * len(names) + 0.9
    figure = new_figure(size, size, layout=None)
    corner(
        table,
        fig=figure,
        bins=_N_BINS,
        range=limits,
        weights=np.full(len(table), 1.0 / len(table)),
        labels=[describe(name).label for name in names],
        truths=[(truth or {}).get(name) for name in names],
        **_LOOK,
    )
    _label_panels(figure, table)
    colours = {"posterior": POSTERIOR}
    if prior is not None:
        _draw_prior(figure, _table(prior, names, "prior"), limits)
        colours["prior"] = PRIOR
    if truth is not None:
        colours["truth"] = TRUTH
    handles = [Line2D([], [], color=colour, lw=2, label=name) for name, colour in colours.items()]
    figure.legend(handles=handles, loc="upper right", title=title, fontsize=9)
    return finish(figure, path)


def _table(draws: Mapping[str, Any], names: Sequence[str], what: str) -> np.ndarray:
    missing = [name for name in names if name not in draws]
    if missing:
        raise ValueError(f"{what} has no {missing}; expected arrays for {list(names)}")
    first = as_array(draws[names[0]], f"{what}[{names[0]!r}]", (None,))
    columns = [as_array(draws[name], f"{what}[{name!r}]", first.shape) for name in names]
    bad = [name for name, v in zip(names, columns, strict=True) if not np.isfinite(v).all()]
    if bad:
        raise ValueError(f"{what} of {bad} has values that are not finite; leave those draws out")
    return np.stack(columns, axis=1)


def _check_spread(table: np.ndarray, names: Sequence[str]) -> None:
    constant = [name for name, v in zip(names, table.T, strict=True) if not np.ptp(v) > 0]
    if len(table) <= len(names) or constant:
        raise ValueError(
            f"{len(table)} draws, constant: {constant}; expected more draws than names and some "
            "spread in each"
        )


def _limits(
    table: np.ndarray, names: Sequence[str], truth: Mapping[str, float]
) -> list[tuple[float, float]]:
    """Central 99 % of the draws, widened a little and to the truth."""
    limits = []
    for name, column in zip(names, table.T, strict=True):
        low, high = np.quantile(column, [0.003, 0.997])
        if name in truth:
            low, high = min(low, truth[name]), max(high, truth[name])
        pad = 0.12 * (high - low) + 1e-12
        limits.append((float(low - pad), float(high + pad)))
    return limits


def _draw_prior(figure: Figure, table: np.ndarray, limits: list[tuple[float, float]]) -> None:
    """Draw prior marginals on the scale of the posterior's: the share of all draws per bin."""
    diagonal = figure.axes[:: table.shape[1] + 1]
    for ax, column, span in zip(diagonal, table.T, limits, strict=True):
        edges = np.linspace(*span, _N_BINS + 1)
        share = np.histogram(column, edges)[0] / len(column)
        ax.stairs(share, edges, fill=True, color=PRIOR, alpha=0.55, zorder=0)


def _label_panels(figure: Figure, table: np.ndarray) -> None:
    """Write median and 68 % interval above every marginal; tidy the axes."""
    n = table.shape[1]
    for ax, column in zip(figure.axes[:: n + 1], table.T, strict=True):
        low, middle, high = np.percentile(column, [16.0, 50.0, 84.0])
        digits = max(0, min(3, 1 - int(np.floor(np.log10(max(high - low, 1e-12))))))
        up, down = f"{high - middle:.{digits}f}", f"{middle - low:.{digits}f}"
        ax.set_title(rf"${middle:.{digits}f}^{{+{up}}}_{{-{down}}}$", fontsize=9, pad=4.0)
    for row, column in zip(*np.tril_indices(n), strict=True):
        ax = figure.axes[n * row + column]
        ax.tick_params(axis="both", labelrotation=0)
        ax.xaxis.set_label_coords(0.5, -0.2)
        ax.yaxis.set_label_coords(-0.36, 0.5)
        ax.xaxis.set_major_locator(_inner_ticks(*ax.get_xlim()))
        if row > column:
            ax.yaxis.set_major_locator(_inner_ticks(*ax.get_ylim()))


def _inner_ticks(low: float, high: float) -> FixedLocator:
    """Round ticks away from the ends, where the labels of neighbouring panels would meet."""
    margin = 0.11 * (high - low)
    ticks: list[float] = []
    for n_intervals in (4, 5, 6):
        drawn = MaxNLocator(n_intervals, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high)
        ticks = [t for t in drawn if low + margin <= t <= high - margin]
        if len(ticks) >= 2:
            break
    return FixedLocator(ticks)
