"""Curves over lookback time: bands of posterior and prior draws, the truth, and their axis."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes

from amortized_sfh.plotting.colours import POSTERIOR, POSTERIOR_BANDS, PRIOR, TRUTH
from amortized_sfh.plotting.figures import quantile_band

_N_TIMES = 300


def visible_edges(edges_gyr: np.ndarray) -> np.ndarray:
    """Edges for a logarithmic axis: the first one, at 0, becomes a third of the second.

    Parameters
    ----------
    edges_gyr : ndarray, shape (n_bins + 1,)
        Edges of the age bins in Gyr, youngest first.

    Returns
    -------
    ndarray, shape (n_bins + 1,)
        Edges in Gyr, all positive.
    """
    edges = np.array(edges_gyr, dtype=np.float64)
    edges[0] = max(edges[0], edges[1] / 3.0)
    return edges


def step_curves(values: np.ndarray, edges_gyr: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Lines that are constant within each bin.

    Parameters
    ----------
    values : ndarray, shape (n_draws, n_bins)
        One value per bin and draw, any unit.
    edges_gyr : ndarray, shape (n_bins + 1,)
        Edges of the age bins in Gyr, youngest first.

    Returns
    -------
    time, curves : ndarray, shape (2 * n_bins,) and (n_draws, 2 * n_bins)
        Lookback time in Gyr of the corners of the lines, and the values there.
    """
    time = np.repeat(visible_edges(edges_gyr), 2)[1:-1]
    return time, np.repeat(values, 2, axis=-1)


def assembly_curves(rates: np.ndarray, edges_gyr: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Share of the mass that had formed by each lookback time, at constant rates within bins.

    Parameters
    ----------
    rates : ndarray, shape (n_draws, n_bins)
        Star formation rates, any unit.
    edges_gyr : ndarray, shape (n_bins + 1,)
        Edges of the age bins in Gyr, youngest first.

    Returns
    -------
    time, curves : ndarray, shape (n_time,) and (n_draws, n_time)
        Lookback time in Gyr, and shares.
    """
    edges = np.asarray(edges_gyr, dtype=np.float64)
    mass = rates * np.diff(edges)
    since = np.concatenate([np.zeros_like(mass[:, :1]), mass.cumsum(1)], axis=1)
    time = np.geomspace(visible_edges(edges)[0], edges[-1], _N_TIMES)
    formed = 1.0 - since / since[:, -1:]
    return time, np.array([np.interp(time, edges, row) for row in formed])


def draw_posterior(ax: Axes, time: np.ndarray, curves: np.ndarray) -> None:
    """Draw the central 95 and 68 % and the median.

    Parameters
    ----------
    ax : Axes
        Axes to draw on.
    time : ndarray, shape (n_time,)
        Lookback times of the curves in Gyr.
    curves : ndarray, shape (n_draws, n_time)
        Value of every draw at these times.
    """
    draw_bands(ax, time, curves, POSTERIOR_BANDS, "posterior")
    middle = np.nanmedian(curves, axis=0)
    ax.plot(time, middle, color=POSTERIOR, lw=1.8, label="posterior, median", zorder=4)


def draw_bands(
    ax: Axes,
    time: np.ndarray,
    curves: np.ndarray,
    colours: Mapping[float, str],
    label: str,
) -> None:
    """Draw central bands, the widest first.

    Parameters
    ----------
    ax : Axes
        Axes to draw on.
    time : ndarray, shape (n_time,)
        Lookback times of the curves in Gyr.
    curves : ndarray, shape (n_draws, n_time)
        Value of every draw at these times.
    colours : mapping of float to str
        Probability inside to colour.
    label : str
        Name in the legend; the probability inside is added.
    """
    for share in sorted(colours, reverse=True):
        name = f"{label}, {100 * share:.0f} %"
        band = quantile_band(curves, share)
        ax.fill_between(time, *band, color=colours[share], lw=0, label=name, zorder=2)


def draw_prior(ax: Axes, time: np.ndarray, curves: np.ndarray) -> None:
    """Draw the central 68 %, grey behind the posterior, its edges dashed above it.

    Parameters
    ----------
    ax : Axes
        Axes to draw on.
    time : ndarray, shape (n_time,)
        Lookback times of the curves in Gyr.
    curves : ndarray, shape (n_draws, n_time)
        Value of every draw at these times.
    """
    low, high = quantile_band(curves, 0.68)
    ax.fill_between(time, low, high, color=PRIOR, alpha=0.4, lw=0, label="prior, 68 %", zorder=1)
    for edge in (low, high):
        ax.plot(time, edge, color="0.45", lw=0.8, ls=(0, (3, 2)), zorder=3)


def draw_truth(ax: Axes, time: np.ndarray, curves: np.ndarray) -> None:
    """Draw the true history.

    Parameters
    ----------
    ax : Axes
        Axes to draw on.
    time : ndarray, shape (n_time,)
        Lookback times of the curves in Gyr.
    curves : ndarray, shape (1, n_time)
        True value at these times.
    """
    ax.plot(time, curves[0], color=TRUTH, lw=1.8, label="truth", zorder=5)


def set_lookback_axis(ax: Axes, edges_gyr: np.ndarray) -> None:
    """Make a logarithmic axis of lookback time that reads in Myr and Gyr.

    Parameters
    ----------
    ax : Axes
        Axes to draw on.
    edges_gyr : ndarray, shape (n_bins + 1,)
        Edges of the age bins in Gyr, youngest first.
    """
    edges = visible_edges(edges_gyr)
    ticks = [t for t in (0.001, 0.01, 0.1, 1.0, 10.0) if edges[0] <= t <= edges[-1]]
    names = [f"{t:g} Gyr" if t >= 1.0 else f"{1e3 * t:g} Myr" for t in ticks]
    ax.set(xscale="log", xlim=(edges[0], edges[-1]), xlabel="lookback time")
    ax.set_xticks(ticks, names)
    ax.xaxis.set_minor_formatter("")
