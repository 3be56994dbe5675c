from __future__ import annotations

import copy
import math
import pickle
import time

import pytest
import torch
from torch.distributions import MultivariateNormal, StudentT

from priors.ages import AgeBins, mass_fractions
from priors.contracts import check_prior
from priors.defaults import default_prior
from priors.families.sfh import Continuity
from priors.joint import JointPrior, UnboundedPrior

N_PARAM = 37


def _seed(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="module", name="prior")
def _prior() -> JointPrior:
    return default_prior()


@pytest.fixture(scope="module", name="draws")
def _draws(prior) -> torch.Tensor:
    return prior.sample((200_000,), generator=_seed(5))


def test_contract_over_theta(prior):
    # Uniform and truncated marginals do not vanish at their borders.
    check_prior(prior, _seed(0), n=2000, vanishes_at_borders=False)


def test_contract_over_u(prior):
    check_prior(UnboundedPrior(prior), _seed(0), n=4000)


def test_contract_with_few_bins():
    check_prior(UnboundedPrior(default_prior(AgeBins((0.0, 0.1, 1.0, 13.5)))), _seed(0), n=2000)


def test_one_bin():
    prior = default_prior(AgeBins((0.0, 13.5)))
    theta = prior.sample((10,), generator=_seed(0))
    assert theta.shape == (10, 1 + 6)
    assert torch.isfinite(prior.log_prob(theta)).all()


def test_every_draw_is_valid(prior, draws):
    space = prior.space
    assert torch.isfinite(draws).all()
    assert (draws > space.low).all()
    assert (draws < space.high).all()
    fractions = mass_fractions(draws[:, space.sfh], prior.bins)
    assert (fractions.sum(-1) - 1).abs().max() < 1e-5


def test_u_marginals_are_about_standard_normal(prior, draws):
    u = prior.space.to_u(draws)
    assert (u.mean(0).abs() < 0.25).all()
    assert (u.std(0) > 0.6).all()
    assert (u.std(0) < 1.6).all()
    nuisance = u[:, prior.space.nuisance]
    torch.testing.assert_close(nuisance.mean(0), torch.zeros(6), atol=0.01, rtol=0)
    torch.testing.assert_close(nuisance.std(0), torch.ones(6), atol=0.01, rtol=0)


def test_round_trip_of_a_million_draws(prior):
    space = prior.space
    for seed in range(4):
        theta = prior.sample((250_000,), generator=_seed(100 + seed))
        u = space.to_u(theta)
        assert torch.isfinite(u).all()
        back = space.to_theta(u)
        assert ((back > space.low) & (back < space.high)).all()
        assert (space.to_u(back) - u).abs().max() < 1e-3


def test_density_against_independent_references(prior, draws):
    """E_p[q/p] = 1 with q from torch's own distributions: sampler, norm and Jacobians at once."""
    theta = draws[:20_000]
    space = prior.space
    scales = 0.3 * (prior.bins.spacing_dex / 0.2).sqrt()
    log_q = StudentT(2.0, 0.0, scales).log_prob(theta[:, space.sfh]).sum(-1)
    walk = prior.enrichment.components[0]
    low, high, s = -2.2, 0.4, 0.1
    mh = theta[:, space.mh].double()
    above, below = -torch.expm1((low - mh) / s), -torch.expm1((mh - high) / s)
    w = mh + s * (above / below).log()
    log_slope = (-math.expm1((low - high) / s) / (above * below)).log()
    log_q = (
        log_q
        + MultivariateNormal(walk.mean.double(), scale_tril=walk.cholesky.double()).log_prob(w)
        + log_slope.sum(-1)
    )
    av, delta, velocity, _, log_u, _ = theta[:, space.nuisance].double().T
    normal = torch.distributions.Normal(0.0, 1.0)
    log_q = log_q - av / 0.6 - math.log(0.6 * (1 - math.exp(-4 / 0.6)))
    # f_esc is uniform on (0, 1): density one
    for value, scale, lower, upper in (
        (delta, 0.2, -0.7, 0.4),
        (velocity, 150.0, -350.0, 350.0),
        (log_u + 3.0, 0.4, -1.0, 1.0),
    ):
        edges = torch.tensor([lower / scale, upper / scale])
        mass = normal.cdf(edges).diff().item()
        log_q = log_q + normal.log_prob(value / scale) - math.log(scale * mass)
    log_q = log_q - math.log(math.log10(350.0) - 1.0)
    ratio = torch.exp(log_q - prior.log_prob(theta))
    assert ratio.max() < 1 / (0.35 * 0.5) * 1.01  # q is one of the components of p
    error = ratio.std() / math.sqrt(len(ratio))
    assert abs(ratio.mean() - 1) < 5 * error
    assert error < 0.03


def test_importance_sampling_in_full_dimension(prior):
    """E_q[p/q] = 1 with q the same families at other weights, i.e. every part of p is drawn."""
    flat = copy.copy(prior)
    flat.sfh = copy.copy(prior.sfh)
    flat.sfh.weights = torch.tensor([0.25, 0.25, 0.25, 0.25])
    theta = flat.sample((8_000,), generator=_seed(9))
    ratio = torch.exp(prior.log_prob(theta) - flat.log_prob(theta))
    error = ratio.std() / math.sqrt(len(ratio))
    assert error < 0.02
    assert abs(ratio.mean() - 1) < 5 * error


