"""Inference: whatever comes in, every observation gets draws, and nothing stops the batch."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from amortized_sfh.inference.infer import infer, infer_chunks
from amortized_sfh.model.model_files import ModelFileError, load_model, save_model
from simulators.constants import SOLAR_LUMINOSITY_CGS

N_DRAWS = 50


def _spoiled(observation):
    """NaN, infinite, fully masked and zero-variance rows among good ones."""
    flux, sigma, valid = (getattr(observation, n).clone() for n in ("flux", "sigma", "valid"))
    phot_valid = observation.phot_valid.clone()
    flux[0] = torch.nan
    flux[1, ::2] = torch.inf
    valid[2], phot_valid[2] = False, False
    sigma[3] = 0.0
    sigma[4, :100] = -1.0
    flux[5] = -flux[5]
    return replace(observation, flux=flux, sigma=sigma, valid=valid, phot_valid=phot_valid)


def test_shapes_and_bounds(small_posterior, small_observation):
    samples = infer(small_posterior, small_observation, N_DRAWS)
    assert samples.theta.shape == (40, N_DRAWS, 37)
    space = samples.space
    assert bool(((samples.theta >= space.low) & (samples.theta <= space.high)).all())
    torch.testing.assert_close(samples.derived.mass_fraction.sum(-1), torch.ones(40, N_DRAWS))


def test_bad_spectra_never_stop_a_batch(small_posterior, small_observation):
    samples = infer(small_posterior, _spoiled(small_observation), N_DRAWS)
    assert bool(torch.isfinite(samples.theta).all())
    assert not bool(samples.has_data[2])
    assert math.isnan(float(samples.chi2[2]))
    summary = samples.summary()
    assert bool(torch.isnan(torch.from_numpy(summary["LOGAGE_MW"][2])).all())
    assert bool(torch.isfinite(torch.from_numpy(summary["LOGAGE_MW"][6:])).all())


def test_bad_spectra_do_not_change_their_neighbours(small_posterior, small_observation):
    good = infer(small_posterior, small_observation, N_DRAWS, seed=5)
    spoiled = infer(small_posterior, _spoiled(small_observation), N_DRAWS, seed=5)
    torch.testing.assert_close(good.theta[6:], spoiled.theta[6:])


def test_same_seed_same_draws(small_posterior, small_observation):
    first, second, other = (
        infer(small_posterior, small_observation, N_DRAWS, seed=s).theta for s in (1, 1, 2)
    )
    assert torch.equal(first, second)
    assert not torch.equal(first, other)


def test_chunks_join_to_the_whole(small_posterior, small_observation, monkeypatch):
    monkeypatch.setattr("amortized_sfh.inference.infer._CHUNK_OF_CORE", (16 * N_DRAWS, 64))
    parts = list(infer_chunks(small_posterior, small_observation, N_DRAWS))
    assert [len(part) for part in parts] == [16, 16, 8]
    # whatever the number of threads, the draws are the same, in the order of the observations
    monkeypatch.setattr(torch, "get_num_threads", lambda: 5)
    again = infer(small_posterior, small_observation, N_DRAWS)
    assert torch.equal(torch.cat([part.theta for part in parts]), again.theta)


def test_mass_follows_distance_and_flux(small_posterior, small_observation):
    bright = replace(
        small_observation, flux=10 * small_observation.flux, sigma=10 * small_observation.sigma
    )
    near = infer(small_posterior, small_observation, N_DRAWS, distance_mpc=10.0).log_mass
    far = infer(small_posterior, small_observation, N_DRAWS, distance_mpc=100.0).log_mass
    torch.testing.assert_close(far - near, torch.full_like(near, 2.0), atol=1e-4, rtol=0.0)
    phot = {"phot": 10 * bright.phot, "phot_sigma": 10 * bright.phot_sigma}
    more = infer(small_posterior, replace(bright, **phot), N_DRAWS, distance_mpc=10.0).log_mass
    torch.testing.assert_close(more - near, torch.ones_like(near), atol=2e-3, rtol=0.0)


def test_without_a_unit_there_are_no_masses(small_posterior, small_observation):
    samples = infer(small_posterior, replace(small_observation[:2], unit_cgs=None), 50)
    assert bool(samples.log_mass.isnan().all())
    assert bool(samples.derived.log_age_mw.isfinite().all())


def test_a_cube_is_no_observation(small_posterior):
    with pytest.raises(TypeError, match="infer takes an Observation, not str"):
        infer(small_posterior, "cube.fits", 50)


def test_a_model_is_given_by_its_folder(small_posterior, small_observation, tmp_path):
    save_model(small_posterior, tmp_path / "small")
    expected = infer(load_model(tmp_path / "small"), small_observation[:3], N_DRAWS).theta
    for folder in (tmp_path / "small", str(tmp_path / "small")):
        assert torch.equal(infer(folder, small_observation[:3], N_DRAWS).theta, expected)


def test_a_model_is_given_by_its_name():
    model = load_model("phangs-bc03")
    observation = model.generative.mock(2, seed=1).observation
    samples = infer("phangs-bc03", observation, N_DRAWS)
    assert torch.equal(samples.theta, infer(model, observation, N_DRAWS).theta)
    with pytest.raises(ModelFileError, match=r"no model 'phangs'.*phangs-bc03"):
        infer("phangs", observation)


def test_what_has_no_posterior_is_refused(small_point, small_model, small_observation):
    with pytest.raises(TypeError, match=r"small-point is a point model.*\.estimate\(observation\)"):
        infer(small_point, small_observation)
    for other in (small_observation, small_model, None):
        with pytest.raises(TypeError, match=f"takes a posterior model, not {type(other).__name__}"):
            infer(other, small_observation)


def test_mass_of_a_known_population(small_model, small_posterior):
    """The level of noise-free data over that of the same model is the mass that was put in."""
    from amortized_sfh.inference.infer import _log_mass

    mock = small_model.mock(30, seed=8)
    mass, distance_cm = 1e7, 10.0 * 3.0856775814913673e24
    level = mass * SOLAR_LUMINOSITY_CGS / (4 * math.pi * distance_cm**2)
    flux = mock.spectra.flux * level * 1e15
    observation = replace(
        mock.observation,
        flux=flux,
        sigma=0.002 * flux.mean(1, keepdim=True).expand_as(flux),
        unit_cgs=1e-15,
    )
    generator = torch.Generator().manual_seed(0)
    theta = mock.theta[:, None].expand(-1, 400, -1)
    log_mass = _log_mass(small_model, observation, theta, generator, 10.0)
    # 0.05 / ln 10 of absolute calibration, and the kinematics that the level leaves out
    assert float((log_mass.mean(1) - 7.0).abs().max()) < 0.012
    assert float(log_mass.std(1).mean()) == pytest.approx(0.05 / math.log(10.0), rel=0.1)


def test_out_of_range_is_flagged(small_posterior, small_observation):
    sharp = replace(small_observation, sigma=1e-4 * small_observation.flux.abs().clamp_min(1e-3))
    assert bool(infer(small_posterior, sharp, 2).out_of_range.all())
    distant = replace(small_observation, redshift=small_observation.redshift + 0.3)
    assert bool(infer(small_posterior, distant, 2).out_of_range.all())


@pytest.mark.parametrize(("n_draws", "n_obs"), [(1, 3), (100, 0)])
def test_nothing_to_do_is_an_error(small_posterior, small_observation, n_draws, n_obs):
    with pytest.raises(ValueError, match="expected at least 1 and 2"):
        infer(small_posterior, small_observation[:n_obs], n_draws)


def test_absurd_distance(small_posterior, small_observation):
    with pytest.raises(ValueError, match="expected a positive distance"):
        infer(small_posterior, small_observation, 2, distance_mpc=-1.0)
