from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from astropy import units as u

from priors.defaults import default_prior
from priors.families.nuisance import gas_nuisances, stellar_nuisances
from simulators.generative import GenerativeModel, default_generative_model
from simulators.instruments.instrument import Instrument
from simulators.mock_galaxy.galaxy import MockGalaxy, mock_galaxy
from simulators.mock_galaxy.history import galaxy_theta
from simulators.mock_galaxy.native_cube import native_instrument, native_light, observe_native
from simulators.mock_galaxy.structure import GalaxyShape, galaxy_structure, smooth_fields
from simulators.noise.likelihood import Likelihood
from simulators.noise.noise_model import NoiseConfig, NoiseModel
from simulators.observations.masks import line_mask
from simulators.wavelengths.resample import edges_from_centres, to_rest_frame

SEED = 3


@pytest.fixture(scope="module")
def generative() -> GenerativeModel:
    return default_generative_model("toy")


@pytest.fixture(scope="module")
def galaxy(generative: GenerativeModel) -> MockGalaxy:
    return mock_galaxy(generative, 12, SEED)


@pytest.fixture(scope="module")
def fine(generative: GenerativeModel) -> MockGalaxy:
    return mock_galaxy(generative, 40, SEED)


def without_systematics(galaxy: MockGalaxy) -> MockGalaxy:
    tiny = NoiseConfig(
        calibration_rms=(1e-9, 1e-9),
        template_rms=1e-9,
        common_zero_point_mag=1e-9,
        band_zero_point_mag=1e-9,
        template_mag=(1e-9,) * 5,
    )
    instrument = galaxy.generative.instrument
    return replace(
        galaxy, generative=replace(galaxy.generative, noise=NoiseModel(instrument, tiny))
    )


def map_of(galaxy: MockGalaxy, name: str) -> torch.Tensor:
    return galaxy.theta[..., galaxy.generative.simulator.space.index(name)]


def test_theta_lies_where_the_prior_has_mass(galaxy: MockGalaxy) -> None:
    space = galaxy.generative.simulator.space
    assert galaxy.theta.shape == (12, 12, space.n_param)
    assert bool(((galaxy.theta > space.low) & (galaxy.theta < space.high)).all())
    assert bool(torch.isfinite(galaxy.generative.prior.log_prob(galaxy.theta)).all())
    assert float(space.to_u(galaxy.theta).abs().max()) < 4.0


def test_same_seed_same_galaxy_and_same_noise(galaxy: MockGalaxy) -> None:
    again = mock_galaxy(galaxy.generative, 12, SEED)
    other = mock_galaxy(galaxy.generative, 12, SEED + 1)
    assert torch.equal(again.theta, galaxy.theta)
    assert torch.equal(again.observation(5).flux, galaxy.observation(5).flux)
    assert not torch.equal(other.theta, galaxy.theta)
    assert not torch.equal(again.observation(6).flux, galaxy.observation(5).flux)
    assert torch.equal(observe_native(again, 5).flux, observe_native(galaxy, 5).flux)


def test_flux_follows_from_mass_and_distance_by_hand(galaxy: MockGalaxy) -> None:
    model = galaxy.generative.simulator
    row = 5 * 12 + 7
    one = model(galaxy.theta[5, 7][None], torch.tensor([0.00243]))
    lum = one.flux[0].double().numpy() * float(galaxy.mass_msun[5, 7]) * 3.828e33
    at_11_mpc = lum * u.erg / u.s / u.AA / (4 * torch.pi * (11.32 * u.Mpc) ** 2)
    expected = at_11_mpc.to_value(1e-20 * u.erg / u.s / u.cm**2 / u.AA)
    torch.testing.assert_close(
        galaxy.light.flux[row].double(), torch.from_numpy(expected), rtol=1e-5, atol=0.0
    )
    assert galaxy.observation(1).unit_cgs == 1e-20


def test_mass_does_not_depend_on_the_sampling(galaxy: MockGalaxy, fine: MockGalaxy) -> None:
    total = float(fine.mass_msun.sum())
    assert 8e10 < total < 1.6e11
    assert abs(float(galaxy.mass_msun.sum()) / total - 1.0) < 0.05


