from __future__ import annotations

import math

import pytest
import torch

from priors.marginals import (
    Marginal,
    TruncatedExponential,
    TruncatedNormal,
    Uniform,
    marginal_from_dict,
)

MARGINALS = [
    Uniform(1.0, 2.5),
    TruncatedExponential(0.6, 4.0),
    TruncatedNormal(0.0, 0.2, -0.7, 0.4),
    TruncatedNormal(0.0, 150.0, -350.0, 350.0),
]


def _grid(marginal: Marginal, n: int = 100_000) -> torch.Tensor:
    middle = (torch.arange(n, dtype=torch.float64) + 0.5) / n
    return marginal.low + (marginal.high - marginal.low) * middle


@pytest.mark.parametrize("marginal", MARGINALS, ids=repr)
class TestMarginal:
    def test_keeps_the_protocol(self, marginal):
        assert isinstance(marginal, Marginal)

    def test_density_integrates_to_one(self, marginal):
        x = _grid(marginal)
        total = marginal.log_prob(x).exp().mean() * (marginal.high - marginal.low)
        assert total.item() == pytest.approx(1.0, abs=1e-6)

    def test_cdf_is_the_integral_of_the_density(self, marginal):
        x = _grid(marginal)
        cell = (marginal.high - marginal.low) / len(x)
        cumulative = (marginal.log_prob(x).exp() * cell).cumsum(0)
        torch.testing.assert_close(marginal.cdf(x + cell / 2), cumulative, atol=1e-6, rtol=0)
        torch.testing.assert_close(marginal.cdf(x) + marginal.sf(x), torch.ones_like(x))

    def test_inverses_are_accurate_in_both_tails(self, marginal):
        p = torch.logspace(-12, -0.31, 200, dtype=torch.float64)
        torch.testing.assert_close(marginal.cdf(marginal.icdf(p)), p, rtol=1e-3, atol=1e-15)
        torch.testing.assert_close(marginal.sf(marginal.isf(p)), p, rtol=1e-3, atol=1e-15)

    def test_draws_follow_the_density(self, marginal):
        x = marginal.sample(100_000, torch.Generator().manual_seed(3))
        assert x.dtype == torch.float32
        assert ((x > marginal.low) & (x < marginal.high)).all()
        p = marginal.cdf(x.double()).sort().values
        uniform = (torch.arange(len(p), dtype=torch.float64) + 0.5) / len(p)
        assert (p - uniform).abs().max() < 1.95 / math.sqrt(len(p))  # KS at 0.1 %

    def test_outside_is_impossible(self, marginal):
        x = torch.tensor([marginal.low, marginal.low - 1, marginal.high, marginal.high + 1])
        assert (marginal.log_prob(x) == -math.inf).all()

    def test_seed_and_json(self, marginal):
        first, second = (marginal.sample(5, torch.Generator().manual_seed(1)) for _ in range(2))
        assert torch.equal(first, second)
        assert marginal_from_dict(marginal.to_dict()) == marginal


@pytest.mark.parametrize(
    "build",
    [
        lambda: Uniform(1.0, 1.0),
        lambda: Uniform(0.0, math.inf),
        lambda: TruncatedExponential(0.0, 1.0),
        lambda: TruncatedExponential(1.0, -1.0),
        lambda: TruncatedNormal(0.0, -1.0, 0.0, 1.0),
        lambda: TruncatedNormal(math.nan, 1.0, 0.0, 1.0),
        lambda: marginal_from_dict({"kind": "cauchy"}),
        lambda: marginal_from_dict({"kind": "uniform", "low": 0.0, "top": 1.0}),
    ],
)
def test_bad_numbers_are_refused(build):
    with pytest.raises(ValueError, match=r"expected|low < high|does not fit"):
        build()
