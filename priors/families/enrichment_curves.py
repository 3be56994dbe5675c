"""The frozen catalogue of chemical enrichment histories.

Four families in equal parts from a fixed seed: closed boxes and leaky boxes of representative
delayed-exponential histories, metallicity linear in time, and flat.

References
----------
Tinsley (1980), Fund. Cosmic Phys. 5, 287: in a box with outflow eta times the SFR the metallicity
is ``Z = y / (1 + eta) * ln(1 / mu)``, with mu the gas fraction left.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from priors.ages import AgeBins
from priors.families.random_curves import equal_shares, uniform

_N_CURVES = 256
_SEED = 20261
_POINTS_PER_BIN = 32


def _present_day(n: int, generator: torch.Generator) -> Tensor:
    """[M/H] of the stars that form today, shape (n, 1), dex."""
    return uniform(n, -0.8, 0.35, generator)


def _box(
    n: int, bins: AgeBins, generator: torch.Generator, consumed: tuple[float, float]
) -> Tensor:
    """[M/H] of the stars of each bin: the mean of the log over the stars formed in it."""
    span = bins.edges_gyr[-1]
    tau = span * uniform(n, math.log(0.05), math.log(3.0), generator).exp()
    since = (span - bins.sample_times_gyr(_POINTS_PER_BIN)).reshape(1, -1)
    # Mass formed until then by s exp(-s / tau), relative to today.
    formed = 1.0 - (1.0 + since / tau) * torch.exp(-since / tau)
    total = 1.0 - (1.0 + span / tau) * torch.exp(-span / tau)
    fraction_consumed = uniform(n, *consumed, generator)
    abundance = -torch.log1p(-fraction_consumed * formed / total)
    today = -torch.log1p(-fraction_consumed)
    shape = (n, bins.n_bins, _POINTS_PER_BIN)
    stars = torch.softmax((since.log() - since / tau).reshape(shape), dim=-1)
    log_abundance = (stars * (abundance / today).log10().reshape(shape)).sum(-1)
    return _present_day(n, generator) + log_abundance


def closed_box(n: int, bins: AgeBins, generator: torch.Generator) -> Tensor:
    """Enrich a box that keeps its gas and consumes 50 to 98 % of it.

    Parameters
    ----------
    n : int
        Number of curves to draw.
    bins : AgeBins
        Age bins of the histories, youngest first.
    generator : torch.Generator
        CPU source of the shape parameters.

    Returns
    -------
    Tensor, shape (n, n_bins)
        [M/H] in dex, youngest first. The yield is what makes today's metallicity.
    """
    return _box(n, bins, generator, (0.50, 0.98))


def leaky_box(n: int, bins: AgeBins, generator: torch.Generator) -> Tensor:
    """Enrich a box that loses part of its gas in winds; parameters as `closed_box`.

    Stars and winds together, ``(1 + eta)`` times the stars, took 20 to 95 % of the initial gas.
    """
    return _box(n, bins, generator, (0.20, 0.95))


def linear_in_time(n: int, bins: AgeBins, generator: torch.Generator) -> Tensor:
    """Raise [M/H] linearly in time by 0 to 1.2 dex; parameters and result as `closed_box`."""
    middle = bins.sample_times_gyr(_POINTS_PER_BIN).mean(-1) / bins.edges_gyr[-1]
    return _present_day(n, generator) - uniform(n, 0.0, 1.2, generator) * middle


def flat(n: int, bins: AgeBins, generator: torch.Generator) -> Tensor:
    """Keep one [M/H] at all ages, -1.8 to 0.35, mostly high; parameters as `closed_box`."""
    level = 0.35 - 2.15 * uniform(n, 0.0, 1.0, generator).square()
    return level.expand(n, bins.n_bins)


def build_enrichment_curves(bins: AgeBins, n_curves: int = _N_CURVES, seed: int = _SEED) -> Tensor:
    """Build the frozen catalogue, in the unclipped coordinate of [M/H].

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
    Tensor, shape (n_curves, n_bins)
        [M/H] of each curve in dex, float32, youngest bin first.

    Raises
    ------
    ValueError
        If `n_curves` is not a positive multiple of 4.
    """
    families = (closed_box, leaky_box, linear_in_time, flat)
    return equal_shares(families, bins, n_curves, seed).to(torch.float32)