def test_orientation_and_gradients(fine: MockGalaxy) -> None:
    simulator, structure = fine.generative.simulator, galaxy_structure(fine.shape, 40)
    velocity = map_of(fine, "velocity")
    assert velocity[:10].mean() > 50.0  # position angle 173: the south recedes
    assert velocity[30:].mean() < -50.0
    inner, outer = structure.radius_kpc < 0.7, structure.radius_kpc > 8.0
    sigma = map_of(fine, "log_sigma")
    assert sigma[inner].min() > sigma[outer].max()
    mh = fine.theta[..., simulator.space.mh].mean(-1)
    assert mh[inner].mean() > mh[outer].mean() + 0.2
    fraction = simulator.populations(fine.theta.flatten(0, 1)).mass_fraction
    mean_age = (fraction @ simulator.bins.log_age_yr).view(40, 40)
    assert mean_age[inner].mean() > mean_age[outer].mean() + 0.2


def test_arms_are_young_and_lanes_dusty(fine: MockGalaxy) -> None:
    simulator, structure = fine.generative.simulator, galaxy_structure(fine.shape, 40)
    fraction = simulator.populations(fine.theta.flatten(0, 1)).mass_fraction.view(40, 40, -1)
    recent = fraction[..., :4].sum(-1)
    ring = (structure.radius_kpc > 4.0) & (structure.radius_kpc < 7.0)
    on, off = ring & (structure.arm > 0.6), ring & (structure.arm < 0.1)
    assert recent[on].median() > 4.0 * recent[off].median()
    av = map_of(fine, "av")
    assert av[ring & (structure.lane > 0.6)].median() > 2.0 * av[off].median()


def test_gas_varies_mildly_and_arms_keep_their_ionising_photons(fine: MockGalaxy) -> None:
    log_u, escape = map_of(fine, "gas_log_u"), map_of(fine, "f_esc")
    assert -3.15 < float(log_u.mean()) < -2.85
    assert 0.05 < float(log_u.std()) < 0.2
    assert float(escape.min()) > 0.3
    assert float(escape.max()) < 0.6
    structure = galaxy_structure(fine.shape, 40)
    on, off = structure.arm > 0.6, (structure.arm < 0.1) & (structure.bar_ends < 0.1)
    assert escape[on].median() < escape[off].median() - 0.08
    neighbours = (escape[1:] - escape[:-1]).square().mean() / (2.0 * escape.var())
    assert float(neighbours) < 0.3


def test_without_gas_parameters_the_stars_are_the_same(galaxy: MockGalaxy) -> None:
    dry = mock_galaxy(default_generative_model("toy", gas=False), 12, SEED)
    names = dry.generative.simulator.space.names
    assert len(names) == 35
    wet_names = galaxy.generative.simulator.space.names
    columns = [wet_names.index(name) for name in names]
    assert torch.equal(dry.theta, galaxy.theta[..., columns])
    assert torch.equal(dry.mass_msun, galaxy.mass_msun)
    # gas only adds light
    assert bool((galaxy.light.phot[:, 3] > dry.light.phot[:, 3]).all())


def test_a_space_with_unknown_parameters_is_refused(generative: GenerativeModel) -> None:
    nuisances = (*stellar_nuisances(), gas_nuisances()[0])
    prior = default_prior(nuisances=nuisances)
    shape = GalaxyShape()
    with pytest.raises(ValueError, match=r"parameters \['av', 'delta', 'gas_log_u'"):
        galaxy_theta(shape, galaxy_structure(shape, 8), prior.space, prior.bins, torch.Generator())


def test_arms_start_at_the_bar_and_open_outwards() -> None:
    shape = GalaxyShape()
    structure = galaxy_structure(shape, 96)
    assert structure.arm[structure.radius_kpc < 0.6 * shape.bar_length_kpc].max() < 0.01
    # one arm on each side, at growing radius in the sense opposite to the rotation
    strong = structure.arm > 0.5
    assert strong[structure.azimuth > 0].any()
    assert strong[structure.azimuth < 0].any()
    radii = []
    for low, high in ((-1.2, -0.9), (-1.8, -1.5), (-2.4, -2.1)):
        sector = (structure.azimuth > low) & (structure.azimuth < high)
        weight = structure.arm * sector
        radii.append(float((weight * structure.radius_kpc).sum() / weight.sum()))
    assert radii == sorted(radii)


def test_snr_falls_outwards_inside_the_range_of_training(fine: MockGalaxy) -> None:
    radius = galaxy_structure(fine.shape, 40).radius_kpc.flatten()
    assert fine.snr.max() == pytest.approx(100.0)
    assert torch.quantile(fine.snr, 0.02) == pytest.approx(5.0, rel=0.02)
    assert fine.snr[radius < 1].mean() > 5.0 * fine.snr[radius > 9].mean()
    assert fine.phot_snr.shape == (1600, 5)
    assert fine.phot_snr[:, 0].max() == pytest.approx(60.0)
    assert fine.phot_snr[:, 0].median() < fine.phot_snr[:, 4].median()


