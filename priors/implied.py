"""Ages, t50, sSFR and [M/H] that a prior on bins implies: the quantities that people read off.

A prior that looks harmless per bin can be opinionated about the sum. Draw these before a prior is
trusted, and show them beside every posterior that data constrain weakly.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from priors.ages import LN10, AgeBins, mass_fractions, steps_to_log_sfr
from priors.joint import JointPrior


class ImpliedQuantities(NamedTuple):
    """Draws of derived quantities, each of shape (n,).

    Attributes
    ----------
    log_age_mass : Tensor
        Mass-weighted mean of log10(age/yr), by mass formed.
    t50_gyr : Tensor
        Lookback time at which half of the mass had formed, Gyr.
    log_ssfr_100myr : Tensor
        log10 of SFR over the last 100 Myr per mass formed, 1/yr.
    mh_mass : Tensor
        Mass-weighted mean [M/H], dex.
    """

    log_age_mass: Tensor
    t50_gyr: Tensor
    log_ssfr_100myr: Tensor
    mh_mass: Tensor


def formation_time(fractions: Tensor, bins: AgeBins, quantile: float = 0.5) -> Tensor:
    """Lookback time by which a fraction of the mass had formed.

    Parameters
    ----------
    fractions : Tensor, shape (n, n_bins)
        Mass fractions per bin, youngest first.
    bins : AgeBins
        Age bins of the fractions.
    quantile : float
        Fraction of the mass, counted from the beginning of time.

    Returns
    -------
    Tensor, shape (n,)
        Lookback time in Gyr, interpolated within a bin at constant SFR.

    Raises
    ------
    ValueError
        If `quantile` is not between 0 and 1.
    """
    if not 0.0 < quantile < 1.0:
        raise ValueError(f"quantile = {quantile}; expected a fraction between 0 and 1.")
    edges = torch.tensor(bins.edges_gyr, dtype=torch.float64, device=fractions.device)
    younger = fractions.to(torch.float64).cumsum(-1)
    target = (1.0 - quantile) * younger[:, -1:]
    i = torch.searchsorted(younger, target).clamp_max(bins.n_bins - 1)
    mass = fractions.to(torch.float64).gather(-1, i).clamp_min(torch.finfo(torch.float64).tiny)
    part = 1.0 - (younger.gather(-1, i) - target) / mass
    time = edges[i] + part.clamp(0.0, 1.0) * edges.diff()[i]
    return time.squeeze(-1).to(fractions.dtype)


def log_recent_sfr(steps: Tensor, bins: AgeBins, span_yr: float = 1e8) -> Tensor:
    """log10 of the mean SFR over the last `span_yr` of the history that forms 1 Msun.

    Parameters
    ----------
    steps : Tensor, shape (n, n_bins - 1)
        Log-SFR steps in dex, younger minus older.
    bins : AgeBins
        Age bins of the histories; one that straddles the limit counts by its overlap.
    span_yr : float
        Length of the time before today over which the SFR is averaged, yr.

    Returns
    -------
    Tensor, shape (n,)
        log10 of Msun/yr per Msun formed, i.e. the sSFR in 1/yr.
    """
    edges = bins.edges_yr.to(steps)
    overlap = edges.clamp_max(span_yr).diff()
    log_mass = LN10 * steps_to_log_sfr(steps, bins) + overlap.log()
    return torch.logsumexp(log_mass, dim=-1) / LN10 - torch.log10(overlap.sum())


def implied_quantities(prior: JointPrior, n: int, seed: int = 0) -> ImpliedQuantities:
    """Draw the derived quantities that a prior implies.

    Parameters
    ----------
    prior : JointPrior
        Prior whose draws are turned into quantities, on the CPU.
    n : int
        Number of histories to draw.
    seed : int
        Seed of the draws; the same seed gives the same ones.

    Returns
    -------
    ImpliedQuantities
        Quantities of the drawn histories, each of shape (n,).
    """
    theta = prior.sample((n,), generator=torch.Generator().manual_seed(seed))
    steps, mh = theta[:, prior.space.sfh], theta[:, prior.space.mh]
    fractions = mass_fractions(steps, prior.bins)
    return ImpliedQuantities(
        log_age_mass=(fractions * prior.bins.log_age_yr).sum(-1),
        t50_gyr=formation_time(fractions, prior.bins),
        log_ssfr_100myr=log_recent_sfr(steps, prior.bins),
        mh_mass=(fractions * mh).sum(-1),
    )
