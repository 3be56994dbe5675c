"""Velocity, dispersion, line spread function and resampling against sums of Gaussians."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from simulators.constants import FWHM_PER_SIGMA, SPEED_OF_LIGHT_KMS
from simulators.forward.broadening import VelocityBroadening
from simulators.instruments.instrument import Instrument
from simulators.instruments.lsf import ResolvingPower
from simulators.instruments.observed_pixels import LinearObservedPixels, LogObservedPixels
from simulators.wavelengths.air import rest_air_edges
from simulators.wavelengths.resample import edges_from_centres, to_rest_frame
from simulators.wavelengths.rest_grid import LinearRestGrid, LogRestGrid
from simulators.wavelengths.velocity_grid import VelocityGrid

LIBRARY_FWHM_AA = 2.5
LIBRARY_VARIANCE = (LIBRARY_FWHM_AA / FWHM_PER_SIGMA) ** 2
INSTRUMENT = Instrument()
LOG_GRID = VelocityGrid.covering(INSTRUMENT.grid)


@pytest.fixture(scope="module")
def lines():
    rng = np.random.default_rng(0)
    return rng.uniform(4700, 7000, 120), rng.uniform(0.1, 0.5, 120)


@pytest.fixture(scope="module")
def kinematics():
    return VelocityBroadening(LOG_GRID, INSTRUMENT, torch.full((LOG_GRID.n_pix,), LIBRARY_FWHM_AA))


def _spectrum(wave, lines, variance, factor=1.0):
    """Unit continuum minus lines of fixed equivalent widths; variance in Å**2 of a line."""
    flux = np.ones_like(wave)
    for position, depth in zip(*lines, strict=True):
        total = LIBRARY_VARIANCE + variance(position)
        area = depth * np.sqrt(LIBRARY_VARIANCE / total)
        flux -= area * np.exp(-0.5 * (wave - position * factor) ** 2 / total)
    return flux


def _lsf_variance(wave_rest, redshift):
    """Rest-frame variance that the instrument adds to the library's, Å**2."""
    observed = wave_rest * (1 + redshift)
    a, b, c = INSTRUMENT.lsf.coefficients_aa
    fwhm = (a * observed**2 + b * observed + c) / (1 + redshift)
    return np.maximum(fwhm**2 - LIBRARY_FWHM_AA**2, 0) / FWHM_PER_SIGMA**2


def _run(kinematics, lines, velocity, sigma, redshift):
    flux = torch.tensor(_spectrum(LOG_GRID.wave_aa, lines, lambda w: 0.0)).float()
    args = (torch.tensor([float(v)]) for v in (velocity, sigma, redshift))
    return kinematics(flux[None], *args)[0].double().numpy()


def test_lsf_is_the_published_one():
    # Bacon et al. (2017), eq. 8: about 2.8 AA at 5000, 2.5 at 7000
    fwhm = INSTRUMENT.lsf.fwhm_aa(torch.tensor([5000.0, 7000.0, 9000.0]))
    torch.testing.assert_close(fwhm, torch.tensor([2.913, 2.483, 2.523]), atol=2e-3, rtol=0)


@pytest.mark.parametrize(
    ("velocity", "sigma"), [(0, 10), (120, 10), (-300, 300), (350, 60), (-350, 350)]
)
def test_velocity_dispersion_and_lsf_add_in_quadrature(kinematics, lines, velocity, sigma):
    # at redshift 0 the two pixel grids agree and nothing is blurred by resampling
    wave = INSTRUMENT.grid.centres_aa.numpy()
    factor = 1 + velocity / SPEED_OF_LIGHT_KMS

    def variance(position):
        return (sigma / SPEED_OF_LIGHT_KMS * position) ** 2 + _lsf_variance(position * factor, 0.0)

    truth = _spectrum(wave, lines, variance, factor)
    model = _run(kinematics, lines, velocity, sigma, 0.0)
    assert np.std(model - truth) < 5e-4
    assert np.abs(model - truth).max() < 5e-3


@pytest.mark.parametrize("redshift", [0.0024, 0.0131, 0.03, 0.0858])
def test_resampled_observation_has_the_same_resolution(kinematics, lines, redshift):
    """Observe on native pixels with the full LSF, resample as a real cube, compare."""
    sigma = 50.0
    native = INSTRUMENT.pixels.start_aa - 20 + INSTRUMENT.pixels.step_aa * np.arange(2300)

    def variance(wave):
        return _lsf_variance(wave, redshift) + (sigma / SPEED_OF_LIGHT_KMS * wave) ** 2

    observed = _spectrum(native / (1 + redshift), lines, variance) / (1 + redshift)
    flux = torch.tensor(observed)[None]
    parts = (flux, torch.ones_like(flux), torch.ones_like(flux, dtype=torch.bool))
    resampled = to_rest_frame(edges_from_centres(native), parts, redshift, INSTRUMENT.grid)
    good = resampled.valid[0].numpy()
    assert good.mean() > 0.98
    truth = resampled.flux[0].numpy()
    error = np.std((_run(kinematics, lines, 0.0, sigma, redshift) - truth)[good])
    # the blur of resampling is not quite Gaussian: 1 % of the contrast of the lines remains ...
    assert error < 0.012 * truth[good].std()
    # ... of several times that without it
    sharp = _spectrum(INSTRUMENT.grid.centres_aa.numpy(), lines, variance)
    assert error < 0.25 * np.std((sharp - truth)[good])


