"""The prior in the quantities that people read off: ages, rates, metallicities and histories."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from amortized_sfh.plotting.colours import CYCLE
from amortized_sfh.plotting.figures import finish, new_figure, quantile_band, styled
from amortized_sfh.plotting.lookback_curves import draw_bands, set_lookback_axis, step_curves
from priors.ages import steps_to_log_sfr
from priors.families.enrichment import CatalogueEnrichment, RandomWalkEnrichment
from priors.families.history_prior import HistoryPrior
from priors.families.mixture import Mixture
from priors.families.sfh import REFERENCE_SPACING_DEX, CatalogueSFH, Continuity, DirichletSFH
from priors.implied import implied_quantities
from priors.joint import JointPrior

_SFR_LIMITS = (-5.0, 3.5)

_PANELS = (
    ("log_age_mass", r"mass-weighted $\log_{10}$(age / yr)", (7.2, 10.15)),
    ("t50_gyr", r"$\log_{10}(t_{50}$ / Gyr)", (-2.5, 1.2)),
    ("log_ssfr_100myr", r"$\log_{10}$(sSFR$_{100}$ / yr$^{-1}$)", (-14.0, -7.7)),
    ("mh_mass", "mass-weighted [M/H] (dex)", (-2.2, 0.4)),
)


@styled
def plot_prior(
    prior: JointPrior, path: str | Path | None = None, n: int = 20_000, seed: int = 0
) -> Figure:
    """Draw what a prior implies, for the mixture and for each of its families.

    Upper row: mass-weighted age, t50, sSFR over 100 Myr, mass-weighted [M/H], with what lies beyond
    the panel in its outermost bars. Lower row: median,
    68 and 95 % bands of the history and of the enrichment, with the median and the 95 % band of
    each family as lines.

    Parameters
    ----------
    prior : JointPrior
        The prior, on the CPU.
    path : str or Path, optional
        File to write, png, pdf or svg; none by default.
    n : int
        Draws of the mixture and of each family.
    seed : int
        Seed of the draws.

    Returns
    -------
    Figure
        Figure with six axes: four histograms above two bands.

    Raises
    ------
    ValueError
        If `n` is below 100.
    """
    if n < 100:
        raise ValueError(f"n = {n}; expected at least 100 draws for a histogram")
    sfh = _families(prior, prior.sfh, enrichment=False)
    enrichment = _families(prior, prior.enrichment, enrichment=True)
    figure = new_figure(12.5, 6.6)
    upper, lower = figure.subfigures(2, 1, height_ratios=(1.0, 1.15), squeeze=False)[:, 0]
    axes = upper.subplots(1, 4)
    for ax, (name, label, limits) in zip(axes, _PANELS, strict=True):
        priors = enrichment if name == "mh_mass" else sfh
        drawn = {key: getattr(implied_quantities(p, n, seed), name) for key, p in priors.items()}
        _draw_histograms(ax, drawn, limits, log=name == "t50_gyr")
        ax.set(xlabel=label, xlim=limits, yticks=[])
        ax.set_ylim(bottom=0.0)
        if name in ("log_age_mass", "mh_mass"):
            ax.legend(loc="upper left", fontsize=7.5, handlelength=1.2)
    axes[0].set_ylabel("prior density")
    left, right = lower.subplots(1, 2)
    _draw_histories(left, sfh, n, seed, mh=False)
    _draw_histories(right, enrichment, n, seed, mh=True)
    return finish(figure, path)


def _families(prior: JointPrior, block: HistoryPrior, *, enrichment: bool) -> dict[str, JointPrior]:
    """The mixture, and priors in which one block is a single family of it, with its weight."""
    out = {"mixture": prior}
    if not isinstance(block, Mixture):
        return out
    for family, weight in zip(block.components, block.weights.tolist(), strict=True):
        blocks = (prior.sfh, family) if enrichment else (family, prior.enrichment)
        alone = JointPrior(prior.bins, *blocks, prior.nuisances, prior.space)
        out[f"{family_name(family, prior)} ({weight:.2f})"] = alone
    return out


def family_name(family: HistoryPrior, prior: JointPrior) -> str:
    """Name a family of histories.

    Parameters
    ----------
    family : HistoryPrior
        Prior of a block.
    prior : JointPrior
        The prior that holds it; its bins give the scale of continuity priors.

    Returns
    -------
    str
        A few words that name the family, for a legend.
    """
    if isinstance(family, Continuity):
        spacing = float(prior.bins.spacing_dex[0]) / REFERENCE_SPACING_DEX
        return f"continuity {float(family.scales[0]) / spacing**0.5:.1f} dex"
    names: tuple[tuple[type, str], ...] = (
        (DirichletSFH, "Dirichlet"),
        (CatalogueSFH, "catalogue"),
        (RandomWalkEnrichment, "random walk"),
        (CatalogueEnrichment, "catalogue"),
    )
    return next((name for kind, name in names if isinstance(family, kind)), type(family).__name__)


def _draw_histograms(
    ax: Axes, drawn: dict[str, Tensor], limits: tuple[float, float], *, log: bool
) -> None:
    """Densities by name, the first of them filled."""
    edges = np.linspace(*limits, 46)
    for i, (label, draws) in enumerate(drawn.items()):
        values = draws.double().numpy()
        values = np.clip(np.log10(np.maximum(values, 1e-9)) if log else values, *limits)
        density = np.histogram(values, edges)[0] / (len(values) * (edges[1] - edges[0]))
        if i == 0:
            ax.stairs(density, edges, fill=True, color="0.85", zorder=0)
            ax.stairs(density, edges, color="black", lw=1.8, label=label, zorder=5)
        else:
            ax.stairs(density, edges, color=CYCLE[i - 1], lw=1.2, label=label)


def _draw_histories(
    ax: Axes, priors: dict[str, JointPrior], n: int, seed: int, *, mh: bool
) -> None:
    """Bands of log SFR (relative to the mean over cosmic time) or [M/H] over lookback time."""
    mixture, *families = priors.values()
    edges = np.array(mixture.bins.edges_gyr)
    bands = {0.95: "0.90", 0.68: "0.78"}
    draw_bands(ax, *step_curves(_histories(mixture, n, seed, mh=mh), edges), bands, "mixture")
    for family, colour in zip(families, CYCLE, strict=False):
        time, curves = step_curves(_histories(family, n, seed, mh=mh), edges)
        for values in quantile_band(curves, 0.95):
            ax.plot(time, values, color=colour, lw=0.9, ls=":", zorder=3)
        ax.plot(time, np.median(curves, axis=0), color=colour, lw=1.3, zorder=3)
    set_lookback_axis(ax, edges)
    ax.set_ylabel("[M/H] (dex)" if mh else r"$\log_{10}$(SFR / $\langle$SFR$\rangle$)")
    if not mh:
        ax.set_ylim(*_SFR_LIMITS)
    title = "families: median, and 95 % dotted"
    box: Any = {"frameon": True, "facecolor": "white", "framealpha": 0.85, "edgecolor": "none"}
    ax.legend(loc="lower left", title=title, alignment="left", **box)


def _histories(prior: JointPrior, n: int, seed: int, *, mh: bool) -> np.ndarray:
    theta = prior.sample((n,), generator=torch.Generator().manual_seed(seed))
    if mh:
        return theta[:, prior.space.mh].double().numpy()
    log_sfr = steps_to_log_sfr(theta[:, prior.space.sfh].double(), prior.bins)
    return (log_sfr + torch.log10(prior.bins.widths_yr.double().sum())).numpy()
