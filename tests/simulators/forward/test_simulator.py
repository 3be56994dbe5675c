"""The forward model: linear in mass, moved by every parameter, differentiable, lines in place."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from simulators.constants import SPEED_OF_LIGHT_KMS
from simulators.forward.simulator import Simulator
from simulators.instruments.instrument import Instrument
from simulators.observations.observation import Observation

N_BINS = 16
H_ALPHA_AA, NA_D_AA = 6562.80, (5889.95, 5895.92)


@pytest.fixture(scope="module")
def simulator(toy_model) -> Simulator:
    return toy_model.simulator


def _theta(simulator, n=1, **values):
    """Constant SFR, metallicities off the nodes, some dust and gas; overridden by name."""
    space = simulator.space
    theta = torch.zeros(n, space.n_param)
    theta[:, space.mh] = torch.linspace(-0.33, -0.07, N_BINS)
    defaults = {"av": 0.4, "delta": 0.1, "velocity": 0.0, "log_sigma": 1.9}
    defaults |= {"gas_log_u": -2.8, "f_esc": 0.5}
    for name, value in {**defaults, **values}.items():
        theta[:, space.index(name)] = torch.as_tensor(value)
    return theta


def _with_log_sfr(theta, log_sfr, space):
    theta = theta.clone()
    theta[:, space.sfh] = log_sfr[:, :-1] - log_sfr[:, 1:]
    return theta


def test_shapes_and_units(simulator, toy_mock):
    spectra = simulator(toy_mock.theta, torch.zeros(64))
    assert spectra.flux.shape == (64, 1761)
    assert spectra.phot.shape == (64, 5)
    assert bool((spectra.flux > 0).all() and (spectra.phot > 0).all())
    # a star-forming galaxy gives some 1e-4 L_sun/AA per solar mass, an old one 1e-5
    level = spectra.flux.mean(1)
    assert 1e-6 < float(level.median()) < 1e-2


def test_linear_in_mass_fractions(simulator):
    space = simulator.space
    generator = torch.Generator().manual_seed(4)
    base = _theta(simulator)
    mixed = _with_log_sfr(base, 0.5 * torch.randn(1, N_BINS, generator=generator), space)
    # one history per bin in which the others hold 1e-12 of the mass
    alone = _with_log_sfr(base.expand(N_BINS, -1), 12.0 * torch.eye(N_BINS), space)
    fraction = simulator.populations(mixed).mass_fraction
    parts = simulator(alone, torch.full((N_BINS,), 0.01))
    whole = simulator(mixed, torch.full((1,), 0.01))
    torch.testing.assert_close(fraction @ parts.flux, whole.flux, rtol=1e-4, atol=0)
    torch.testing.assert_close(fraction @ parts.phot, whole.phot, rtol=1e-4, atol=0)


def test_every_bin_and_metallicity_moves_spectrum_and_photometry(simulator):
    space = simulator.space
    base = _theta(simulator)
    more_mass = _with_log_sfr(base.expand(N_BINS, -1), 0.3 * torch.eye(N_BINS), space)
    more_metal = base.expand(N_BINS, -1).clone()
    more_metal[:, space.mh] += 0.3 * torch.eye(N_BINS)
    redshift = torch.zeros(N_BINS)
    reference = simulator(base, redshift[:1])
    for changed in (more_mass, more_metal):
        spectra = simulator(changed, redshift)
        # with the amplitude free only the shape counts
        flux = spectra.flux / spectra.flux.mean(1, keepdim=True)
        phot = spectra.phot / spectra.flux.mean(1, keepdim=True)
        level = reference.flux.mean()
        assert float((flux / (reference.flux / level) - 1).abs().amax(1).min()) > 1e-5
        assert float((phot / (reference.phot / level) - 1).abs().amax(1).min()) > 1e-5


def test_nuisances_move_the_spectrum(simulator):
    base = simulator(_theta(simulator), torch.zeros(1)).flux
    changes = {"av": 0.6, "delta": 0.3, "velocity": 30.0, "log_sigma": 2.1}
    changes |= {"gas_log_u": -2.5, "f_esc": 0.4}
    for change in ({name: value} for name, value in changes.items()):
        moved = simulator(_theta(simulator, **change), torch.zeros(1)).flux
        assert float((moved / base - 1).abs().max()) > 1e-3


def test_gradient_is_that_of_finite_differences(simulator):
    generator = torch.Generator().manual_seed(1)
    theta, redshift = _theta(simulator, velocity=40.0), torch.tensor([0.006])
    weight = torch.rand(1, 1761, generator=generator)
    weight = weight / weight.sum()

    def summary(values):
        spectra = simulator(values, redshift.expand(len(values)))
        level = simulator(theta, redshift).flux.mean().detach()
        return (spectra.flux / level * weight).sum(1) + (spectra.phot / level).mean(1)

    points = theta.clone().requires_grad_(True)
    (gradient,) = torch.autograd.grad(summary(points).sum(), points)
    # the model computes in float32: steps as large as linearity allows, inside one [M/H] node
    step = torch.full_like(theta[0], 0.02)
    step[simulator.space.index("velocity")] = 10.0
    shifts = torch.diag(step)
    with torch.no_grad():
        numeric = (summary(theta + shifts) - summary(theta - shifts)) / (2 * step)
    scaled, expected = gradient[0] * step, numeric * step
    torch.testing.assert_close(scaled, expected, rtol=0.02, atol=2e-6)
    assert float(scaled.abs().max()) > 1e-3


def _centroid(wave, flux, low, high):
    """Centre of the absorption between two wavelengths, over a straight continuum."""
    inside = (wave > low) & (wave < high)
    x, y = wave[inside], flux[inside]
    edge = slice(0, 6), slice(-6, None)
    slope = (y[edge[1]].mean() - y[edge[0]].mean()) / (x[edge[1]].mean() - x[edge[0]].mean())
    depth = 1 - y / (y[edge[0]].mean() + slope * (x - x[edge[0]].mean()))
    return (x * depth).sum() / depth.sum()


@pytest.mark.parametrize("velocity", [-250.0, 0.0, 250.0])
def test_lines_are_where_the_velocity_puts_them(simulator, velocity):
    # absorption lines: no ionising photon becomes gas emission
    theta = _theta(simulator, velocity=velocity, log_sigma=1.3, f_esc=1.0)
    flux = simulator(theta, torch.zeros(1)).flux[0].double().numpy()
    wave = simulator.wave_aa.numpy()
    factor = 1 + velocity / SPEED_OF_LIGHT_KMS
    for line, half_width in ((H_ALPHA_AA, 22.0), (np.mean(NA_D_AA), 14.0)):
        centre = line * factor
        found = _centroid(wave, flux, centre - half_width, centre + half_width)
        assert found == pytest.approx(centre, abs=0.15)  # 7 km/s


@pytest.mark.parametrize("redshift", [0.003, 0.05])
def test_h_alpha_is_at_its_place_after_redshift(simulator, redshift):
    # what MUSE would see, read as a real spectrum is read
    flux = (
        simulator(_theta(simulator, log_sigma=1.3, f_esc=1.0), torch.tensor([redshift]))
        .flux[0]
        .double()
    )
    native = np.arange(4760.0 * (1 + redshift), 6940.0 * (1 + redshift), 1.25)
    seen = np.interp(native / (1 + redshift), simulator.wave_aa, flux) / (1 + redshift)
    dip = native[np.abs(native - H_ALPHA_AA * (1 + redshift)) < 30]
    assert dip[seen[np.isin(native, dip)].argmin()] == pytest.approx(
        H_ALPHA_AA * (1 + redshift), abs=1.3
    )
    noise = np.full_like(seen, 1e-7)
    observation = Observation.from_spectrum(native, seen, noise, redshift, unit_cgs=1.0)
    good = observation.valid[0].numpy()
    back = observation.flux[0].double().numpy() * observation.unit_cgs
    found = _centroid(simulator.wave_aa.numpy()[good], back[good], 6540, 6585)
    assert found == pytest.approx(H_ALPHA_AA, abs=0.15)
    # f_lambda (1 + z) on the rest frame is the simulator's own flux
    assert np.median(back[good] / flux.numpy()[good]) == pytest.approx(1, abs=1e-4)


def test_spectrum_and_photometry_share_their_zero_point(simulator):
    # F555W lies inside a black-body continuum that the spectrum samples: same light, same unit
    theta = _theta(simulator, av=0.0, f_esc=1.0)
    spectra = simulator(theta, torch.zeros(1))
    near = (simulator.wave_aa > 5200) & (simulator.wave_aa < 5420)
    assert float(spectra.phot[0, 3] / spectra.flux[0, near].mean()) == pytest.approx(1, abs=0.1)


def test_populations_agree_with_the_histories(simulator, toy_mock):
    populations = simulator.populations(toy_mock.theta)
    torch.testing.assert_close(populations.mass_fraction.sum(1), torch.ones(64))
    assert bool((populations.lum_v > 0).all())
    assert bool(((populations.mass_alive > 0) & (populations.mass_alive <= 1)).all())
    # the V light of a dust-free galaxy is near its flux at 5500 AA
    theta = _theta(simulator, av=0.0)
    held = simulator.populations(theta)
    light = float((held.mass_fraction * held.lum_v).sum())
    flux = simulator(theta, torch.zeros(1)).flux[0, (simulator.wave_aa - 5500).abs() < 100].mean()
    assert light == pytest.approx(float(flux), rel=0.05)


def test_moving_to_the_same_device_changes_nothing(simulator, toy_mock):
    moved = simulator.to("cpu")
    z = toy_mock.observation.redshift
    for a, b in zip(moved(toy_mock.theta, z), simulator(toy_mock.theta, z), strict=True):
        assert torch.equal(a, b)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_gpu_gives_the_same_light(simulator, toy_mock):
    z = toy_mock.observation.redshift
    there = simulator.to("cuda")(toy_mock.theta.cuda(), z.cuda())
    for a, b in zip(there, simulator(toy_mock.theta, z), strict=True):
        torch.testing.assert_close(a.cpu(), b, rtol=1e-3, atol=0)


@pytest.mark.parametrize("shape", [(37,), (2, 36), (1, 2, 37)])
def test_wrong_shape_is_refused(simulator, shape):
    with pytest.raises(ValueError, match=r"theta has shape .*expected \(n, 37\)"):
        simulator(torch.zeros(shape), torch.zeros(1))


def test_basis_of_other_bins_is_refused(simulator):
    from priors.ages import AgeBins

    with pytest.raises(ValueError, match="the basis has 16 age bins, expected 2"):
        Simulator(simulator.basis, simulator.space, AgeBins((0.0, 1.0, 10.0)), Instrument())