def test_change_of_variables(prior, draws):
    theta = draws[:500]
    u = prior.space.to_u(theta)
    expected = prior.log_prob(theta) - prior.space.log_abs_det(theta)
    torch.testing.assert_close(UnboundedPrior(prior).log_prob(u), expected, atol=5e-3, rtol=1e-4)


def test_float64_gives_the_same_density(prior, draws):
    theta = draws[:300]
    torch.testing.assert_close(
        prior.log_prob(theta.double()).float(), prior.log_prob(theta), atol=2e-2, rtol=1e-4
    )


def test_outside_is_impossible(prior, draws):
    theta = draws[:4].clone()
    theta[0, prior.space.index("av")] = -0.1
    theta[1, prior.space.index("mh_3")] = 0.40
    theta[2, prior.space.index("log_sigma")] = math.nan
    theta.requires_grad_(True)
    log_p = prior.log_prob(theta)
    assert (log_p[:3] == -math.inf).all()
    (gradient,) = torch.autograd.grad(log_p[3], theta)
    assert torch.isfinite(gradient).all()


def test_gradient_against_differences(prior):
    unbounded = UnboundedPrior(prior)
    u = unbounded.sample((5,), generator=_seed(3)).double().requires_grad_(True)
    (gradient,) = torch.autograd.grad(unbounded.log_prob(u).sum(), u)
    step = 1e-4
    with torch.no_grad():
        for i in (0, 7, 14, 15, 22, *range(30, N_PARAM)):
            shift = torch.zeros(N_PARAM, dtype=torch.float64)
            shift[i] = step
            slope = (unbounded.log_prob(u + shift) - unbounded.log_prob(u - shift)) / (2 * step)
            torch.testing.assert_close(gradient[:, i], slope, atol=1e-3, rtol=1e-3)


def test_shapes(prior):
    assert prior.sample(generator=_seed(0)).shape == (N_PARAM,)
    theta = prior.sample((2, 3), generator=_seed(0))
    assert theta.shape == (2, 3, N_PARAM)
    assert prior.log_prob(theta).shape == (2, 3)
    assert prior.log_prob(theta[0, 0]).shape == ()
    assert prior.event_shape == (N_PARAM,)
    assert prior.batch_shape == ()


def test_two_builds_are_the_same_prior(prior, draws):
    again = default_prior()
    assert torch.equal(again.log_prob(draws[:50]), prior.log_prob(draws[:50]))
    first, second = (p.sample((9,), generator=_seed(4)) for p in (prior, again))
    assert torch.equal(first, second)


def test_copies(prior, draws):
    pickled = pickle.loads(pickle.dumps(prior))  # noqa: S301
    for other in (copy.deepcopy(prior), pickled, prior.to("cpu")):
        assert other is not prior
        assert torch.equal(other.log_prob(draws[:5]), prior.log_prob(draws[:5]))


def test_speed(prior):
    """Generous limits, for one busy core."""
    start = time.perf_counter()
    theta = prior.sample((100_000,), generator=_seed(0))
    sampled = time.perf_counter()
    prior.log_prob(theta[:10_000])
    assert sampled - start < 3.0
    assert time.perf_counter() - sampled < 6.0


def test_support_holds_the_draws(prior, draws):
    assert prior.support.check(draws[:100]).all()
    assert UnboundedPrior(prior).support.check(draws[:100]).all()


def test_blocks_of_other_bins_are_refused(prior):
    few = AgeBins((0.0, 1.0, 13.5))
    with pytest.raises(ValueError, match="same AgeBins"):
        JointPrior(few, Continuity(few), prior.enrichment, prior.nuisances)
    with pytest.raises(ValueError, match="expected 37"):
        prior.log_prob(torch.zeros(2, 36))


def test_nothing_stays_behind_on_another_device(prior):
    """The meta device computes shapes only, but refuses to mix with tensors of the CPU."""
    moved = UnboundedPrior(prior).to("meta")
    u = torch.zeros(4, N_PARAM, device="meta")
    assert moved.log_prob(u).device.type == "meta"
    assert prior.log_prob(torch.zeros(4, N_PARAM)).device.type == "cpu"
    assert moved.space.to_u(moved.space.to_theta(u)).device.type == "meta"


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
def test_cuda_agrees_with_the_cpu(prior, draws):
    theta = draws[:1000]
    cuda = prior.to("cuda")
    torch.testing.assert_close(
        cuda.log_prob(theta.cuda()).cpu(), prior.log_prob(theta), atol=2e-2, rtol=1e-4
    )
    drawn = cuda.sample((1000,), generator=torch.Generator("cuda").manual_seed(0))
    assert drawn.device.type == "cuda"
    u = cuda.space.to_u(drawn)
    assert torch.isfinite(u).all()
    assert (cuda.space.to_u(cuda.space.to_theta(u)) - u).abs().max() < 1e-3