def test_smooth_fields_have_unit_variance_and_neighbours_alike() -> None:
    fields = smooth_fields(GalaxyShape(), 2, 96, torch.Generator().manual_seed(1))
    torch.testing.assert_close(fields.std((1, 2)), torch.ones(2, dtype=torch.float64))
    assert (fields[:, :, 1:] * fields[:, :, :-1]).mean() > 0.7


def test_native_pixels_are_those_of_the_instrument_and_cover_the_grid() -> None:
    instrument, z = Instrument(), 0.00243
    native = native_instrument(instrument, z)
    offset = (native.grid.centres_aa * (1 + z) - instrument.pixels.start_aa) / 1.25
    torch.testing.assert_close(offset, offset.round(), rtol=0, atol=1e-6)
    assert native.grid.edges_aa[0] < instrument.grid.edges_aa[0]
    assert native.grid.edges_aa[-1] > instrument.grid.edges_aa[-1]
    assert native.grid.n_pix < instrument.grid.n_pix * (1 + z) + 8


def test_resampled_native_light_is_the_light_of_the_model(galaxy: MockGalaxy) -> None:
    wave, light = native_light(galaxy)
    some = slice(0, 144, 7)
    flux = light.flux[some]
    good = torch.ones_like(flux, dtype=torch.bool)
    out = to_rest_frame(edges_from_centres(wave), (flux, flux, good), galaxy.shape.redshift)
    assert bool(out.valid.all())
    difference = (out.flux - galaxy.light.flux[some]).double()
    error = difference / galaxy.light.flux[some]
    # the model takes the resampling for a Gaussian blur; it is not, which shows in sharp lines,
    # above all in those of the gas, which are masked in inference
    free = line_mask(galaxy.generative.simulator.wave_aa)
    assert float(error[:, free].abs().max()) < 8e-3
    assert float(error[:, free].square().mean().sqrt()) < 5e-4
    assert float(error.abs().max()) < 0.06
    # but all their light is kept
    assert float((difference.sum(1) / galaxy.light.flux[some].sum(1)).abs().max()) < 1e-5
    torch.testing.assert_close(light.phot * (1 + galaxy.shape.redshift), galaxy.light.phot)


def test_native_noise_is_white_with_the_stated_sigma(galaxy: MockGalaxy) -> None:
    clean = without_systematics(galaxy)
    seen, (_, light) = observe_native(clean, 11), native_light(clean)
    z = (seen.flux - light.flux) / seen.sigma
    assert float(z.std()) == pytest.approx(1.0, abs=0.01)
    assert abs(float((z[:, 1:] * z[:, :-1]).mean())) < 0.01
    snr = (light.flux.mean(1) / seen.sigma.mean(1)) / galaxy.snr
    torch.testing.assert_close(snr, torch.ones_like(snr), rtol=0.01, atol=0.0)
    torch.testing.assert_close(seen.phot, light.phot)


def test_systematics_are_drawn_for_each_spaxel_or_once(galaxy: MockGalaxy) -> None:
    _, light = native_light(galaxy)
    own, shared = (observe_native(galaxy, 2, shared_systematics=flag) for flag in (False, True))
    assert float((own.phot / light.phot).std(0).min()) > 0.02
    assert float((shared.phot / light.phot).std(0).max()) < 1e-5
    smooth = ((own.flux - light.flux) / light.flux)[:, :1760].view(144, 8, -1).mean(-1)
    assert float(smooth.std(0).median()) > 0.01


def test_observation_agrees_with_the_noise_model(galaxy: MockGalaxy) -> None:
    observation = galaxy.observation(4)[:24]
    light = galaxy.light[slice(0, 24)]
    likelihood = Likelihood(galaxy.generative.noise, observation)
    draws = type(light)(light.flux[:, None], light.phot[:, None])
    reduced = likelihood.chi2(draws)[:, 0] / likelihood.n_data
    assert float(reduced.mean()) == pytest.approx(1.0, abs=0.03)
    amplitude, error = likelihood.amplitude(draws)
    assert float(((amplitude - 1.0) / error).abs().max()) < 5.0


def test_bad_input_is_named(generative: GenerativeModel) -> None:
    with pytest.raises(ValueError, match="n_side is 2"):
        mock_galaxy(generative, 2)
    with pytest.raises(ValueError, match=r"redshift 0\.05"):
        mock_galaxy(generative, 8, shape=GalaxyShape(redshift=0.05))
