"""Imposed kinematics with the shipped model, against draws that happen to have them."""

from __future__ import annotations

import pytest
import torch

from amortized_sfh.inference.imposed_kinematics import ImposedKinematics
from amortized_sfh.inference.infer import infer
from amortized_sfh.model.model_files import load_model
from amortized_sfh.quantities.flags import MIN_ESS
from simulators.observations.conditions import ConditionsPrior
from simulators.observations.masks import mask_observation

N_POOL, N_REPEAT = 60_000, 12


@pytest.fixture(scope="module")
def posterior():
    """A spectrum of S/N 40, and a posterior of many draws."""
    model = load_model("phangs-bc03")
    conditions = ConditionsPrior(
        snr=(40.0, 41.0), faint_share=0.0, full_photometry=1.0, no_photometry=0.0
    )
    mock = model.generative.mock(10, seed=21, conditions=conditions)
    # one whose dispersion is known to 7 % and says something of its metallicity
    observation = mask_observation(mock.observation[6].clean(), model.instrument)
    return model, observation, infer(model, observation, N_POOL, seed=3)


def _quantities(samples):
    """Kinematics, and what else the posterior says, each (n_obs, n_draws)."""
    scalars = samples.scalars()
    names = ("LOGAGE_LW", "LOGAGE_MW", "MH_LW", "MH_MW", "AV", "ML_V")
    log_sigma = torch.log(scalars["SIGMA"])
    return scalars["V"], log_sigma, torch.stack([scalars[name] for name in names])


@pytest.mark.parametrize("offset", [(0.0, -1.5), (0.5, 1.5)])
def test_fixed_values_stick_and_the_rest_follows(posterior, offset):
    model, observation, free = posterior
    v, log_sigma, others = _quantities(free)
    v0, s0 = (x.mean() + o * x.std() for x, o in zip((v, log_sigma), offset, strict=True))
    # draws of the free posterior that have such kinematics by chance
    near = ((v - v0) / v.std()).abs() + ((log_sigma - s0) / log_sigma.std()).abs() < 0.3
    chosen = others[:, near]
    n_near = chosen.shape[1]
    assert n_near > 200
    rows = torch.zeros(N_REPEAT, dtype=torch.long)
    target = ImposedKinematics(
        mode="fixed", velocity_kms=v0.expand(N_REPEAT), sigma_kms=s0.exp().expand(N_REPEAT)
    )
    fixed = infer(model, observation[rows], 400, seed=4, kinematics=target)
    assert float(fixed.ess.min()) >= MIN_ESS
    own_v, own_log_sigma, own = _quantities(fixed)
    assert float((own_v - v0).abs().max()) < 0.01
    assert float((own_log_sigma - s0).abs().max()) < 1e-4
    error = chosen.std(dim=1) * (1.0 / n_near + 1.0 / (N_REPEAT * MIN_ESS)) ** 0.5
    pull = (own.mean(dim=(1, 2)) - chosen.mean(dim=1)) / error
    assert float(pull.abs().max()) < 4.0
    low, high = torch.quantile(chosen, torch.tensor([0.16, 0.84]), dim=1)
    own_low, own_high = torch.quantile(own, torch.tensor([0.16, 0.84]), dim=2).mean(dim=2)
    ratio = (own_high - own_low) / (high - low)
    torch.testing.assert_close(ratio, torch.ones(6), atol=0.2, rtol=0.0)
    # and it does follow: what the kinematics say of the rest is more than the noise of this test
    moved = (own.mean(dim=(1, 2)) - others[:, 0].mean(dim=1)) / error
    assert float(moved.abs().max()) > 4.0


def test_a_prior_of_its_own_posterior_halves_the_variance(posterior):
    """What is measured from the same data is counted twice."""
    model, observation, free = posterior
    v, log_sigma, _ = _quantities(free)
    sigma = log_sigma.exp()
    rows = torch.zeros(N_REPEAT, dtype=torch.long)
    values = {
        "velocity_kms": v.mean(),
        "velocity_error_kms": v.std(),
        "sigma_kms": sigma.mean(),
        "sigma_error_kms": sigma.std(),
    }
    target = ImposedKinematics(mode="prior", **{k: x.expand(N_REPEAT) for k, x in values.items()})
    twice = infer(model, observation[rows], 400, seed=5, kinematics=target)
    own_v, own_log_sigma, _ = _quantities(twice)
    assert float(own_v.std() / v.std()) == pytest.approx(0.5**0.5, abs=0.06)
    assert float(own_log_sigma.std() / log_sigma.std()) == pytest.approx(0.5**0.5, abs=0.08)
    assert float(twice.ess.min()) > 500
