"""The frozen catalogue of parametric star formation histories.

Four families in equal parts, each drawn once from a fixed seed over cosmic time and averaged over
the age bins: delayed exponentials, constant SFRs, skew-normals with a recent burst, and quenched
histories. Everything is finite by construction: a history never stops, it drops by a finite factor
(early onset and quenching to 10^-0.5 ... 10^-3 of its mean), so that its log exists.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.special import log_ndtr

from priors.ages import LN10, AgeBins, log_sfr_to_steps
from priors.families.random_curves import equal_shares, uniform

_N_CURVES = 4096
_SEED = 20260
_POINTS_PER_BIN = 48
_MAX_STEP_DEX = 3.0
_MIN_ONSET_FRACTION = 0.15


def _log_uniform(n: int, low: float, high: float, generator: torch.Generator) -> Tensor:
    """Log-uniform numbers between two positive bounds, shape (n, 1), float64."""
    return uniform(n, math.log(low), math.log(high), generator).exp()


def _times(bins: AgeBins) -> Tensor:
    """Lookback times in Gyr that sample every bin evenly, shape (n_bins * _POINTS_PER_BIN,)."""
    return bins.sample_times_gyr(_POINTS_PER_BIN).flatten()


def _bin_mean(sfr: Tensor, bins: AgeBins) -> Tensor:
    """Mean SFR in each bin of rates at `_times`, shape (n, n_bins)."""
    return sfr.reshape(len(sfr), bins.n_bins, _POINTS_PER_BIN).mean(-1)


def _over_background(sfr: Tensor, bins: AgeBins, generator: torch.Generator) -> Tensor:
    """Scale to unit mean SFR over time and add a low constant rate, 10^-3 to 10^-1 of it."""
    widths = torch.tensor(bins.edges_gyr, dtype=torch.float64).diff()
    mean = (_bin_mean(sfr, bins) * widths).sum(-1, keepdim=True) / widths.sum()
    return sfr / mean + _log_uniform(len(sfr), 1e-3, 1e-1, generator)


def delayed_tau(n: int, bins: AgeBins, generator: torch.Generator) -> Tensor:
    """Follow SFR = s exp(-s / tau), with s the time since onset.

    Parameters
    ----------
    n : int
        Number of histories to draw.
    bins : AgeBins
        Age bins of the histories, youngest first.
    generator : torch.Generator
        CPU source of the shape parameters.

    Returns
    -------
    Tensor, shape (n, n_bins * points)
        SFR at the sampling times, relative to its mean.
    """
    time = _times(bins)
    span = bins.edges_gyr[-1]
    onset = span * uniform(n, _MIN_ONSET_FRACTION, 1.0, generator).sqrt()
    tau = span * _log_uniform(n, 0.03, 2.0, generator)
    since = (onset - time).clamp_min(0.0)
    return _over_background(since * torch.exp(-since / tau), bins, generator)


def constant(n: int, bins: AgeBins, generator: torch.Generator) -> Tensor:
    """Constant SFR since an onset; parameters and result as `delayed_tau`."""
    time = _times(bins)
    onset = bins.edges_gyr[-1] * uniform(n, 0.1, 1.15, generator)
    return _over_background((time < onset).to(torch.float64), bins, generator)


def skew_normal(n: int, bins: AgeBins, generator: torch.Generator) -> Tensor:
    """Form an episode skew-normal in time and a burst; parameters and result as `delayed_tau`.

    The burst lasts from today back to 30-100 Myr and multiplies the SFR by 0.1 to 30.
    """
    time = _times(bins)
    span = bins.edges_gyr[-1]
    peak = span * uniform(n, 0.0, 1.0, generator)
    width = span * _log_uniform(n, 0.04, 0.6, generator)
    skew = uniform(n, -4.0, 4.0, generator)
    z = (time - peak) / width
    log_sfr = -0.5 * z.square() + log_ndtr(skew * z)
    log_sfr = log_sfr - log_sfr.amax(-1, keepdim=True)
    sfr = _over_background(log_sfr.exp(), bins, generator)
    duration = _log_uniform(n, 0.03, 0.1, generator)
    boost = _log_uniform(n, 0.1, 30.0, generator)
    return torch.where(time < duration, sfr * boost, sfr)


def quenched(n: int, bins: AgeBins, generator: torch.Generator) -> Tensor:
    """Delayed exponentials that drop by 0.5-3 dex; parameters and result as `delayed_tau`.

    The drop is complete within a quenching timescale of 30 Myr to 1 Gyr.
    """
    sfr = delayed_tau(n, bins, generator)
    time = _times(bins)
    quench_time = _log_uniform(n, 0.05, 0.75 * bins.edges_gyr[-1], generator)
    timescale = _log_uniform(n, 0.03, 1.0, generator)
    drop = uniform(n, 0.5, 3.0, generator)
    since = (quench_time - time).clamp_min(0.0)
    return sfr * torch.exp(-LN10 * drop * -torch.expm1(-since / timescale))


def build_sfh_curves(bins: AgeBins, n_curves: int = _N_CURVES, seed: int = _SEED) -> Tensor:
    """Build the log-SFR steps of the frozen catalogue.

    Steps pass through ``3 tanh(step / 3)``, which leaves ordinary steps alone (3 % at 1 dex) and
    keeps every curve below 3 dex per step.

    Parameters
    ----------
    bins : AgeBins
        Age bins of the histories, youngest first.
    n_curves : int
        Number of curves, split evenly over the four families.
    seed : int
        Seed of the shape parameters: the same seed gives the same catalogue.

    Returns
    -------
    Tensor, shape (n_curves, n_bins - 1)
        Steps of each curve in dex, younger minus older, float32.

    Raises
    ------
    ValueError
        If `n_curves` is not a positive multiple of 4.
    """
    sfr = equal_shares((delayed_tau, constant, skew_normal, quenched), bins, n_curves, seed)
    steps = log_sfr_to_steps(_bin_mean(sfr, bins).log10())
    return (_MAX_STEP_DEX * torch.tanh(steps / _MAX_STEP_DEX)).to(torch.float32)
