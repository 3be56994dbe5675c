"""Band means through nodes against the full integral."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from priors.ages import AgeBins
from simulators.forward.dust import CalzettiSlope
from simulators.instruments.filters import photon_mean_flux, read_filter
from simulators.instruments.instrument import Instrument
from simulators.populations.band_nodes import BandLines, BandNodes
from simulators.populations.ssp_basis import age_weights

TOLERANCE_MAG = 0.003
INSTRUMENT = Instrument()


@pytest.fixture(scope="module")
def nodes():
    return BandNodes(INSTRUMENT)


def _age_bins(grid, met):
    """Constant SFR in the bins 0, 5, 9 and 15, and over all ages, shape (5, n_wave)."""
    edges = np.asarray(AgeBins().edges_gyr)
    weights = age_weights(grid.age_gyr, edges)
    constant = np.diff(edges) / edges[-1] @ weights
    return np.vstack([weights[[0, 5, 9, 15]], constant]) @ grid.lum[met].astype(float)


def _errors_mag(nodes, grid, met, av, delta):
    """Largest difference from the full integral over three redshifts, shape (n_ssp, n_band)."""
    lum, near = _age_bins(grid, met), (grid.wave_aa > 1900) & (grid.wave_aa < 9990)
    # every wavelength of the library, and enough between them for the curvature of the dust law
    fine = np.union1d(grid.wave_aa[near], np.arange(1900.0, 9990.0, 5.0))
    dust = torch.tensor([av]), torch.tensor([delta])
    full = np.stack([np.interp(fine, grid.wave_aa, row) for row in lum])
    full *= CalzettiSlope(torch.tensor(fine)).transmission(*dust).numpy()
    dimmed = torch.tensor(nodes.project(grid.wave_aa, lum)).float()
    dimmed *= CalzettiSlope(nodes.wave_aa.flatten()).transmission(*dust).view(*nodes.wave_aa.shape)
    worst = np.zeros((len(lum), 5))
    for redshift in (0.0, 0.008, 0.02):
        model = (dimmed * nodes.weights(torch.tensor([redshift]))).sum(-1).numpy()
        for band, name in enumerate(INSTRUMENT.bands):
            truth = photon_mean_flux(fine * (1 + redshift), full, read_filter(name))
            error = np.abs(2.5 * np.log10(model[:, band] / truth))
            worst[:, band] = np.maximum(worst[:, band], error)
    return worst


def _check(nodes, grid):
    for met in (0, -1):
        for av, delta in ((0.0, 0.0), (1.0, -0.7), (2.0, -0.7), (2.0, 0.4), (4.0, 0.0), (4.0, 0.4)):
            assert _errors_mag(nodes, grid, met, av, delta).max() < TOLERANCE_MAG
        # the corner of the prior, where an old population is 7 mag fainter in F275W than in V and
        # the filter's red leak counts
        corner = _errors_mag(nodes, grid, met, 4.0, -0.7)
        assert corner[:, 2:].max() < TOLERANCE_MAG
        assert corner[[0, 1, 4]].max() < TOLERANCE_MAG
        assert corner.max() < 0.012


def test_nodes_match_the_full_integral(nodes, toy_library):
    _check(nodes, toy_library)


@pytest.mark.data
def test_nodes_match_the_full_integral_of_bc03(nodes, bc03_library):
    _check(nodes, bc03_library)


def test_one_value_per_band_would_not_do(toy_library):
    # the reason for nodes: with a single one the tolerance is missed by a factor of ten
    single = BandNodes(INSTRUMENT, n_nodes=1)
    assert _errors_mag(single, toy_library, 2, 2.0, 0.0).max() > 10 * TOLERANCE_MAG


def test_weights_sum_to_one_up_to_the_limit_of_the_bands(nodes):
    redshift = torch.tensor([0.0, 0.005, 0.02])
    total = nodes.weights(redshift).sum(-1)
    torch.testing.assert_close(total, torch.ones(3, 5), atol=2e-4, rtol=0)
    assert bool((nodes.weights(redshift) >= 0).all())


def test_flat_spectrum_has_its_own_value_in_every_band(nodes):
    wave = np.linspace(1500, 11000, 500)
    projected = nodes.project(wave, np.full((2, 500), 3.0))
    np.testing.assert_allclose(projected, 3.0, rtol=1e-12)


def test_moving_keeps_the_nodes(nodes):
    z = torch.tensor([0.01])
    assert torch.equal(nodes.to("cpu").weights(z), nodes.weights(z))


def test_an_instrument_without_bands():
    nodes = BandNodes(Instrument(bands=()))
    assert nodes.weights(torch.zeros(3)).shape == (3, 0, 32)


# --- emission lines ------------------------------------------------------------------------------

LINE_AA = (1900.0, 2798.7, 3727.4, 4861.33, 5006.84, 6562.8, 6950.0, 9068.6, 15_000.0)


@pytest.fixture(scope="module")
def lines():
    return BandLines(INSTRUMENT, torch.tensor(LINE_AA))


@pytest.mark.parametrize("redshift", [0.0, 0.0024, 0.015, 0.02])
def test_a_line_counts_with_the_throughput_at_its_wavelength(lines, redshift):
    """As the band mean of a Gaussian of unit area and 1 Angstrom width, seen at the redshift."""
    found = lines.weights(torch.tensor([redshift]))[0].double().numpy()
    assert found.shape == (5, len(LINE_AA))
    fine = np.arange(1500.0, 15_500.0, 0.1)
    for k, line in enumerate(LINE_AA):
        profile = np.exp(-0.5 * (fine - line) ** 2) / np.sqrt(2 * np.pi)
        for band, name in enumerate(INSTRUMENT.bands):
            truth = photon_mean_flux(fine * (1 + redshift), profile, read_filter(name))
            assert found[band, k] == pytest.approx(truth, rel=5e-3, abs=3e-7), (name, line)


def test_lines_outside_a_band_add_nothing_to_it(lines):
    weights = lines.weights(torch.zeros(1))[0]
    assert float(weights[:, -1].abs().max()) == 0.0  # beyond all bands
    assert float(weights[0, 2:].max()) < 1e-5 * float(weights[0, 1])  # F275W sees Mg II alone
    assert bool((weights >= 0).all())


def test_weights_integrate_to_one_over_a_band():
    # a flat spectrum is many lines: its band mean is its level
    step = 2.0
    every = BandLines(INSTRUMENT, torch.arange(1700.0, 11_000.0, step))
    total = every.weights(torch.tensor([0.0, 0.01])).sum(-1) * step
    torch.testing.assert_close(total, torch.ones(2, 5), rtol=2e-3, atol=0)


def test_lines_without_bands_or_on_another_device(lines):
    none = BandLines(Instrument(bands=()), torch.tensor(LINE_AA))
    assert none.weights(torch.zeros(3)).shape == (3, 0, len(LINE_AA))
    z = torch.tensor([0.01])
    assert torch.equal(lines.to("cpu").weights(z), lines.weights(z))
    assert lines.to("meta").weights(z.to("meta")).device.type == "meta"
