"""Radial profiles: posterior medians and intervals of every annulus."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from amortized_sfh.plotting.colours import POSTERIOR, POSTERIOR_BANDS, TRUTH
from amortized_sfh.plotting.figures import as_array, as_shown, finish, new_panels, styled
from amortized_sfh.quantities.registry import LOGAGE_MW, PROFILE, describe
from amortized_sfh.quantities.statistics import P16, P50, P84, extension_name

_RADII = {"R_RE": "R / R$_e$", "R_KPC": "R (kpc)", "R": "R (arcsec)"}


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
    columns = list(getattr(table, "colnames", table))
    if names is None:
        names = [name for name in PROFILE if extension_name(name, P50) in columns]
    missing = [name for name in names if extension_name(name, P50) not in columns]
    if missing or not names:
        raise ValueError(
            f"the profile has no {', '.join(missing) or 'known quantity'}; expected columns such "
            f"as {extension_name(LOGAGE_MW.name, P50)}"
        )
    truth = truth or {}
    figure, axes = new_panels(len(names), (2.9, 2.3), 0.3 * bool(title), sharex=True)
    unit = next(key for key in _RADII if key in columns)
    for ax, name in zip(axes, names, strict=True):
        _draw_profile(ax, table, name, unit, truth.get(name))
    for ax in axes[-4:]:
        ax.set_xlabel(_RADII[unit])
        ax.tick_params(labelbottom=True)
    if truth:
        axes[0].legend(loc="best")
    if title:
        figure.suptitle(title)
    return finish(figure, path)


def _draw_profile(ax: Axes, table: Mapping[str, Any], name: str, unit: str, truth: Any) -> None:
    """Draw the profile of one quantity."""
    shown = describe(name)
    radius = as_array(table[unit], unit, (None,))

    def column(key: str) -> np.ndarray:
        return as_array(table[key], key, radius.shape)

    low, middle, high = (as_shown(column(extension_name(name, p)), shown) for p in (P16, P50, P84))
    scale = radius / column("R")
    x_error = [radius - column("R_IN") * scale, column("R_OUT") * scale - radius]
    y_error = [middle - low, high - middle]
    ax.fill_between(radius, low, high, color=POSTERIOR_BANDS[0.68], alpha=0.5, lw=0, zorder=1)
    look: dict[str, Any] = {"color": POSTERIOR, "ms": 4.0, "lw": 1.0, "label": "posterior, 68 %"}
    ax.errorbar(radius, middle, y_error, x_error, fmt="o", zorder=3, **look)
    if truth is not None:
        true = as_shown(as_array(truth, f"true {name}", radius.shape), shown)
        ax.plot(radius, true, color=TRUTH, marker="s", ms=3.0, label="truth", zorder=4)
    ax.set_ylabel(shown.label)
    ax.set_xlim(left=0.0)
