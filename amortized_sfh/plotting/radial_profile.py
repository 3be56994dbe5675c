"""Radial profiles: posterior medians and intervals of every annulus."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from amortized_sfh.plotting.figures import (
    POSTERIOR,
    POSTERIOR_BANDS,
    TRUTH,
    as_array,
    finish,
    log10_positive,
    new_figure,
    styled,
)
from amortized_sfh.quantities.registry import LOGAGE_MW, PROFILE, describe
from amortized_sfh.quantities.statistics import P16, P50, P84, extension_name

_RADII = {"R_RE": "R / R$_e$", "R_KPC": "R (kpc)", "R": "R (arcsec)"}
_COLUMNS = 4


@styled
def plot_profile(
    table: Mapping[str, Any],
    names: Sequence[str] | None = None,
    truth: Mapping[str, Any] | None = None,
    path: str | Path | None = None,
    title: str = "",
) -> Figure:
    """Draw profiles, one panel per quantity.

    Parameters
    ----------
    table : mapping of str to array, shape (n_annuli,)
        Columns `R`, `R_IN`, `R_OUT`, and for every quantity its name with `_P16`, `_P50` and
        `_P84`, such as `radial_profile` gives. The axis is `R_RE` or `R_KPC` where there is one.
    names : sequence of str, optional
        Names of the quantities to draw; those of `PROFILE` that the table has by default.
    truth : mapping of str to array, shape (n_annuli,), optional
        True values of the same annuli.
    path : str or Path, optional
        File to write, png, pdf or svg; none by default.
    title : str
        Heading of the figure.

    Returns
    -------
    Figure
        Points are medians, bars the central 68 % across and the annuli along.

    Raises
    ------
    ValueError
        If a quantity is missing or nothing is to be shown.
    """
    columns = _column_names(table)
    if names is None:
        names = [name for name in PROFILE if extension_name(name, P50) in columns]
    missing = [name for name in names if extension_name(name, P50) not in columns]
    if missing or not names:
        raise ValueError(
            f"the profile has no {', '.join(missing) or 'known quantity'}; expected columns such "
            f"as {extension_name(LOGAGE_MW.name, P50)}"
        )
    across = min(_COLUMNS, len(names))
    down = -(-len(names) // across)
    figure = new_figure(2.9 * across, 2.3 * down + 0.3 * bool(title))
    grid = figure.subplots(down, across, squeeze=False, sharex=True)
    unit = next(key for key in _RADII if key in columns)
    for ax, name in zip(grid.flat, names, strict=False):
        known = None if truth is None or name not in truth else truth[name]
        _panel(ax, table, name, unit, known)
    for ax in list(grid.flat)[len(names) :]:
        ax.set_visible(False)
    for ax in list(grid.flat)[max(0, len(names) - across) : len(names)]:
        ax.set_xlabel(_RADII[unit])
        ax.tick_params(labelbottom=True)
    if truth:
        grid.flat[0].legend(loc="best")
    if title:
        figure.suptitle(title)
    return finish(figure, path)


def _column_names(table: Mapping[str, Any]) -> Sequence[str]:
    return list(getattr(table, "colnames", None) or table)


def _panel(ax: Axes, table: Mapping[str, Any], name: str, unit: str, truth: Any) -> None:
    """Draw the profile of one quantity."""
    shown = describe(name)
    radius = as_array(table[unit], unit, (None,))
    n = len(radius)
    low, middle, high = (
        as_array(table[column], column, (n,))
        for column in (extension_name(name, p) for p in (P16, P50, P84))
    )
    scale = np.divide(radius, as_array(table["R"], "R", (n,)))
    inner, outer = (as_array(table[key], key, (n,)) * scale for key in ("R_IN", "R_OUT"))
    if shown.log:
        low, middle, high = (log10_positive(v) for v in (low, middle, high))
    ax.fill_between(radius, low, high, color=POSTERIOR_BANDS[0.68], alpha=0.5, lw=0, zorder=1)
    ax.errorbar(
        radius,
        middle,
        xerr=[radius - inner, outer - radius],
        yerr=[middle - low, high - middle],
        fmt="o",
        ms=4.0,
        lw=1.0,
        color=POSTERIOR,
        label="posterior, 68 %",
        zorder=3,
    )
    if truth is not None:
        true = as_array(truth, f"true {name}", (n,))
        true = log10_positive(true) if shown.log else true
        ax.plot(radius, true, color=TRUTH, marker="s", ms=3.0, label="truth", zorder=4)
    ax.set_ylabel(shown.label)
    ax.set_xlim(left=0.0)
