"""The hierarchical model against answers in closed form."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from amortized_sfh.aggregation.gaussian_likelihoods import (
    GaussianLikelihoods,
    gaussian_likelihoods,
    without_shared_errors,
)
from amortized_sfh.aggregation.population import sample_population


def _exact_likelihoods(estimate, variance):
    n = len(estimate)
    precision = torch.full((n, 1, 1), 1.0 / variance, dtype=torch.float64)
    one = torch.ones(1, 1, dtype=torch.float64)
    return GaussianLikelihoods(
        one, one[0], precision, estimate[:, None] / variance, estimate[:, None], one
    )


def _on_a_grid(estimate, variance, shift):
    """Mean and standard deviation of mu, and mean of Sigma, by brute force."""
    observed = np.linspace(-3.0, 4.0, 700)[:, None]
    sigma2 = np.geomspace(1e-3, 30.0, 600)[None]
    # inverse Wishart of 5 degrees of freedom and scale 0.75 in one dimension, in log sigma2
    log_p = -2.5 * np.log(sigma2) - 0.375 / sigma2 - 0.5 * observed**2 / (1.0 + shift**2)
    for d in estimate.numpy():
        total = variance + sigma2
        log_p = log_p - 0.5 * np.log(total) - 0.5 * (d - observed) ** 2 / total
    p = np.exp(log_p - log_p.max())
    p /= p.sum()
    gain = 1.0 / (1.0 + shift**2)
    first = float((p * observed).sum())
    spread = float((p * observed**2).sum()) - first**2
    return gain * first, np.sqrt(gain**2 * spread + 1.0 - gain), float((p * sigma2).sum())


@pytest.mark.parametrize("n_obs", [3, 12])
def test_posterior_of_mean_and_scatter_is_exact(make_toy, n_obs):
    toy = make_toy(n_obs, 1.2, scatter=0.6, seed=4)
    likelihoods = _exact_likelihoods(toy.estimate, toy.variance)
    shifts = torch.tensor([[0.3]], dtype=torch.float64)
    drawn = sample_population(likelihoods, shifts, 3000, seed=1)
    mean, std, scatter2 = _on_a_grid(toy.estimate, toy.variance, 0.3)
    assert float(drawn.mean.mean()) == pytest.approx(mean, abs=0.04)
    assert float(drawn.mean.std()) == pytest.approx(std, rel=0.06)
    assert float(drawn.covariance.mean()) == pytest.approx(scatter2, rel=0.15)


def test_mean_of_means_is_biased_and_the_population_is_not(make_toy):
    """Truth 1.5 prior standard deviations out; posterior means stop at 1."""
    toy = make_toy(400, 1.5)
    likelihoods = gaussian_likelihoods(toy.draws, 0.1)
    sign = torch.sign(likelihoods.axes[2, 0])
    naive = float((likelihoods.posterior_mean[:, 0] * sign).mean())
    assert naive == pytest.approx(1.0, abs=0.05)
    shifts = torch.tensor([[toy.shift]], dtype=torch.float64)
    drawn = sample_population(without_shared_errors(likelihoods, shifts), shifts, 600, seed=0)
    mean, std = float((drawn.mean * sign).mean()), float(drawn.mean.std())
    assert abs(mean - 1.5) < 0.12
    assert std == pytest.approx(toy.shift, rel=0.15)
    # nothing scatters, and the scatter that is found is far below that of single estimates
    assert float(drawn.covariance.mean()) < 0.25 * toy.variance


def test_width_shrinks_to_the_shared_error_and_no_further(make_toy):
    widths = []
    for n_obs in (5, 50, 600):
        toy = make_toy(n_obs, 1.5, error=1.0)
        shifts = torch.tensor([[toy.shift]], dtype=torch.float64)
        likelihoods = without_shared_errors(_exact_likelihoods(toy.estimate, toy.variance), shifts)
        widths.append(float(sample_population(likelihoods, shifts, 1000, seed=2).mean.std()))
    assert widths[0] > 1.5 * widths[1] > 1.5 * widths[2]
    assert widths[2] == pytest.approx(toy.shift / (1.0 + toy.shift**2) ** 0.5, rel=0.1)


def test_intervals_cover_with_the_shared_error_and_not_without(make_toy):
    """Over regions whose mean and shared error are drawn from their priors."""
    generator = torch.Generator().manual_seed(9)
    z_with, z_without = [], []
    for region in range(24):
        truth, error = torch.randn(2, generator=generator).tolist()
        toy = make_toy(40, truth, error=error, scatter=0.3, seed=region)
        shifts = torch.tensor([[toy.shift]], dtype=torch.float64)
        exact = _exact_likelihoods(toy.estimate, toy.variance)
        for b, likelihoods, kept in (
            (shifts, without_shared_errors(exact, shifts), z_with),
            (0.0 * shifts, exact, z_without),
        ):
            mean = sample_population(likelihoods, b, 100, seed=region).mean
            kept.append(float((mean.mean() - truth) / mean.std()))
    assert np.std(z_with) == pytest.approx(1.0, abs=0.3)
    assert np.std(z_without) > 1.3


def test_members_shrink_to_their_population(make_toy):
    toy = make_toy(200, 1.5, scatter=0.2)
    drawn = sample_population(
        _exact_likelihoods(toy.estimate, toy.variance), torch.zeros(1, 1).double(), 400, seed=5
    )
    members = drawn.members.mean(0)[:, 0]
    assert float(members.mean()) == pytest.approx(1.5, abs=0.1)
    assert float(members.std()) < 0.5 * float(toy.estimate.std())


def test_seed(make_toy):
    likelihoods = _exact_likelihoods(make_toy(5, 0.5).estimate, 0.5)
    shifts = torch.full((1, 1), 0.1, dtype=torch.float64)
    first, second, other = (
        sample_population(likelihoods, shifts, 20, seed=s).mean for s in (1, 1, 2)
    )
    assert torch.equal(first, second)
    assert not torch.equal(first, other)
