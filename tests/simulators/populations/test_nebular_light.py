"""Light of the gas: that of the Cloudy grids through the filter curves, and none of old stars."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.interpolate import PchipInterpolator

from priors.defaults import default_prior
from priors.families.nuisance import stellar_nuisances
from simulators.constants import SPEED_OF_LIGHT_KMS
from simulators.forward.dust import CalzettiSlope
from simulators.forward.simulator import Simulator
from simulators.instruments.filters import photon_mean_flux, read_filter
from simulators.instruments.instrument import Instrument
from simulators.populations.nebular_light import NebularLight, line_profiles
from simulators.populations.ssp_basis import build_basis

N_BINS = 16
BANDS = Instrument().bands


def _theta(simulator, n=1, bins=(0,), **values):
    """All mass in some bins at constant SFR; solar, no dust, no photon lost; overridden by name."""
    space = simulator.space
    log_sfr = torch.full((n, N_BINS), -12.0)
    log_sfr[:, list(bins)] = 0.0
    theta = torch.zeros(n, space.n_param)
    theta[:, space.sfh] = log_sfr[:, :-1] - log_sfr[:, 1:]
    defaults = {"av": 0.0, "delta": 0.0, "velocity": 0.0, "log_sigma": 1.6}
    defaults |= {"gas_log_u": -3.0, "f_esc": 0.0}
    theta[:, space.mh] = torch.as_tensor(values.pop("mh", 0.0))
    for name, value in {**defaults, **values}.items():
        if name in space.names:
            theta[:, space.index(name)] = torch.as_tensor(value)
    return theta


def _without_lines(simulator) -> Simulator:
    nebular = simulator.basis.nebular
    dark = replace(nebular, line_lum=torch.zeros_like(nebular.line_lum))
    basis = replace(simulator.basis, nebular=dark)
    return Simulator(basis, simulator.space, simulator.bins, simulator.instrument)


def _parts(simulator, lineless, redshift=0.0, **values):
    """Stars, nebular continuum and lines of one history, as spectra."""
    z = torch.tensor([redshift])
    whole, stars = (simulator(_theta(simulator, **values, f_esc=f), z) for f in (0.0, 1.0))
    smooth = lineless(_theta(lineless, **values), z)
    return (
        stars,
        type(stars)(smooth.flux - stars.flux, smooth.phot - stars.phot),
        type(stars)(whole.flux - smooth.flux, whole.phot - smooth.phot),
    )


# --- the toy library -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def toy(toy_model) -> Simulator:
    return toy_model.simulator


@pytest.fixture(scope="module")
def toy_lineless(toy) -> Simulator:
    return _without_lines(toy)


@pytest.fixture(scope="module")
def stars_alone(toy) -> Simulator:
    """The same library under a prior without gas."""
    space = default_prior(nuisances=stellar_nuisances()).space
    return Simulator(toy.basis, space, toy.bins, toy.instrument)


def test_no_ionising_photon_kept_leaves_the_stars_alone(toy, stars_alone, toy_mock):
    theta = toy_mock.theta.clone()
    theta[:, toy.space.index("f_esc")] = 1.0
    columns = [toy.space.index(name) for name in stars_alone.space.names]
    redshift = toy_mock.observation.redshift
    for with_gas, without in zip(
        toy(theta, redshift), stars_alone(theta[:, columns], redshift), strict=True
    ):
        torch.testing.assert_close(with_gas, without, rtol=1e-6, atol=0)
    torch.testing.assert_close(
        toy.window_means(theta), stars_alone.window_means(theta[:, columns]), rtol=1e-6, atol=0
    )


@pytest.mark.parametrize("bin_", range(N_BINS))
def test_only_bins_younger_than_the_grid_have_gas(toy, bin_):
    redshift = torch.zeros(2)
    theta = torch.cat([_theta(toy, bins=(bin_,), f_esc=f) for f in (0.0, 1.0)])
    (wet, dry), (wet_phot, dry_phot) = toy(theta, redshift)
    # the toy grid ends at 20 Myr: the bins from 0 to 10 and from 10 to 30 Myr
    if bin_ < 2:
        assert float((wet / dry).max()) > 1.01
        assert float((wet_phot / dry_phot).max()) > 1.01
    else:
        torch.testing.assert_close(wet, dry, rtol=1e-6, atol=0)
        torch.testing.assert_close(wet_phot, dry_phot, rtol=1e-6, atol=0)


def test_light_is_linear_in_the_photons_kept(toy):
    redshift = torch.zeros(5)
    kept = torch.tensor([1.0, 0.8, 0.5, 0.1, 0.0])
    theta = torch.cat([_theta(toy, f_esc=1.0 - float(k)) for k in kept])
    for light in toy(theta, redshift):
        gas = light - light[-1]
        torch.testing.assert_close(gas, kept[:, None] * gas[:1], rtol=1e-3, atol=1e-6)


def test_gas_of_two_bins_is_the_sum_of_theirs(toy):
    """Each bin at its own metallicity: the gas has that of the stars that ionise it."""
    mh = torch.linspace(-0.83, 0.12, N_BINS)
    both = _theta(toy, bins=(0, 1), mh=mh)
    fraction = toy.populations(both).mass_fraction[0, :2]
    alone = torch.cat([_theta(toy, bins=(k,), mh=mh) for k in (0, 1)])
    for whole, parts in zip(toy(both, torch.zeros(1)), toy(alone, torch.zeros(2)), strict=True):
        torch.testing.assert_close(whole[0], fraction @ parts, rtol=1e-5, atol=0)


@pytest.mark.parametrize("log_u", [-3.21, -2.44])
def test_gradients_are_those_of_finite_differences(toy, log_u):
    """In gas_log_u and f_esc, of the whole spectrum and every band, between the nodes of log U."""
    theta = _theta(toy, bins=(0, 1, 3), gas_log_u=log_u, f_esc=0.35, av=0.6, mh=-0.23)
    z = torch.tensor([0.004])
    step = 0.02  # the model computes in float32
    level = toy(theta, z).flux.mean()
    for name in ("gas_log_u", "f_esc"):
        column = toy.space.index(name)

        def light(value, column=column):
            moved = theta.clone()
            moved = torch.cat([moved[:, :column], value.view(1, 1), moved[:, column + 1 :]], dim=1)
            spectra = toy(moved, z)
            return torch.cat([spectra.flux[0], spectra.phot[0]]) / level

        at = theta[0, column]
        _, slope = torch.autograd.functional.jvp(light, at, torch.ones(()))
        numeric = (light(at + step) - light(at - step)) / (2 * step)
        assert float(numeric.abs().max()) > 0.01
        torch.testing.assert_close(slope, numeric, rtol=0.01, atol=2e-4)


def test_lines_move_and_broaden_with_the_stars(toy, toy_lineless):
    wave = toy.wave_aa.double()
    near = (wave - 4861.33).abs() < 40
    for velocity, log_sigma in ((0.0, 1.3), (250.0, 1.3), (-200.0, 2.2)):
        _, _, lines = _parts(toy, toy_lineless, velocity=velocity, log_sigma=log_sigma)
        profile = lines.flux[0, near].double()
        centre = float((profile * wave[near]).sum() / profile.sum())
        expected = 4861.33 * (1.0 + velocity / SPEED_OF_LIGHT_KMS)
        assert centre == pytest.approx(expected, abs=0.1)
        width = float((profile * (wave[near] - centre) ** 2).sum() / profile.sum()) ** 0.5
        lsf = float(toy.instrument.lsf.fwhm_aa(torch.tensor(4861.33))) / 2.3548
        stars = 10**log_sigma / SPEED_OF_LIGHT_KMS * expected
        assert width == pytest.approx((lsf**2 + stars**2) ** 0.5, rel=0.05)


def test_window_means_have_the_continuum_but_not_the_lines(toy, toy_lineless):
    theta = _theta(toy, av=0.7)
    torch.testing.assert_close(
        toy.window_means(theta), toy_lineless.window_means(theta), rtol=1e-5, atol=0
    )
    flux = toy_lineless(theta, torch.zeros(1)).flux[0]
    part = torch.bucketize(toy.wave_aa.float(), toy.window_edges_aa) - 1
    means = torch.stack([flux[part == k].mean() for k in range(len(toy.window_edges_aa) - 1)])
    torch.testing.assert_close(toy.window_means(theta)[0], means, rtol=0.01, atol=0)


def test_nothing_stays_behind_on_another_device(toy, toy_mock):
    """The meta device computes shapes only, but refuses to mix with tensors of the CPU."""
    moved = toy.to("meta")
    theta, redshift = toy_mock.theta.to("meta"), toy_mock.observation.redshift.to("meta")
    spectra = moved(theta, redshift)
    assert spectra.flux.shape == (64, 1761)
    assert spectra.phot.device.type == moved.window_means(theta).device.type == "meta"
    assert toy(toy_mock.theta, toy_mock.observation.redshift).flux.device.type == "cpu"


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_gpu_gives_the_same_gas(toy):
    theta = torch.cat([_theta(toy, f_esc=f, gas_log_u=u) for f, u in ((0.0, -3.1), (0.6, -2.2))])
    redshift = torch.tensor([0.0, 0.01])
    there = toy.to("cuda")(theta.cuda(), redshift.cuda())
    for a, b in zip(there, toy(theta, redshift), strict=True):
        torch.testing.assert_close(a.cpu(), b, rtol=1e-3, atol=0)


def test_a_basis_without_gas_is_refused(toy_library, toy):
    dry = build_basis(toy_library, toy.bins, toy.instrument)
    with pytest.raises(ValueError, match="basis of 'toy' has no nebular light: build it with a"):
        Simulator(dry, toy.space, toy.bins, toy.instrument)
    with pytest.raises(ValueError, match="basis of 'toy' has no nebular light and so no lines"):
        line_profiles(dry)


def test_log_u_beyond_the_grid_is_refused(toy):
    nodes = torch.linspace(-2.2, 0.4, 27)
    with pytest.raises(ValueError, match=r"log U, asked for -4\.50 to -2\.00: narrow the prior"):
        NebularLight(toy.basis, nodes, (-4.5, -2.0), 1.0)


def test_line_profiles_have_unit_integral(toy):
    wave = toy.basis.velocity_grid.wave_aa
    area = np.trapezoid(line_profiles(toy.basis).double().numpy(), wave, axis=1)
    np.testing.assert_allclose(area, 1.0, rtol=1e-4)


# --- BC03 and Cloudy -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def real(prior, bc03_library, cloudy_library) -> Simulator:
    instrument = Instrument()
    basis = build_basis(bc03_library, prior.bins, instrument, cloudy_library)
    return Simulator(basis, prior.space, prior.bins, instrument)


@pytest.fixture(scope="module")
def real_lineless(real) -> Simulator:
    return _without_lines(real)


@pytest.mark.data
def test_ten_million_years_of_constant_star_formation(real, real_lineless):
    """Nebular over stellar light at solar metallicity and log U = -3, no dust, no photon lost."""
    stars, continuum, lines = _parts(real, real_lineless)
    share = dict(zip(BANDS, (continuum.phot / stars.phot)[0].tolist(), strict=True))
    for band, expected in {"F275W": 0.20, "F336W": 0.48, "F438W": 0.12, "F555W": 0.17}.items():
        assert share[band] == pytest.approx(expected, abs=0.01), band
    share = dict(zip(BANDS, (lines.phot / stars.phot)[0].tolist(), strict=True))
    for band, expected in {"F438W": 0.21, "F555W": 0.65}.items():
        assert share[band] == pytest.approx(expected, abs=0.01), band


def _age_mean(grid, bin_gyr, values):
    """Mean over constant SFR between two ages, by brute force; no light beyond the last age."""
    t = np.linspace(*bin_gyr, 4001)
    hats = np.stack([np.interp(t, grid.age_gyr, row) for row in np.eye(len(grid.age_gyr))])
    hats[:, t > grid.age_gyr[-1]] = 0.0
    weight = np.trapezoid(hats, t, axis=1) / (bin_gyr[1] - bin_gyr[0])
    return np.einsum("a,umaw->umw", weight, values)


def _at(grid, values, mh, log_u):
    """Light at a metallicity and ionisation, by monotone cubics of its logarithm, (n_wave,)."""
    log = np.log(values + 1e-30)
    return np.exp(PchipInterpolator(grid.mh, PchipInterpolator(grid.log_u, log)(log_u))(mh))


def _direct(grid, bin_gyr, mh, log_u, av, delta, redshift):
    """Continuum and lines in every band from the grid and the filter curves, (2, n_band)."""
    wide = (grid.wave_aa > 1900) & (grid.wave_aa < 9990)
    wave = grid.wave_aa[wide]
    continuum = _at(grid, _age_mean(grid, bin_gyr, grid.continuum[..., wide]), mh, log_u)
    lines = _at(grid, _age_mean(grid, bin_gyr, grid.line_lum), mh, log_u)
    dust = torch.tensor([av]), torch.tensor([delta])
    continuum *= CalzettiSlope(torch.from_numpy(wave)).transmission(*dust)[0].numpy()
    lines *= CalzettiSlope(torch.from_numpy(grid.line_wave_aa)).transmission(*dust)[0].numpy()
    found = np.zeros((2, len(BANDS)))
    seen = grid.line_wave_aa * (1 + redshift)
    for band, name in enumerate(BANDS):
        curve = read_filter(name)
        found[0, band] = photon_mean_flux(wave * (1 + redshift), continuum, curve)
        fine = np.linspace(curve.wave_aa[0], curve.wave_aa[-1], 100_001)
        norm = np.trapezoid(np.interp(fine, curve.wave_aa, curve.throughput) * fine, fine)
        through = np.interp(seen, curve.wave_aa, curve.throughput, left=0.0, right=0.0)
        # per Å of the rest frame, as the stars' light
        found[1, band] = (lines * through * seen).sum() / norm * (1 + redshift)
    return found


# age bin, [M/H], log U, A_V, delta, redshift
CASES = [
    (0, 0.0, -3.0, 0.0, 0.0, 0.0024),
    (0, 0.0, -2.8, 1.0, -0.3, 0.015),
    (0, 0.25, -3.33, 0.5, 0.2, 0.0024),
    (0, -0.25, -2.27, 2.0, 0.0, 0.015),
    (0, -0.699, -3.71, 0.0, 0.0, 0.015),
    (0, -1.16, -3.06, 1.5, -0.7, 0.0024),
    (0, -2.0, -2.6, 0.3, 0.0, 0.0024),
    (1, -0.4, -3.19, 0.7, 0.1, 0.015),
    (1, 0.38, -2.9, 0.0, 0.0, 0.0024),
]


@pytest.mark.data
@pytest.mark.parametrize("case", CASES)
def test_bands_are_those_of_direct_integration(real, real_lineless, cloudy_library, case):
    """Within 1 % of the gas, or 1e-4 of the stars where there is hardly any light of gas."""
    bin_, mh, log_u, av, delta, redshift = case
    stars, continuum, lines = _parts(
        real, real_lineless, redshift, bins=(bin_,), mh=mh, gas_log_u=log_u, av=av, delta=delta
    )
    bin_gyr = real.bins.edges_gyr[bin_ : bin_ + 2]
    expected = _direct(cloudy_library, bin_gyr, mh, log_u, av, delta, redshift)
    tolerance = 0.01 * expected.sum(0) + 1e-4 * stars.phot[0].double().numpy()
    for found, truth in zip((continuum, lines), expected, strict=True):
        assert (np.abs(found.phot[0].double().numpy() - truth) < tolerance).all()


@pytest.mark.data
def test_spectrum_has_the_lines_and_continuum_of_the_grid(real, real_lineless, cloudy_library):
    grid = cloudy_library
    _, continuum, lines = _parts(real, real_lineless, gas_log_u=-2.5, mh=-0.4, av=0.8)
    wave = real.wave_aa.double().numpy()
    dust = torch.tensor([0.8]), torch.zeros(1)
    lum = _at(grid, _age_mean(grid, (0.0, 0.01), grid.line_lum), -0.4, -2.5)
    lum *= CalzettiSlope(torch.from_numpy(grid.line_wave_aa)).transmission(*dust)[0].numpy()
    flux = lines.flux[0].double().numpy()
    for low, high in ((4830, 4890), (4930, 5040), (6510, 6620), (6690, 6760)):
        inside = (grid.line_wave_aa > low) & (grid.line_wave_aa < high)
        light = flux[(wave > low) & (wave < high)].sum() * real.instrument.grid.step_aa
        assert light == pytest.approx(lum[inside].sum(), rel=0.01)
    smooth = _at(grid, _age_mean(grid, (0.0, 0.01), grid.continuum), -0.4, -2.5)
    smooth = np.interp(wave, grid.wave_aa, smooth)
    smooth *= CalzettiSlope(torch.from_numpy(wave)).transmission(*dust)[0].numpy()
    np.testing.assert_allclose(continuum.flux[0].numpy(), smooth, rtol=0.01)


@pytest.mark.data
def test_light_is_finite_and_gas_only_adds_over_the_whole_prior(real, prior):
    space = prior.space
    generator = torch.Generator().manual_seed(2)
    theta = prior.sample((3000,), generator)
    # and far beyond its draws, at every corner that u can reach
    corners = space.to_theta(6.0 * torch.randint(-1, 2, (1000, space.n_param), generator=generator))
    theta = torch.cat([theta, corners])
    redshift = 0.02 * torch.rand(len(theta), generator=generator)
    dry = theta.clone()
    dry[:, space.index("f_esc")] = 1.0
    for with_gas, stars in zip(real(theta, redshift), real(dry, redshift), strict=True):
        assert bool(torch.isfinite(with_gas).all())
        assert bool((stars > 0).all())
        assert float((with_gas / stars).min()) > 1.0 - 1e-4
    assert bool(torch.isfinite(real.window_means(theta)).all())
