from __future__ import annotations

import pytest
import torch

from priors.ages import AgeBins, mass_fractions
from priors.defaults import default_prior
from priors.implied import formation_time, implied_quantities, log_recent_sfr


def test_constant_rate_has_known_answers():
    bins = AgeBins()
    steps = torch.zeros(1, 15)
    assert formation_time(mass_fractions(steps, bins), bins).item() == pytest.approx(6.75, rel=1e-4)
    ninety = formation_time(mass_fractions(steps, bins), bins, quantile=0.9)
    assert ninety.item() == pytest.approx(1.35, rel=1e-4)
    assert 10 ** log_recent_sfr(steps, bins).item() == pytest.approx(1 / 13.5e9, rel=1e-4)


def test_recent_rate_in_a_bin_that_straddles_the_limit():
    bins = AgeBins((0.0, 0.04, 0.5, 13.5))
    sfr = torch.tensor([[4.0, 1.0, 1.0]])
    steps = sfr.log10()[:, :-1] - sfr.log10()[:, 1:]
    mass = 4.0 * 0.04e9 + 0.46e9 + 13e9
    expected = (4.0 * 0.04e9 + 0.06e9) / 1e8 / mass
    assert 10 ** log_recent_sfr(steps, bins).item() == pytest.approx(expected, rel=1e-4)


def test_a_single_burst_formed_inside_its_bin():
    bins = AgeBins()
    fractions = torch.eye(16)
    t50 = formation_time(fractions, bins)
    edges = torch.tensor(bins.edges_gyr)
    torch.testing.assert_close(t50, 0.5 * (edges[:-1] + edges[1:]), rtol=1e-4, atol=1e-6)


def test_quantile_is_checked():
    with pytest.raises(ValueError, match="between 0 and 1"):
        formation_time(torch.ones(1, 16) / 16, AgeBins(), quantile=1.0)


def test_default_prior_is_broad_and_reproducible():
    prior = default_prior()
    first, second = (implied_quantities(prior, 5000, seed=1) for _ in range(2))
    for name, a, b in zip(first._fields, first, second, strict=True):
        assert a.shape == (5000,), name
        assert torch.isfinite(a).all(), name
        assert torch.equal(a, b), name
    assert first.log_age_mass.max() < prior.bins.log_age_yr[-1] + 1e-4
    assert first.t50_gyr.quantile(0.1) < 1.0
    assert first.t50_gyr.quantile(0.9) > 9.0
    assert first.mh_mass.std() > 0.3
    assert (first.log_ssfr_100myr <= -8 + 1e-4).all()
