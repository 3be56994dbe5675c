from __future__ import annotations

import math

import pytest
import torch

from priors.ages import LN10, AgeBins, mass_fractions, relative_log_sfr
from priors.bijections import StudentTScore
from priors.contracts import check_prior
from priors.families.history_prior import HistoryPrior
from priors.families.sfh import CatalogueSFH, Continuity, DirichletSFH, bursty_continuity
from priors.families.sfh_curves import build_sfh_curves

FAMILIES = {
    "continuity": Continuity,
    "continuity_df3": lambda bins: Continuity(bins, df=3),
    "bursty": bursty_continuity,
    "dirichlet": DirichletSFH,
    "dirichlet_sparse": lambda bins: DirichletSFH(bins, concentration=0.3),
    "catalogue": lambda bins: CatalogueSFH(build_sfh_curves(bins, n_curves=256)),
}
TWO_BINS = AgeBins((0.0, 0.1, 13.5))
THREE_BINS = AgeBins((0.0, 0.1, 1.0, 13.5))


@pytest.fixture(params=FAMILIES, name="family")
def _family(request):
    return FAMILIES[request.param]


def test_contract(family):
    prior = family(AgeBins())
    assert isinstance(prior, HistoryPrior)
    check_prior(prior, torch.Generator().manual_seed(1))


def test_every_draw_is_a_history(family):
    bins = AgeBins()
    steps = family(bins).sample(100_000, torch.Generator().manual_seed(2))
    fractions = mass_fractions(steps, bins)
    assert torch.isfinite(fractions).all()
    assert (fractions >= 0).all()
    assert (fractions.sum(-1) - 1).abs().max() < 1e-5


def _score_grid(n: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Steps and quadrature weights that cover tails of any width: even in a Student-t score."""
    u = torch.linspace(-9, 9, n, dtype=torch.float64)
    score = StudentTScore(0.5)
    steps = score.inverse(u)
    return steps, (u[1] - u[0]) * torch.exp(-score.log_abs_det(steps))


def test_density_integrates_to_one_over_one_step(family):
    steps, weights = _score_grid(6001)
    density = family(TWO_BINS).log_prob(steps[:, None]).exp()
    assert (density * weights).sum().item() == pytest.approx(1.0, abs=2e-4)


def test_density_integrates_to_one_over_two_steps(family):
    steps, weights = _score_grid(401)
    pairs = torch.cartesian_prod(steps, steps)
    density = family(THREE_BINS).log_prob(pairs).exp()
    total = (density * torch.cartesian_prod(weights, weights).prod(-1)).sum()
    assert total.item() == pytest.approx(1.0, abs=2e-3)


def test_one_bin_is_certain(family):
    prior = family(AgeBins((0.0, 1.0)))
    steps = prior.sample(3, torch.Generator().manual_seed(0))
    assert steps.shape == (3, 0)
    torch.testing.assert_close(prior.log_prob(steps), torch.zeros(3))


def test_wrong_shape_is_refused(family):
    with pytest.raises(ValueError, match=r"expected \(n, 15\)"):
        family(AgeBins()).log_prob(torch.zeros(4, 16))


@pytest.mark.parametrize("df", [1, 2, 5])
def test_continuity_against_torch(df):
    bins = AgeBins()
    scales = 0.3 * (bins.spacing_dex / 0.2).sqrt()
    steps = 3 * torch.randn(100, 15, generator=torch.Generator().manual_seed(0))
    expected = torch.distributions.StudentT(float(df), 0.0, scales).log_prob(steps).sum(-1)
    torch.testing.assert_close(Continuity(bins, df=df).log_prob(steps), expected)


def test_continuity_does_not_overflow():
    assert torch.isfinite(Continuity(AgeBins()).log_prob(torch.full((1, 15), 1e30))).all()


def test_bursty_is_twice_as_wide():
    bins = AgeBins()
    torch.testing.assert_close(bursty_continuity(bins).scales, 2 * Continuity(bins).scales)


@pytest.mark.parametrize("concentration", [0.4, 1.0, 3.0])
def test_dirichlet_against_torch_and_its_jacobian(concentration):
    prior = DirichletSFH(THREE_BINS, concentration)
    steps = torch.randn(20, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))

    def fractions(step: torch.Tensor) -> torch.Tensor:
        return torch.softmax(LN10 * relative_log_sfr(step), dim=-1)

    reference = torch.distributions.Dirichlet(torch.full((3,), concentration, dtype=torch.float64))
    for step, log_p in zip(steps, prior.log_prob(steps), strict=True):
        jacobian = torch.autograd.functional.jacobian(fractions, step)[:2]
        expected = reference.log_prob(fractions(step)) + torch.linalg.slogdet(jacobian).logabsdet
        assert log_p.item() == pytest.approx(expected.item(), abs=1e-6)


def test_dirichlet_draws_have_the_right_fractions():
    prior = DirichletSFH(THREE_BINS, 0.5)
    x = torch.softmax(LN10 * relative_log_sfr(prior.sample(100_000, _seed(4))), dim=-1)
    torch.testing.assert_close(x.mean(0), torch.full((3,), 1 / 3), atol=0.005, rtol=0)
    expected_variance = (1 / 3) * (2 / 3) / (1.5 + 1)
    torch.testing.assert_close(x.var(0), torch.full((3,), expected_variance), atol=0.003, rtol=0)


def _seed(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_catalogue_against_torch():
    curves = torch.randn(50, 15, generator=_seed(0))
    prior = CatalogueSFH(curves, jitter=0.2)
    centres = torch.distributions.Independent(torch.distributions.Normal(curves, 0.2), 1)
    mixture = torch.distributions.MixtureSameFamily(
        torch.distributions.Categorical(torch.ones(50)), centres
    )
    steps = prior.sample(200, _seed(1))
    torch.testing.assert_close(prior.log_prob(steps), mixture.log_prob(steps), atol=1e-3, rtol=1e-5)


def test_catalogue_chunks_do_not_change_the_answer(monkeypatch):
    prior = CatalogueSFH(torch.randn(64, 15, generator=_seed(0)))
    steps = prior.sample(100, _seed(1))
    whole = prior.log_prob(steps)
    monkeypatch.setattr("priors.families.gaussian_catalogue._CHUNK_ELEMENTS", 64 * 7)
    # squared distances of thousands are summed in another order
    torch.testing.assert_close(prior.log_prob(steps), whole, rtol=0.0, atol=2e-3)


@pytest.mark.parametrize(
    "build",
    [
        lambda: Continuity(AgeBins(), scale=0.0),
        lambda: Continuity(AgeBins(), df=0),
        lambda: Continuity(AgeBins(), df=2.5),
        lambda: DirichletSFH(AgeBins(), concentration=-1.0),
        lambda: CatalogueSFH(torch.zeros(0, 15)),
        lambda: CatalogueSFH(torch.full((2, 15), math.nan)),
        lambda: CatalogueSFH(torch.zeros(2, 15), jitter=0.0),
    ],
)
def test_bad_numbers_are_refused(build):
    with pytest.raises(ValueError, match="expected"):
        build()
