"""Imposing v and sigma on posteriors, against a Gaussian whose conditionals are known."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from amortized_sfh.inference.imposed_kinematics import ImposedKinematics, impose
from amortized_sfh.inference.infer import infer
from amortized_sfh.quantities.flags import MIN_ESS

#: Standard deviations of a parameter, v (km/s) and ln sigma, and their correlations.
SCALE = torch.tensor([1.0, 20.0, 0.15], dtype=torch.float64)
CORRELATION = torch.tensor([[1.0, 0.6, -0.5], [0.6, 1.0, 0.2], [-0.5, 0.2, 1.0]]).double()
MEAN = torch.tensor([2.0, 5.0, math.log(80.0)], dtype=torch.float64)
COVARIANCE = CORRELATION * SCALE[:, None] * SCALE


class GaussianPool:
    """Posteriors of any number of observations, all the same Gaussian."""

    def __init__(self, seed):
        self.generator = torch.Generator().manual_seed(seed)
        self.calls = []

    def draw(self, index, n_draws):
        self.calls.append((index.tolist(), n_draws))
        noise = torch.randn(len(index), n_draws, 3, generator=self.generator, dtype=torch.float64)
        values = MEAN + noise @ torch.linalg.cholesky(COVARIANCE).T
        return values, values[..., 1], values[..., 2].exp()

    def coordinates(self, velocity, sigma):
        # no velocity is beyond 300 km/s
        inside = torch.where(velocity.abs() < 300.0, velocity, torch.nan)
        return torch.stack([inside, torch.log(sigma)], dim=-1)

    def with_kinematics(self, values, velocity, sigma):
        place = self.coordinates(velocity, sigma)[:, None].expand(-1, values.shape[1], -1)
        return torch.cat([values[..., :1], place], dim=-1)


def conditional(error=None):
    """Mean and standard deviation of the parameter given offsets of (v, ln sigma)."""
    inner = COVARIANCE[1:, 1:] + (0.0 if error is None else torch.diag(error**2))
    gain = torch.linalg.solve(inner, COVARIANCE[1:, 0])
    return gain, math.sqrt(float(COVARIANCE[0, 0] - COVARIANCE[0, 1:] @ gain))


def kinematics(mode, offset, n=1, **errors):
    v, ln_sigma = MEAN[1:] + torch.tensor(offset, dtype=torch.float64) * SCALE[1:]
    full = {k: torch.full((n,), e, dtype=torch.float64) for k, e in errors.items()}
    return ImposedKinematics(
        mode=mode,
        velocity_kms=torch.full((n,), float(v), dtype=torch.float64),
        sigma_kms=torch.full((n,), float(ln_sigma.exp()), dtype=torch.float64),
        **full,
    )


@pytest.mark.parametrize("offset", [(0.0, 0.0), (1.5, -0.5), (-1.0, 1.5)])
def test_fixed_is_the_conditional(offset):
    n = 60  # independent posteriors, so that the mean is known to a percent
    values, ess = impose(
        kinematics("fixed", offset, n), GaussianPool(1), 400, torch.Generator().manual_seed(2)
    )
    shift = torch.tensor(offset, dtype=torch.float64) * SCALE[1:]
    gain, width = conditional()
    expected = float(MEAN[0] + shift @ gain)
    # the kernel, of up to 0.3 posterior standard deviations, leaves a small part of the way to go
    assert float(values[..., 0].mean()) == pytest.approx(expected, abs=0.12)
    assert float(values[..., 0].var(dim=1).mean()) ** 0.5 == pytest.approx(width, rel=0.08)
    # v and sigma stick to the values
    assert float((values[..., 1:] - MEAN[1:] - shift).abs().max()) < 1e-9
    assert float(ess.min()) >= MIN_ESS


def test_prior_is_the_product_of_gaussians():
    errors = {"velocity_error_kms": 10.0, "sigma_error_kms": 6.0}
    target = kinematics("prior", (1.0, 0.5), 60, **errors)
    values, ess = impose(target, GaussianPool(3), 400, torch.Generator().manual_seed(4))
    # sigma_error is linear in km/s: relative to the dispersion it is nearly the error of ln sigma
    error = torch.tensor([10.0, 6.0 / float(target.sigma_kms[0])], dtype=torch.float64)
    gain, width = conditional(error)
    shift = torch.tensor([1.0, 0.5], dtype=torch.float64) * SCALE[1:]
    assert float(values[..., 0].mean()) == pytest.approx(float(MEAN[0] + shift @ gain), abs=0.05)
    assert float(values[..., 0].var(dim=1).mean()) ** 0.5 == pytest.approx(width, rel=0.05)
    precision = torch.linalg.inv(COVARIANCE[1:, 1:]) + torch.diag(error**-2)
    expected = torch.linalg.solve(precision, torch.diag(error**-2) @ shift)
    moved = values[..., 1:].mean((0, 1)) - MEAN[1:]
    torch.testing.assert_close(moved / SCALE[1:], expected / SCALE[1:], atol=0.06, rtol=0.0)
    assert float(ess.min()) > 400


def test_more_is_drawn_where_it_is_needed_and_only_there():
    pool = GaussianPool(5)
    target = kinematics("fixed", (0.0, 0.0), 3)
    velocity = target.velocity_kms.clone()
    velocity[1] += 3.5 * float(SCALE[1])
    impose(replace(target, velocity_kms=velocity), pool, 100,
           torch.Generator().manual_seed(6))  # fmt: skip
    assert pool.calls[0] == ([0, 1, 2], 2000)
    assert [index for index, _ in pool.calls[1:]] == [[1]] * (len(pool.calls) - 1)
    assert len(pool.calls) > 1


def test_values_that_the_posterior_excludes_are_told_by_the_sample_size():
    target = kinematics("fixed", (9.0, 0.0))
    _, ess = impose(target, GaussianPool(7), 100, torch.Generator().manual_seed(8))
    assert float(ess[0]) < MIN_ESS


def test_unknown_values_leave_the_posterior_as_it_is():
    target = kinematics("fixed", (2.0, 0.0), 3)
    sigma = target.sigma_kms.clone()
    sigma[0], sigma[1] = math.nan, -1.0
    values, ess = impose(
        replace(target, sigma_kms=sigma), GaussianPool(9), 2000, torch.Generator().manual_seed(1)
    )
    assert torch.isnan(ess).tolist() == [True, True, False]
    assert float(values[:2, :, 1].std()) == pytest.approx(float(SCALE[1]), rel=0.05)
    assert float(values[:2, :, 0].mean()) == pytest.approx(float(MEAN[0]), abs=0.06)


def test_values_out_of_reach_are_not_imposed():
    target = kinematics("fixed", (0.0, 0.0), 2)
    velocity = target.velocity_kms.clone()
    velocity[1] = 400.0
    _, ess = impose(replace(target, velocity_kms=velocity), GaussianPool(3), 50, torch.Generator())
    assert torch.isnan(ess).tolist() == [False, True]


def test_same_seed_same_draws():
    def run(seed):
        pool = GaussianPool(11)
        return impose(
            kinematics("fixed", (0.5, 0.5), 4), pool, 50, torch.Generator().manual_seed(seed)
        )[0]

    assert torch.equal(run(1), run(1))
    assert not torch.equal(run(1), run(2))


def test_bad_kinematics():
    with pytest.raises(ValueError, match="kinematics are 'frozen'; expected 'fixed' or 'prior'"):
        kinematics("frozen", (0.0, 0.0))
    with pytest.raises(ValueError, match="have no errors"):
        kinematics("prior", (0.0, 0.0), velocity_error_kms=3.0)
    with pytest.raises(ValueError, match=r"expected \(n_obs,\)"):
        ImposedKinematics(mode="fixed", velocity_kms=torch.zeros(3), sigma_kms=torch.ones(2))
    with pytest.raises(ValueError, match="no observations"):
        impose(kinematics("fixed", (0.0, 0.0), 0), GaussianPool(1), 10, torch.Generator())


def test_inference_with_kinematics(small_posterior, small_observation):
    n = len(small_observation)
    free = infer(small_posterior, small_observation, 200, seed=2)
    velocity = free.theta[..., free.space.index("velocity")]
    target = ImposedKinematics(
        mode="fixed",
        velocity_kms=velocity.mean(1),
        sigma_kms=10.0 ** free.theta[..., free.space.index("log_sigma")].mean(1),
    )
    fixed = infer(small_posterior, small_observation, 200, seed=2, kinematics=target)
    assert fixed.theta.shape == free.theta.shape
    ours = fixed.theta[..., free.space.index("velocity")]
    assert (
        float(((ours - velocity.mean(1, keepdim=True)).abs().amax(1) / velocity.std(1)).max()) < 0.1
    )
    assert float(fixed.ess.min()) >= MIN_ESS
    assert free.ess is None
    assert fixed[1:3].ess.shape == (2,)
    with pytest.raises(ValueError, match=f"3 kinematics for {n} observations"):
        infer(small_posterior, small_observation, 10, kinematics=target[:3])
