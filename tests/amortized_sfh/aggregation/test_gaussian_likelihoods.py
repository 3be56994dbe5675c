"""Posterior over prior gives back the likelihood."""

from __future__ import annotations

import pytest
import torch

from amortized_sfh.aggregation.gaussian_likelihoods import (
    gaussian_likelihoods,
    without_shared_errors,
)


def test_the_informed_axis_is_found(make_toy):
    toy = make_toy(300, 1.5)
    likelihoods = gaussian_likelihoods(toy.draws, 0.1)
    assert likelihoods.axes.shape == (6, 1)
    assert abs(float(likelihoods.axes[:, 0] @ toy.axis)) > 0.999
    # one spectrum of variance 0.5 removes two thirds of the prior variance
    assert float(likelihoods.information) == pytest.approx(2.0 / 3.0, abs=0.02)


def test_likelihood_is_recovered(make_toy):
    toy = make_toy(300, 1.5, scatter=0.5)
    likelihoods = gaussian_likelihoods(toy.draws, 0.1)
    precision = likelihoods.precision[:, 0, 0]
    assert float(precision.mean()) == pytest.approx(1.0 / toy.variance, rel=0.02)
    estimate = likelihoods.natural_mean[:, 0] / precision * torch.sign(likelihoods.axes[2, 0])
    # the noise of 400 draws on either
    assert float((estimate - toy.estimate).abs().mean()) < 0.08
    assert abs(float((estimate - toy.estimate).mean())) < 0.02


def test_without_information_one_axis_is_left(make_toy):
    toy = make_toy(50, 0.0)
    z = torch.randn(
        toy.draws.shape, generator=torch.Generator().manual_seed(3), dtype=torch.float64
    )
    likelihoods = gaussian_likelihoods(z, 0.5)
    assert likelihoods.axes.shape == (6, 1)
    assert float(likelihoods.precision.min()) >= 0.01 - 1e-9


def test_shared_errors_are_taken_out(make_toy):
    toy = make_toy(300, 1.5)
    likelihoods = gaussian_likelihoods(toy.draws, 0.1)
    shifts = torch.tensor([[toy.shift]], dtype=torch.float64)
    sharper = without_shared_errors(likelihoods, shifts)
    expected = 1.0 / (1.0 / likelihoods.precision - toy.shift**2)
    torch.testing.assert_close(sharper.precision, expected)
    before = likelihoods.natural_mean / likelihoods.precision[..., 0]
    torch.testing.assert_close(sharper.natural_mean / sharper.precision[..., 0], before)


def test_a_shared_error_larger_than_the_whole_leaves_a_fifth(make_toy):
    likelihoods = gaussian_likelihoods(make_toy(10, 0.0).draws, 0.1)
    sharper = without_shared_errors(likelihoods, torch.ones(1, 1, dtype=torch.float64))
    assert bool((sharper.precision > 0).all())
    ratio = sharper.precision / likelihoods.precision
    torch.testing.assert_close(ratio, 1.0 + 5.0 * likelihoods.precision)


def test_too_few_draws(make_toy):
    with pytest.raises(ValueError, match="99 draws per spectrum are too few"):
        gaussian_likelihoods(make_toy(5, 0.0).draws[:, :99], 0.1)
