"""Linear-Gaussian regions whose answers are known in closed form."""

from __future__ import annotations

from typing import NamedTuple

import pytest
import torch
from torch import Tensor

N_PARAM, N_DRAWS = 6, 400


class Toy(NamedTuple):
    """Posterior draws of spectra that see one axis only.

    draws (n_obs, n_draws, n_param) in prior coordinates, axis (n_param,), estimate (n_obs,) of the
    likelihoods, their variance, and the shift by one standard deviation of the shared error.
    """

    draws: Tensor
    axis: Tensor
    estimate: Tensor
    variance: float
    shift: float


@pytest.fixture
def make_toy():
    """Return a function that makes a region of n spectra.

    Every spectrum measures the first axis with variance 0.5, of which 0.04 is one error that all
    share: a posterior mean is two thirds of its estimate.
    """

    def make(n_obs, truth, *, error=0.0, scatter=0.0, seed=0):
        generator = torch.Generator().manual_seed(seed)

        def normal(*shape):
            return torch.randn(*shape, generator=generator, dtype=torch.float64)

        variance, shift = 0.5, 0.2
        z = truth + scatter * normal(n_obs)
        estimate = z + shift * error + (variance - shift**2) ** 0.5 * normal(n_obs)
        axis = torch.zeros(N_PARAM, dtype=torch.float64)
        axis[2] = 1.0
        draws = normal(n_obs, N_DRAWS, N_PARAM)
        along = (
            estimate[:, None] / (1.0 + variance)
            + (variance / (1.0 + variance)) ** 0.5 * draws[..., 2]
        )
        draws[..., 2] = along
        return Toy(draws, axis, estimate, variance, shift)

    return make
