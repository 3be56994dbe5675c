"""pPXF must find what it is given when the data are exact, through every term of the model."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from amortized_sfh.comparison.templates import (
    FIXED_LOG_U,
    FIXED_TAKEN,
    TemplateProjector,
    model_templates,
)
from amortized_sfh.quantities.derived import derive
from priors.defaults import default_prior
from priors.families.nuisance import stellar_nuisances
from simulators.forward.simulator import Simulator
from simulators.generative import GenerativeModel
from simulators.instruments.instrument import Instrument
from simulators.noise.noise_model import NoiseModel
from simulators.populations.ssp_basis import build_basis
from simulators.wavelengths.rest_grid import LinearRestGrid

pytest.importorskip("ppxf")
from amortized_sfh.comparison.ppxf_fit import PPXFConfig, PPXFFitter


@pytest.fixture(scope="module")
def dry_model(toy_library) -> GenerativeModel:
    """`small_model` without gas, whose sharp lines say more about interpolation than about pPXF."""
    prior = default_prior(nuisances=stellar_nuisances())
    instrument = Instrument(grid=LinearRestGrid(4830.0, 1.25, 280))
    basis = build_basis(toy_library, prior.bins, instrument)
    simulator = Simulator(basis, prior.space, prior.bins, instrument)
    return GenerativeModel(prior, simulator, NoiseModel(instrument))


@pytest.fixture(scope="module")
def exact(dry_model):
    """A history of a middle-aged galaxy, observed at S/N 1000 without systematic errors."""
    mock = dry_model.mock(1, seed=5)
    space = dry_model.space
    theta = torch.zeros(1, space.n_param)
    # a metallicity that every thirteenth node hits
    theta[:, space.mh] = -0.9
    for name, value in {"av": 0.6, "delta": 0.0, "velocity": 120.0, "log_sigma": 2.0}.items():
        theta[:, space.index(name)] = value
    redshift = torch.tensor([0.01])
    light = dry_model.simulator(theta, redshift)
    level = light.flux.mean()
    flux, phot = light.flux / level, light.phot / level
    observation = replace(
        mock.observation,
        flux=flux,
        sigma=torch.full_like(flux, 1e-3),
        valid=torch.ones_like(flux, dtype=torch.bool),
        phot=phot,
        phot_sigma=1e-3 * phot,
        phot_valid=torch.ones_like(phot, dtype=torch.bool),
        redshift=redshift,
    )
    return theta, observation


def exact_fitter(model, **choices) -> PPXFFitter:
    fitter = PPXFFitter(model, PPXFConfig(mh_stride=13, mdegree=0, **choices))
    fitter._band_systematic[:] = 0.0
    return fitter


def test_exact_data_are_recovered(dry_model, exact):
    theta, observation = exact
    found = exact_fitter(dry_model, dust_slope=False).fit(observation)
    truth = derive(dry_model.simulator, theta)
    # at S/N 1000 what is left is pPXF's resampling; dust and age stay degenerate all the same
    assert found["chi2"] < 0.1
    assert found["log_age_lw"] == pytest.approx(float(truth.log_age_lw), abs=0.2)
    assert found["mh_lw"] == pytest.approx(-0.9, abs=0.15)
    assert found["av"] == pytest.approx(0.6, abs=0.3)
    assert found["velocity"] == pytest.approx(120.0, abs=5.0)
    assert found["sigma"] == pytest.approx(100.0, abs=12.0)
    assert found["seconds"] > 0


def test_averages_are_those_of_derive(dry_model):
    theta = dry_model.prior.sample((20,), generator=torch.Generator().manual_seed(1))
    space = dry_model.space
    # one metallicity of a node, so that templates hold the history exactly
    templates = model_templates(dry_model.simulator, stride=13)
    theta[:, space.mh] = float(templates.mh[1])
    truth = derive(dry_model.simulator, theta)
    mass = np.zeros((20, *templates.lum_v.shape))
    mass[:, :, 1] = truth.mass_fraction.numpy()
    for k in range(20):
        for name, value in templates.averages(3.0 * mass[k]).items():
            assert value == pytest.approx(float(getattr(truth, name)[k]), abs=2e-4)


def test_templates_reach_the_resolution_of_the_model(dry_model):
    simulator = dry_model.simulator
    templates = model_templates(simulator, stride=13)
    projector = TemplateProjector(templates, simulator)
    redshift = torch.tensor([0.006])
    wave = torch.as_tensor(simulator.instrument.grid.centres_aa).double()
    ours = projector.spectra(redshift, np.log(wave.numpy()))[8, 1]
    theta = torch.zeros(1, simulator.space.n_param)
    theta[:, simulator.space.mh] = float(templates.mh[1])
    theta[:, simulator.space.index("log_sigma")] = 0.0
    # all mass in the ninth bin
    theta[:, 7], theta[:, 8] = -15.0, 15.0
    theirs = simulator(theta, redshift).flux[0].double().numpy()
    ratio = ours / theirs
    assert np.ptp(ratio / ratio.mean()) < 2e-3


def test_young_templates_carry_the_gas_of_the_model(small_model):
    simulator = small_model.simulator
    templates = model_templates(simulator, stride=13)
    projector, redshift = TemplateProjector(templates, simulator), torch.tensor([0.006])
    wave = torch.as_tensor(simulator.instrument.grid.centres_aa).double()
    theta = torch.zeros(1, simulator.space.n_param)
    theta[:, simulator.space.mh] = float(templates.mh[1])
    theta[:, 0] = 15.0  # all mass in the first bin
    gas = {"gas_log_u": FIXED_LOG_U, "f_esc": 1.0 - FIXED_TAKEN, "log_sigma": 0.0}
    for name, value in gas.items():
        theta[:, simulator.space.index(name)] = value
    theirs = simulator(theta, redshift)
    # interpolated where the lines are sharp: their light is the same, their profile nearly so
    flux = theirs.flux[0].double().numpy()
    ours = projector.spectra(redshift, np.log(wave.numpy()))[0, 1]
    assert flux.max() > 3.0 * np.median(flux)
    assert ours.sum() == pytest.approx(flux.sum(), rel=2e-3)
    np.testing.assert_allclose(ours, flux, atol=0.02 * flux.max())
    # a line counts with the mean throughput of its sub-band
    bands = projector.bands(redshift)[0, 1].sum(-1)
    np.testing.assert_allclose(bands, theirs.phot[0], rtol=0.01)


def test_regularisation_smooths(dry_model, exact):
    _, observation = exact
    rough, smooth = (
        exact_fitter(dry_model, regul=regul).fit(observation) for regul in (0.0, 1000.0)
    )
    assert smooth["chi2"] > rough["chi2"]


def test_without_bands_the_slope_of_the_dust_is_fixed(dry_model, exact):
    _, observation = exact
    bare = replace(observation, phot_valid=torch.zeros_like(observation.phot_valid))
    found = exact_fitter(dry_model).fit(bare)
    assert found["delta"] == 0.0
    assert np.isfinite(found["log_age_lw"])


def test_masked_pixels_do_not_matter(dry_model, exact):
    _, observation = exact
    valid = observation.valid.clone()
    valid[:, 100:120] = False
    flux = observation.flux.clone()
    flux[:, 100:120] = 50.0
    fitter = exact_fitter(dry_model)
    masked = fitter.fit(replace(observation, valid=valid, flux=flux))
    clean = fitter.fit(replace(observation, valid=valid))
    assert masked["chi2"] == pytest.approx(clean["chi2"], rel=1e-6)


def test_bad_input_is_refused(dry_model, exact):
    _, observation = exact
    fitter = exact_fitter(dry_model)
    with pytest.raises(ValueError, match="2 observations"):
        fitter.fit(dry_model.mock(2, seed=1).observation)
    with pytest.raises(ValueError, match="no usable pixel"):
        fitter.fit(replace(observation, valid=torch.zeros_like(observation.valid)))
    with pytest.raises(ValueError, match="'heavy'"):
        PPXFConfig(weights="heavy")
    with pytest.raises(ValueError, match="divisor"):
        model_templates(dry_model.simulator, stride=5)
