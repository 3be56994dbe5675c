r"""The hierarchical model: spectra of a region as draws from one population.

.. math::

    s \sim N(0, I),\quad \mu \sim N(0, \kappa^2 I),\quad \Sigma \sim \mathrm{IW},\quad
    z_i \sim N(\mu, \Sigma),\quad
    \mathrm{data}_i \mid z_i, s \sim N(z_i + B s,\ P_i^{-1})

in prior coordinates, where the errors s are the same for all. All conditionals are known; the mean
is drawn with the members integrated out, which keeps the chain quick when they scatter little.

References
----------
.. [1] Hogg, Myers & Bovy 2010, ApJ 725, 2166 (the prior of the single inferences divided out).
.. [2] Gelman et al. 2013, Bayesian Data Analysis, 3rd ed., secs. 5.4, 11.6.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from scipy.stats import invwishart
from torch import Tensor

from amortized_sfh.aggregation.gaussian_likelihoods import GaussianLikelihoods

_N_WARM = 200
_START_VARIANCE = 0.3
#: Inverse Wishart of k + 4 degrees of freedom: scatters of about 0.4 prior standard deviations,
#: with a tail beyond 1; the data of ten spectra outweigh it.
_EXTRA_DF, _SCALE = 4, 0.75


class Population(NamedTuple):
    """Draws from the posterior of a population, along the informed axes in prior coordinates.

    Attributes
    ----------
    mean
        Population mean, shape (n_draws, k).
    covariance
        Population covariance, shape (n_draws, k, k).
    members
        Every spectrum's own coordinates, shape (n_draws, n_obs, k).
    """

    mean: Tensor
    covariance: Tensor
    members: Tensor


def sample_population(
    likelihoods: GaussianLikelihoods,
    shifts: Tensor,
    n_draws: int,
    seed: int,
    mean_prior_sigma: float = 1.0,
) -> Population:
    """Draw mean, scatter and members of a population.

    Parameters
    ----------
    likelihoods
        Likelihoods of the members, freed of the errors that they share.
    shifts
        B: shift by one standard deviation of each shared error, shape (k, n_error).
    n_draws
        Number of draws, after 200 that are left out.
    seed
        Source of randomness; the same seed gives the same draws.
    mean_prior_sigma
        Kappa: prior standard deviation of the population mean, in those of the prior of a history.

    Returns
    -------
    Population
        Draws of mean, covariance and members. The mean is at least as wide as the shared errors
        make it, however many spectra there are.
    """
    chain = _Chain(likelihoods, shifts, seed, mean_prior_sigma)
    draws = [chain.step() for _ in range(_N_WARM + n_draws)][_N_WARM:]
    return Population(*(torch.stack(column) for column in zip(*draws, strict=True)))


class _Chain:
    """State and steps of the Gibbs sampler."""

    def __init__(
        self, likelihoods: GaussianLikelihoods, shifts: Tensor, seed: int, mean_prior_sigma: float
    ) -> None:
        self._precision, self._natural = likelihoods.precision, likelihoods.natural_mean
        self._generator = torch.Generator(shifts.device).manual_seed(seed)
        self._rng = np.random.default_rng(seed)
        self._identity = torch.eye(len(shifts)).to(shifts)
        # the mean as observed, mu + B s, has this prior; mu given it is Gaussian
        prior_variance = mean_prior_sigma**2
        observed = torch.linalg.inv(prior_variance * self._identity + shifts @ shifts.T)
        self._observed_precision = observed
        self._gain = prior_variance * observed
        rest = prior_variance * (self._identity - self._gain)
        values, vectors = torch.linalg.eigh(0.5 * (rest + rest.T))
        self._rest = vectors * values.clamp_min(0.0).sqrt()
        self._covariance = _START_VARIANCE * self._identity

    def step(self) -> tuple[Tensor, Tensor, Tensor]:
        """Draw mean (k,), covariance (k, k) and members (n_obs, k) once."""
        inverse = torch.linalg.inv(self._covariance)
        inverse = 0.5 * (inverse + inverse.T)
        factor = torch.linalg.cholesky(self._precision + inverse)
        observed_mean = self._draw_mean(factor)
        target = (self._natural + inverse @ observed_mean)[..., None]
        members = torch.cholesky_solve(target, factor)
        members = members + torch.linalg.solve_triangular(
            factor.transpose(-1, -2), self._normal(*members.shape), upper=True
        )
        members = members[..., 0]
        self._covariance = self._draw_covariance(members - observed_mean)
        mean = self._gain @ observed_mean + self._rest @ self._normal(len(observed_mean))
        # what is not the population's is the shared errors'
        return mean, self._covariance, members - (observed_mean - mean)

    def _draw_mean(self, factor: Tensor) -> Tensor:
        """Draw mu + B s, the members integrated out."""
        both = torch.cat([self._precision, self._natural[..., None]], dim=-1)
        solved = torch.cholesky_solve(both, factor)
        summed = (both - self._precision @ solved).sum(0)
        precision = self._observed_precision + summed[:, :-1]
        root = torch.linalg.cholesky(0.5 * (precision + precision.T))
        mean = torch.cholesky_solve(summed[:, -1:], root)
        noise = self._normal(len(precision), 1)
        return (mean + torch.linalg.solve_triangular(root.T, noise, upper=True))[:, 0]

    def _draw_covariance(self, deviation: Tensor) -> Tensor:
        """Draw Sigma given the deviations of the members from the mean: conjugate."""
        n_obs, k = deviation.shape
        scale = deviation.T @ deviation + _SCALE * self._identity
        drawn = invwishart.rvs(n_obs + k + _EXTRA_DF, scale.cpu().numpy(), random_state=self._rng)
        return torch.as_tensor(np.reshape(drawn, (k, k))).to(deviation)

    def _normal(self, *shape: int) -> Tensor:
        """Draw standard normal numbers like the likelihoods in type and device."""
        like = self._natural
        return torch.randn(*shape, generator=self._generator, dtype=like.dtype, device=like.device)
