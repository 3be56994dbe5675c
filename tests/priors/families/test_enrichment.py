from __future__ import annotations

import math

import pytest
import torch

from priors.ages import AgeBins
from priors.contracts import check_prior
from priors.families.enrichment import (
    METALLICITY_CLIP,
    MH_HIGH,
    MH_LOW,
    CatalogueEnrichment,
    RandomWalkEnrichment,
)
from priors.families.enrichment_curves import build_enrichment_curves
from priors.families.history_prior import HistoryPrior

FAMILIES = {
    "walk": RandomWalkEnrichment,
    "catalogue": lambda bins: CatalogueEnrichment(build_enrichment_curves(bins)),
}


@pytest.fixture(params=FAMILIES, name="family")
def _family(request):
    return FAMILIES[request.param]


def _seed(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_contract(family):
    prior = family(AgeBins())
    assert isinstance(prior, HistoryPrior)
    check_prior(prior, _seed(1))


def test_every_draw_is_strictly_inside(family):
    mh = family(AgeBins()).sample(200_000, _seed(2))
    assert (mh > MH_LOW).all()
    assert (mh < MH_HIGH).all()
    assert torch.isfinite(METALLICITY_CLIP.unclip(mh)).all()


def _cells(n: int) -> tuple[torch.Tensor, float]:
    middle = (torch.arange(n, dtype=torch.float64) + 0.5) / n
    return MH_LOW + (MH_HIGH - MH_LOW) * middle, (MH_HIGH - MH_LOW) / n


def test_density_integrates_to_one_over_one_bin(family):
    mh, cell = _cells(20_000)
    total = family(AgeBins((0.0, 13.5))).log_prob(mh[:, None]).exp().sum() * cell
    assert total.item() == pytest.approx(1.0, abs=1e-3)


def test_density_integrates_to_one_over_two_bins(family):
    mh, cell = _cells(300)
    prior = family(AgeBins((0.0, 1.0, 13.5)))
    total = prior.log_prob(torch.cartesian_prod(mh, mh)).exp().sum() * cell**2
    assert total.item() == pytest.approx(1.0, abs=5e-3)


def test_density_integrates_to_one_over_three_bins(family):
    mh, cell = _cells(80)
    prior = family(AgeBins((0.0, 0.3, 3.0, 13.5)))
    total = prior.log_prob(torch.cartesian_prod(mh, mh, mh).float()).exp().sum() * cell**3
    assert total.item() == pytest.approx(1.0, abs=2e-2)


def test_outside_is_impossible_without_nan_gradients(family):
    prior = family(AgeBins((0.0, 1.0, 13.5)))
    mh = torch.tensor([[0.41, 0.0], [-0.2, -2.2], [math.nan, 0.0], [0.0, 0.0]], requires_grad=True)
    log_p = prior.log_prob(mh)
    assert (log_p[:3] == -math.inf).all()
    assert torch.isfinite(log_p[3])
    (gradient,) = torch.autograd.grad(log_p[3], mh)
    assert torch.isfinite(gradient).all()


def test_walk_against_torch_and_autograd_jacobian():
    prior = RandomWalkEnrichment(AgeBins())
    mh = prior.sample(100, _seed(3)).double().requires_grad_(True)
    w = METALLICITY_CLIP.unclip(mh)
    (slope,) = torch.autograd.grad(w.sum(), mh)
    gaussian = torch.distributions.MultivariateNormal(prior.mean, scale_tril=prior.cholesky)
    expected = gaussian.log_prob(w.detach().float()) + slope.log().sum(-1)
    torch.testing.assert_close(prior.log_prob(mh.detach()), expected, atol=2e-2, rtol=1e-4)


def test_walk_has_the_level_drift_and_innovation_it_claims():
    bins = AgeBins()
    prior = RandomWalkEnrichment(bins)
    covariance = prior.cholesky @ prior.cholesky.T
    assert prior.mean[0].item() == pytest.approx(-0.05)
    assert prior.mean[-1].item() == pytest.approx(-0.55)
    assert covariance[0, 0].sqrt().item() == pytest.approx(0.35, abs=1e-4)
    assert 0.35 < covariance[-1, -1].sqrt() < 0.45
    given_younger = prior.cholesky.diagonal()[1:]
    naive = 0.15 * (bins.spacing_dex / 0.2).sqrt()
    torch.testing.assert_close(given_younger, naive, rtol=0.12, atol=0)


def test_walk_is_the_same_process_on_a_finer_grid():
    coarse = RandomWalkEnrichment(AgeBins((0.0, 1.0, 4.0, 13.5)), drift=0.0)
    scatter = (coarse.cholesky @ coarse.cholesky.T).diagonal().sqrt()
    assert (scatter.diff() > 0).all()
    assert scatter[-1] < 0.45


@pytest.mark.parametrize("name", ["level_scatter", "innovation", "old_scatter"])
def test_bad_scatters_are_refused(name):
    with pytest.raises(ValueError, match=name):
        RandomWalkEnrichment(AgeBins(), **{name: 0.0})


def test_wrong_shape_is_refused(family):
    with pytest.raises(ValueError, match=r"expected \(n, 16\)"):
        family(AgeBins()).log_prob(torch.zeros(4, 15))
