"""Fitting the unbounded coordinates of a parameter space to a prior, once and reproducibly."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from priors.bijections import NormalScore, SoftClip, StudentTScore
from priors.families.enrichment import METALLICITY_CLIP, MH_HIGH, MH_LOW, MH_SOFTNESS
from priors.families.history_prior import HistoryPrior
from priors.families.nuisance import Nuisance
from priors.space import MH_PREFIX, STEP_PREFIX, Parameter, ParameterSpace

_SPACE_SEED = 20262
_SPACE_DRAWS = 40_000
_T2_UPPER_QUARTILE = 0.816496580927726  # sqrt(2/3)


def _rounded(value: Tensor | float) -> float:
    """Three decimals: the space is a set of literals, the same on every platform."""
    return round(float(value), 3)


def _step_parameters(steps: Tensor) -> list[Parameter]:
    """Parameters of log-SFR steps, by draws of shape (n, n_bins - 1)."""
    scales = steps.abs().median(dim=0).values / _T2_UPPER_QUARTILE
    parameters = []
    for j, scale in enumerate(scales, start=1):
        score = StudentTScore(max(_rounded(scale), 0.001))
        label = rf"$\Delta\log\,\mathrm{{SFR}}_{{{j}}}$"
        parameters.append(Parameter(f"{STEP_PREFIX}{j}", "dex", -math.inf, math.inf, score, label))
    return parameters


def _mh_parameters(w: Tensor) -> list[Parameter]:
    """Parameters of metallicities, by draws of unclipped ones, shape (n, n_bins)."""
    low, middle, high = torch.quantile(w, torch.tensor([0.1587, 0.5, 0.8413]), dim=0)
    parameters = []
    for i, (centre, width) in enumerate(zip(middle, 0.5 * (high - low), strict=True), start=1):
        clip = SoftClip(MH_LOW, MH_HIGH, MH_SOFTNESS, _rounded(centre), _rounded(width))
        label = rf"$[\mathrm{{M/H}}]_{{{i}}}$"
        parameters.append(Parameter(f"{MH_PREFIX}{i}", "dex", MH_LOW, MH_HIGH, clip, label))
    return parameters


def fit_coordinates(
    sfh: HistoryPrior, enrichment: HistoryPrior, nuisances: Sequence[Nuisance]
) -> ParameterSpace:
    """Build the parameter space whose coordinates Gaussianise the marginals of a prior.

    Step scales match the median |step|, metallicity centres and widths the median and the central
    68 %, of a fixed-seed sample, rounded to 0.001; nuisance coordinates are exact normal scores.

    Parameters
    ----------
    sfh : HistoryPrior
        Prior of the log-SFR steps between age bins.
    enrichment : HistoryPrior
        Prior of the metallicities of the age bins.
    nuisances : sequence of Nuisance
        Parameters beside the histories, with their priors.

    Returns
    -------
    ParameterSpace
        Order, bounds and coordinates of all parameters, the same for the same priors.
    """
    generator = torch.Generator().manual_seed(_SPACE_SEED)
    steps = sfh.sample(_SPACE_DRAWS, generator)
    w = METALLICITY_CLIP.unclip(enrichment.sample(_SPACE_DRAWS, generator))
    others = []
    for item in nuisances:
        bounds, score = (item.marginal.low, item.marginal.high), NormalScore(item.marginal)
        others.append(Parameter(item.name, item.unit, *bounds, score, item.label))
    return ParameterSpace((*_step_parameters(steps), *_mh_parameters(w), *others))
