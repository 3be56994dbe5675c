from __future__ import annotations

import math

import pytest
import torch

from priors.ages import AgeBins
from priors.contracts import check_prior
from priors.families.enrichment import RandomWalkEnrichment
from priors.families.history_prior import HistoryPrior
from priors.families.mixture import Mixture
from priors.families.sfh import Continuity, DirichletSFH


def _seed(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def _mixture() -> Mixture:
    bins = AgeBins()
    return Mixture((Continuity(bins), DirichletSFH(bins, 3.0)), (3.0, 1.0))


def test_contract():
    assert isinstance(_mixture(), HistoryPrior)
    check_prior(_mixture(), _seed(0))


def test_density_is_the_weighted_sum():
    mixture = _mixture()
    x = mixture.sample(500, _seed(1))
    first, second = (component.log_prob(x).exp() for component in mixture.components)
    torch.testing.assert_close(
        mixture.log_prob(x).exp(), 0.75 * first + 0.25 * second, rtol=1e-4, atol=0
    )


def test_shares_follow_the_weights():
    bins = AgeBins((0.0, 1.0, 13.5))
    narrow = (Continuity(bins, 1e-4), Continuity(bins, 1e3))
    x = Mixture(narrow, (1.0, 3.0)).sample(40_000, _seed(2))
    assert (x.abs() < 1).float().mean().item() == pytest.approx(0.25, abs=0.01)


def test_impossible_rows_have_no_nan_gradient():
    bins = AgeBins((0.0, 1.0, 13.5))
    mixture = Mixture((RandomWalkEnrichment(bins), RandomWalkEnrichment(bins, 0.1)), (1, 1))
    mh = torch.tensor([[0.5, 0.0], [0.0, 0.0]], requires_grad=True)
    log_p = mixture.log_prob(mh)
    assert log_p[0] == -math.inf
    (gradient,) = torch.autograd.grad(log_p[1], mh)
    assert torch.isfinite(gradient).all()


def test_zero_draws():
    assert _mixture().sample(0, _seed(0)).shape == (0, 15)


@pytest.mark.parametrize(
    ("components", "weights", "message"),
    [
        ((), (), "at least one"),
        ((Continuity(AgeBins()),), (1.0, 2.0), "one weight"),
        ((Continuity(AgeBins()),), (0.0,), "> 0"),
        ((Continuity(AgeBins()),), (math.nan,), "> 0"),
        ((Continuity(AgeBins()), Continuity(AgeBins((0, 1, 2)))), (1.0, 1.0), "same bins"),
    ],
)
def test_bad_mixtures_are_refused(components, weights, message):
    with pytest.raises(ValueError, match=message):
        Mixture(components, weights)