SURVEYS = {
    # rest-frame pixels like the observed ones: the blur is known pixel by pixel
    "log": Instrument(
        grid=LogRestGrid(4800.0, 1e-4, 1500),
        lsf=ResolvingPower(wave_aa=(4000.0, 8000.0), power=(1500.0, 2000.0)),
        pixels=LogObservedPixels(start_aa=3801.894, log_step=1e-4),
    ),
    # wider ones: the mean blur is taken
    "wider": Instrument(
        grid=LinearRestGrid(4800.0, 2.1, 900),
        pixels=LinearObservedPixels(start_aa=4000.0, step_aa=1.25),
    ),
}


@pytest.mark.parametrize(("name", "tolerance"), [("log", 0.012), ("wider", 0.03)])
@pytest.mark.parametrize("redshift", [0.013, 0.08])
def test_other_pixels_are_resampled_as_real_data(lines, name, tolerance, redshift):
    """As above, with the pixels of other instruments and their readers' conversion to air."""
    instrument, sigma = SURVEYS[name], 60.0
    velocity_grid = VelocityGrid.covering(instrument.grid)
    kinematics = VelocityBroadening(
        velocity_grid, instrument, torch.full((velocity_grid.n_pix,), LIBRARY_FWHM_AA)
    )
    native = instrument.pixels.wave_aa(torch.arange(500, 3900))
    medium = instrument.pixels.medium
    rest = rest_air_edges(native, redshift, medium).numpy()

    def variance(wave):
        observed = torch.tensor([wave * (1 + redshift)])
        fwhm = float(instrument.lsf.fwhm_aa(observed)[0]) / (1 + redshift)
        lacking = max(fwhm**2 - LIBRARY_FWHM_AA**2, 0) / FWHM_PER_SIGMA**2
        return lacking + (sigma / SPEED_OF_LIGHT_KMS * wave) ** 2

    flux = torch.tensor(_spectrum(rest, lines, variance) / (1 + redshift))[None]
    parts = (flux, torch.ones_like(flux), torch.ones_like(flux, dtype=torch.bool))
    resampled = to_rest_frame(edges_from_centres(native), parts, redshift, instrument.grid, medium)
    good = resampled.valid[0].numpy()
    assert good.mean() > 0.98
    truth = resampled.flux[0].numpy()
    flux = torch.tensor(_spectrum(velocity_grid.wave_aa, lines, lambda w: 0.0)).float()
    args = (torch.tensor([v]) for v in (0.0, sigma, redshift))
    model = kinematics(flux[None], *args)[0].double().numpy()
    error = np.std((model - truth)[good])
    assert error < tolerance * truth[good].std()
    sharp = _spectrum(instrument.grid.centres_aa.numpy(), lines, variance)
    assert error < 0.35 * np.std((sharp - truth)[good])


def test_a_coarser_library_is_never_sharpened(lines):
    coarse = VelocityBroadening(LOG_GRID, INSTRUMENT, torch.full((LOG_GRID.n_pix,), 4.0))
    assert bool((coarse.lsf_variance(torch.zeros(1)) >= 0).all())
    model = _run(coarse, lines, 0.0, 1e-3, 0.0)
    truth = _spectrum(INSTRUMENT.grid.centres_aa.numpy(), lines, lambda w: 0.0)
    assert np.std(model - truth) < 5e-4


def test_continuum_is_kept(kinematics):
    # equal to one part in 10^5, ends included, for the largest velocity and dispersion
    flux = torch.ones(2, LOG_GRID.n_pix)
    v, sigma = torch.tensor([350.0, -350.0]), torch.tensor([350.0, 350.0])
    out = kinematics(flux, v, sigma, torch.zeros(2))
    torch.testing.assert_close(out, torch.ones_like(out), atol=2e-5, rtol=0)


def test_rows_are_independent(kinematics):
    flux = torch.rand(3, LOG_GRID.n_pix, generator=torch.Generator().manual_seed(0))
    v, s, z = (
        torch.tensor([0.0, 50, -200]),
        torch.tensor([20.0, 90, 300]),
        torch.tensor([0, 0.01, 0.05]),
    )
    together = kinematics(flux, v, s, z)
    alone = torch.cat([kinematics(*(t[i : i + 1] for t in (flux, v, s, z))) for i in range(3)])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-5)


def test_velocity_grid_covers_the_instrument_with_margin():
    margin = LOG_GRID.wave_aa[[0, -1]] / INSTRUMENT.grid.edges_aa[[0, -1]].numpy() - 1
    assert margin == pytest.approx([-0.0085, 0.0085], abs=1e-6)
    assert LOG_GRID.step * SPEED_OF_LIGHT_KMS < 41
    position = LOG_GRID.fractional_index(torch.tensor(LOG_GRID.wave_aa[[0, 7, 100]]))
    torch.testing.assert_close(position, torch.tensor([0.0, 7, 100], dtype=torch.float64))
