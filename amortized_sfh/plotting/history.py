"""Histories of one spectrum: star formation, mass assembly and enrichment over lookback time."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from amortized_sfh.plotting.figures import as_array, finish, new_figure, styled
from amortized_sfh.plotting.lookback_curves import (
    assembly_curves,
    draw_posterior,
    draw_prior,
    draw_truth,
    set_lookback_axis,
    step_curves,
)
from priors.ages import AgeBins, steps_to_log_sfr
from priors.space import ParameterSpace

_SFR_DECADES = 5.0


class History(NamedTuple):
    """Histories over the age bins, youngest first.

    Attributes
    ----------
    sfr
        Star formation rates, any unit, shape (n_draws, n_bins), or (n_bins,) for one.
    mh
        [M/H] in dex, same shape.
    """

    sfr: Any
    mh: Any

    @classmethod
    def from_theta(
        cls,
        theta: Tensor,
        space: ParameterSpace,
        bins: AgeBins,
        log_mass: Tensor | float = 0.0,
    ) -> History:
        """Take the histories out of parameters.

        Parameters
        ----------
        theta : Tensor, shape (n_draws, n_param) or (n_param,)
            Parameters of the model, bounded.
        space : ParameterSpace
            Names and order of the parameters.
        bins : AgeBins
            Age bins of the histories.
        log_mass : float or Tensor, shape (n_draws,)
            log10 of the mass formed in solar masses; rates per formed solar mass when 0.

        Returns
        -------
        History
            Rates in solar masses per year.
        """
        theta = theta.detach().cpu().double()
        scale = torch.as_tensor(log_mass, dtype=torch.float64)[..., None]
        log_sfr = steps_to_log_sfr(theta[..., space.sfh], bins) + scale
        return cls((10.0**log_sfr).numpy(), theta[..., space.mh].numpy())


@styled
def plot_history(
    draws: History,
    edges_gyr: Sequence[float],
    truth: History | None = None,
    prior: History | None = None,
    path: str | Path | None = None,
    sfr_unit: str | None = None,
    title: str = "",
) -> Figure:
    """Draw posterior bands of a history over lookback time.

    Three panels: star formation rate, share of the mass that had formed, [M/H]; median and central
    68 and 95 % of the posterior, the prior's central 68 % in grey.

    Parameters
    ----------
    draws : History, shape (n_draws, n_bins)
        Rates and metallicities of posterior draws.
    edges_gyr : sequence of float
        Edges of the age bins in Gyr, n_bins + 1, youngest first.
    truth : History, shape (n_bins,), optional
        True history, in the same unit.
    prior : History, shape (n_draws, n_bins), optional
        Prior draws, normalised like the posterior's.
    path : str or Path, optional
        File to write, png, pdf or svg; none by default.
    sfr_unit : str, optional
        Unit of the rates. When None, every history is divided by its own mean over cosmic time.
    title : str
        Heading of the figure; none by default.

    Returns
    -------
    Figure
        Figure with three axes: rate, mass assembly and [M/H].

    Raises
    ------
    ValueError
        If shapes do not fit or the edges do not increase.

    Notes
    -----
    The first bin starts at lookback time 0, which a logarithmic axis cannot show: it is drawn from
    a third of its upper edge.
    """
    edges = _checked_edges(edges_gyr)
    relative = sfr_unit is None
    layers = [(_checked(draws, edges, "draws", relative), draw_posterior)]
    if prior is not None:
        layers.insert(0, (_checked(prior, edges, "prior", relative), draw_prior))
    if truth is not None:
        single = History(*(as_array(v, "truth", (edges.size - 1,))[None] for v in truth))
        layers.append((_checked(single, edges, "truth", relative), draw_truth))
    figure = new_figure(6.4, 7.4)
    axes = figure.subplots(3, 1, sharex=True, gridspec_kw={"height_ratios": (1.25, 1, 1.1)})
    for (sfr, mh), draw in layers:
        draw(axes[0], *step_curves(sfr, edges))
        draw(axes[1], *assembly_curves(sfr, edges))
        draw(axes[2], *step_curves(mh, edges))
    unit = r"SFR / $\langle$SFR$\rangle$" if relative else f"SFR ({sfr_unit})"
    for ax, label in zip(axes, (unit, "mass formed by then", "[M/H] (dex)"), strict=True):
        ax.set_ylabel(label)
    set_lookback_axis(axes[2], edges)
    axes[0].set_yscale("log")
    axes[0].set_ylim(*_sfr_limits([sfr for (sfr, _), draw in layers if draw is not draw_prior]))
    entries = axes[0].get_legend_handles_labels()
    figure.legend(*entries, loc="outside upper center", ncols=3, title=title, title_fontsize=10)
    axes[1].set_ylim(0.0, 1.03)
    figure.align_ylabels(axes)
    return finish(figure, path)


def _sfr_limits(rates: list[np.ndarray]) -> tuple[float, float]:
    """Limits that hold the central 95 % of posterior and truth, over five decades at most."""
    edges = np.concatenate([np.nanquantile(sfr, [0.025, 0.975], axis=0).ravel() for sfr in rates])
    edges = edges[edges > 0]
    if edges.size == 0:
        return 0.1, 10.0
    high = 2.0 * float(edges.max())
    return max(0.5 * float(edges.min()), high * 10.0**-_SFR_DECADES), high


def _checked_edges(edges_gyr: Sequence[float]) -> np.ndarray:
    edges = as_array(edges_gyr, "edges_gyr", (None,))
    if edges.size < 2 or edges[0] < 0 or not (np.diff(edges) > 0).all():
        raise ValueError(f"edges_gyr = {edges}; expected increasing lookback times >= 0 in Gyr")
    return edges


def _checked(
    history: History, edges: np.ndarray, name: str, relative: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Rates (relative to their mean over time if wanted) and metallicities."""
    sfr = as_array(history.sfr, f"sfr of {name}", (None, edges.size - 1))
    mh = as_array(history.mh, f"mh of {name}", sfr.shape)
    if relative:
        widths = np.diff(edges)
        sfr = sfr / ((sfr * widths).sum(1, keepdims=True) / widths.sum())
    return sfr, mh
