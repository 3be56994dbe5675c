"""Checks of calibration: coverage, ranks and recovery against known truths."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.stats import binom

from amortized_sfh.plotting.colours import CYCLE, POSTERIOR, PRIOR, TRUTH
from amortized_sfh.plotting.figures import as_array, finish, new_figure, new_panels, note, styled
from amortized_sfh.quantities.registry import describe


@styled
def plot_coverage(
    levels: Any,
    coverage: Mapping[str, Any],
    n_obs: int,
    path: str | Path | None = None,
    title: str = "",
) -> Figure:
    """Draw the share of truths inside central intervals against the nominal probability.

    Parameters
    ----------
    levels : array, shape (n_level,)
        Nominal probabilities, 0 to 1.
    coverage : mapping of str to array, shape (n_level,)
        Name of a quantity to the measured shares of truths inside, one per level.
    n_obs : int
        Number of observations, for the central 95 % of the binomial distribution (grey).
    path : str or Path, optional
        File to write, png, pdf or svg; none by default.
    title : str
        Heading of the figure; none by default.

    Returns
    -------
    Figure
        With two axes: coverage, and its difference from nominal.

    Raises
    ------
    ValueError
        If there is nothing to draw, shapes differ, or levels lie outside 0 to 1.
    """
    nominal = as_array(levels, "levels", (None,))
    if not ((nominal >= 0) & (nominal <= 1)).all():
        raise ValueError(f"levels = {nominal}; expected probabilities between 0 and 1")
    if not coverage or n_obs < 1:
        raise ValueError(f"{len(coverage)} quantities, n_obs = {n_obs}; expected at least one each")
    figure = new_figure(4.8, 6.4)
    upper, lower = figure.subplots(2, 1, sharex=True, gridspec_kw={"height_ratios": (2.4, 1)})
    grid = np.linspace(0.0, 1.0, 201)
    low, high = (binom.ppf(q, n_obs, grid) / n_obs for q in (0.025, 0.975))
    for ax, base in ((upper, 0.0), (lower, grid)):
        label = f"95 % of {n_obs} exact posteriors"
        ax.fill_between(grid, low - base, high - base, color="0.85", lw=0, label=label)
        ax.plot(grid, grid - base, color="0.4", lw=1.0, ls="--")
    many = len(coverage) > len(CYCLE)
    look: dict[str, Any] = {"lw": 1.3, "marker": "o", "ms": 3.0}
    if many:
        look = {"lw": 0.9, "alpha": 0.35}
    for i, (name, measured) in enumerate(coverage.items()):
        share = as_array(measured, f"coverage of {name}", nominal.shape)
        look["color"] = POSTERIOR if many else CYCLE[i]
        upper.plot(nominal, share, label=None if many else describe(name).label, **look)
        lower.plot(nominal, share - nominal, **look)
    upper.set(xlim=(0, 1), ylim=(0, 1), ylabel="share of truths inside", aspect="equal")
    if many:
        note(upper, f"{len(coverage)} quantities", (0.96, 0.04), ha="right")
    upper.legend(loc="upper left")
    widest = max(0.06, *(float(np.abs(line.get_ydata()).max()) * 1.15 for line in lower.lines))
    lower.set(ylim=(-widest, widest), xlabel="nominal probability", ylabel="measured − nominal")
    if title:
        upper.set_title(title)
    return finish(figure, path)


@styled
def plot_ranks(
    ranks: Any,
    n_draws: int,
    names: Sequence[str],
    path: str | Path | None = None,
    n_bins: int = 20,
) -> Figure:
    """Draw rank histograms of simulation-based calibration with a binomial band.

    Flat: calibrated. A U: too narrow. A dome: too wide. A slope: biased.

    Parameters
    ----------
    ranks : array, shape (n_obs, n_quantity)
        Number of draws below each truth, 0 to `n_draws`.
    n_draws : int
        Draws per observation that the truth was ranked among.
    names : sequence of str
        Names of the quantities, one per column of `ranks`.
    path : str or Path, optional
        File to write, png, pdf or svg; none by default.
    n_bins : int
        Bars; the band is exact also when they hold unequal numbers of ranks.

    Returns
    -------
    Figure
        One panel per quantity.

    Raises
    ------
    ValueError
        If shapes do not fit, or ranks lie outside 0 to `n_draws`.

    References
    ----------
    Talts et al. (2018), arXiv:1804.06788.
    """
    table = as_array(ranks, "ranks", (None, len(names)))
    if not ((table >= 0) & (table <= n_draws)).all():
        raise ValueError(
            f"ranks run from {table.min():g} to {table.max():g}; expected 0 to {n_draws}"
        )
    if not 2 <= n_bins <= n_draws + 1:
        raise ValueError(f"n_bins = {n_bins}; expected 2 to {n_draws + 1} for {n_draws} draws")
    figure, axes = new_panels(len(names), (2.9, 2.1), 0.3, sharex=True, sharey=True)
    bar = (np.arange(n_draws + 1) * n_bins) // (n_draws + 1)
    expected = np.bincount(bar, minlength=n_bins) / (n_draws + 1)
    for ax, name, column in zip(axes, names, table.T, strict=True):
        _draw_ranks(ax, np.bincount(bar[column.astype(int)], minlength=n_bins), expected)
        ax.set_title(describe(name).label)
    for ax in axes[::4]:
        ax.set_ylabel("density")
    for ax in axes[-4:]:
        ax.set_xlabel("rank / draws")
        ax.tick_params(labelbottom=True)
    return finish(figure, path)


def _draw_ranks(ax: Axes, counts: np.ndarray, expected: np.ndarray) -> None:
    """Draw counts relative to their expectation, which is given as a share of all."""
    n_obs = int(counts.sum())
    edges = np.arange(counts.size + 1) / counts.size
    low, high = (binom.ppf(q, n_obs, expected) / (n_obs * expected) for q in (0.005, 0.995))
    ax.stairs(counts / (n_obs * expected), edges, fill=True, color=POSTERIOR, alpha=0.65)
    ax.stairs(high, edges, baseline=low, fill=True, color="0.5", alpha=0.35, lw=0)
    ax.axhline(1.0, color="0.25", lw=0.9, ls="--")
    ax.set(xlim=(0.0, 1.0), ylim=(0.0, max(2.0, 1.1 * ax.dataLim.y1)))


@styled
def plot_recovery(
    truth: Mapping[str, Any],
    mean: Mapping[str, Any],
    std: Mapping[str, Any],
    path: str | Path | None = None,
) -> Figure:
    """Draw inferred against true values, with numbers for bias, scatter and calibration.

    Parameters
    ----------
    truth, mean, std : mapping of str to array, shape (n_obs,)
        Name of a quantity to true values, posterior means and posterior standard deviations; NaN is
        left out.
    path : str or Path, optional
        File to write, png, pdf or svg; none by default.

    Returns
    -------
    Figure
        One panel per quantity.

    Raises
    ------
    ValueError
        If there is nothing to draw or shapes differ.
    """
    if not truth:
        raise ValueError("truth is empty; expected a mapping of names to arrays")
    figure, axes = new_panels(len(truth), (3.0, 3.1))
    for ax, name in zip(axes, truth, strict=True):
        true = as_array(truth[name], f"truth of {name}", (None,))
        middle = as_array(mean.get(name, ()), f"mean of {name}", true.shape)
        error = as_array(std.get(name, ()), f"std of {name}", true.shape)
        _draw_recovery(ax, true, middle, error)
        shown = describe(name)
        ax.set(title=shown.title, xlabel=f"true {shown.label}", ylabel="posterior mean")
    return finish(figure, path)


def _draw_recovery(ax: Axes, true: np.ndarray, middle: np.ndarray, error: np.ndarray) -> None:
    ok = np.isfinite(true) & np.isfinite(middle) & np.isfinite(error) & (error > 0)
    if not ok.any():
        note(ax, "no values")
        return
    true, middle, error = true[ok], middle[ok], error[ok]
    if true.size <= 300:
        ax.errorbar(true, middle, yerr=error, fmt="none", ecolor=PRIOR, elinewidth=0.7, zorder=1)
    look: dict[str, Any] = {"ms": 3.0, "mew": 0, "color": POSTERIOR, "rasterized": True}
    opacity = float(np.clip(60.0 / np.sqrt(true.size) / 10.0, 0.08, 0.9))
    ax.plot(true, middle, "o", alpha=opacity, zorder=2, **look)
    low, high = np.quantile(np.concatenate([true, middle]), [0.002, 0.998])
    pad = 0.06 * max(high - low, 1e-6)
    span = (low - pad, high + pad)
    ax.plot(span, span, color=TRUTH, lw=1.0, zorder=3)
    ax.set(xlim=span, ylim=span, aspect="equal")
    difference = middle - true
    inside = (np.abs(difference) < error).mean()
    text = (
        f"bias {difference.mean():+.3f}\nrms {np.sqrt((difference**2).mean()):.3f}\n"
        f"within 1σ {100 * inside:.0f} %"
    )
    note(ax, text.replace("-", "−"), (0.05, 0.95), va="top")
