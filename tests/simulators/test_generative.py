"""Mocks: reproducible, of the right shapes, consistent with the model that made them."""

from __future__ import annotations

import pytest
import torch

from simulators.generative import default_generative_model
from simulators.noise.likelihood import Likelihood
from simulators.observations.conditions import ConditionsPrior


def _equal(a, b):
    return torch.equal(a.theta, b.theta) and torch.equal(a.observation.flux, b.observation.flux)


def test_same_seed_and_chunk_give_the_same_mock(small_model):
    first = small_model.mock(16, seed=3, chunk=2)
    again = small_model.mock(16, seed=3, chunk=2)
    assert _equal(first, again)
    assert torch.equal(first.spectra.flux, again.spectra.flux)
    assert torch.equal(first.observation.valid, again.observation.valid)


@pytest.mark.parametrize(("seed", "chunk"), [(4, 2), (3, 1)])
def test_other_seeds_and_chunks_give_other_mocks(small_model, seed, chunk):
    assert not _equal(small_model.mock(16, seed=3, chunk=2), small_model.mock(16, seed, chunk))


def test_global_random_state_is_left_alone(small_model):
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    small_model.mock(4, seed=1)
    assert torch.equal(torch.rand(3), expected)


def test_mock_is_consistent(toy_model, toy_mock):
    theta, spectra, observation = toy_mock
    assert theta.shape == (64, 37)
    assert bool(torch.isfinite(toy_model.prior.log_prob(theta)).all())
    again = toy_model.simulator(theta, observation.redshift)
    # libraries below do not promise the same last bits in another call
    torch.testing.assert_close(again.flux, spectra.flux, rtol=1e-5, atol=0.0)
    assert len(observation) == 64
    assert observation.phot.shape == (64, 5)
    # in units of the mean: noise-free data would be the spectrum over its mean
    bright = observation.sigma.mean(1) < 0.05
    level = torch.where(observation.valid, observation.flux, torch.nan).nanmean(1)
    assert float((level[bright] - 1).abs().max()) < 0.25


def test_chi2_of_mocks_is_that_of_their_degrees_of_freedom(toy_model, toy_mock):
    keep = toy_mock.observation.sigma.mean(1) < 1.0
    observation, spectra = toy_mock.observation[keep], toy_mock.spectra[keep]
    likelihood = Likelihood(toy_model.noise, observation)
    model = type(spectra)(spectra.flux[:, None], spectra.phot[:, None])
    degrees = (likelihood.n_data - 1).double()
    pull = (likelihood.chi2(model)[:, 0].sum() - degrees.sum()) / (2 * degrees.sum()).sqrt()
    assert abs(float(pull)) < 4


def test_other_conditions(small_model):
    conditions = ConditionsPrior(
        snr=(50, 50.001), faint_share=0, full_photometry=1, no_photometry=0
    )
    mock = small_model.mock(16, seed=0, conditions=conditions)
    near = mock.observation.redshift <= 0.02
    assert bool(mock.observation.phot_valid[near].all())
    assert float(mock.observation.sigma.median()) == pytest.approx(0.82 / 50, rel=0.2)


def test_default_model_of_the_toy_library():
    model = default_generative_model("toy")
    assert model.simulator.basis.library == "toy"
    assert model.mock(2, 0).observation.n_pix == 1761


def test_moving_keeps_the_mocks(small_model):
    assert _equal(small_model.to("cpu").mock(8, 5), small_model.mock(8, 5))
