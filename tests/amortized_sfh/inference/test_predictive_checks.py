"""Predictions fit the data of their own parameters; bands that do not fit are found."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from amortized_sfh.inference.predictive_checks import (
    band_pulls,
    describe_misfits,
    misfits,
    predictive_spectra,
)
from simulators.forward.simulator import ModelSpectra
from simulators.noise.likelihood import Likelihood
from simulators.observations.masks import mask_observation


@pytest.fixture(scope="module")
def truth(small_model):
    """Two thousand mocks, with the light that they were made from as the posterior."""
    mock = small_model.mock(2000, seed=8)
    n, light = len(mock.theta), mock.spectra
    level = light.flux.mean(1, keepdim=True)
    draws = ModelSpectra(
        (light.flux / level)[:, None], (light.phot / level)[:, None].expand(-1, 2, -1)
    )
    one = (torch.ones(n), torch.zeros(n))
    return small_model.noise, mock.observation, draws, one


def test_pulls_of_the_truth_are_standard_normal(truth):
    noise, observation, draws, one = truth
    pulls = band_pulls(noise, observation, draws, one)
    assert torch.equal(pulls.isnan(), ~observation.phot_valid)
    seen = pulls[observation.phot_valid]
    assert float(seen.std()) == pytest.approx(1.0, abs=0.06)
    assert float(seen.mean()) == pytest.approx(0.0, abs=0.08)
    assert not bool(misfits(pulls).any())


def test_a_band_at_a_seventeenth_is_found(truth):
    noise, observation, draws, one = truth
    faint = observation.phot.clone()
    faint[:, 3] /= 17.0
    sigma = observation.phot_sigma.clone()
    sigma[:, 3] /= 17.0
    pulls = band_pulls(noise, replace(observation, phot=faint, phot_sigma=sigma), draws, one)
    found = misfits(pulls)
    good = observation.phot_valid[:, 3] & (
        observation.phot[:, 3] > 20 * observation.phot_sigma[:, 3]
    )
    assert int(good.sum()) > 100
    assert bool(found[good, 3].all())
    assert not bool(found[:, :3].any())
    row = pulls[int(good.nonzero()[0])]
    said = describe_misfits(row, ["F275W", "F336W", "F438W", "F555W", "F814W"])
    assert said.startswith("F555W (-")
    assert said.endswith(" sigma)")


def test_uncertain_predictions_excuse_a_band(truth):
    noise, observation, draws, one = truth
    faint = replace(observation, phot=observation.phot / 17.0)
    spread = torch.tensor([-1.0, 1.0])[None, :, None]
    wide = ModelSpectra(draws.flux, draws.phot * (1.0 + 0.9 * spread))
    assert float(band_pulls(noise, faint, wide, one).nan_to_num().abs().max()) < 5.0


def test_a_survey_without_bands_has_no_pulls(truth):
    noise, observation, draws, one = truth
    none = torch.zeros(len(observation), 0)
    bare = replace(observation, phot=none, phot_sigma=none, phot_valid=none.bool())
    light = ModelSpectra(draws.flux, draws.phot[..., :0])
    assert band_pulls(noise, bare, light, one).shape == (len(observation), 0)


def test_predictive_spectra_fit_the_data_of_their_own_theta(small_model):
    mock = small_model.mock(10, seed=9)
    observation = mask_observation(mock.observation.clean(), small_model.instrument)
    light = predictive_spectra(small_model, observation, mock.theta[:, None])
    likelihood = Likelihood(small_model.noise, observation)
    chi2 = likelihood.chi2(light)[:, 0] / (likelihood.n_data - 1)
    assert 0.8 < float(chi2.mean()) < 1.2
