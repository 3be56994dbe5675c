"""Nebular light per age bin: the grid's own at its nodes, and refused where there is none."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from priors.ages import AgeBins
from simulators.instruments.filters import photon_mean_flux, read_filter
from simulators.instruments.instrument import Instrument
from simulators.libraries import toy_nebular
from simulators.populations.band_nodes import BandNodes
from simulators.populations.nebular_basis import build_nebular_basis
from simulators.populations.ssp_grid import MH_TOLERANCE
from simulators.wavelengths.rest_grid import LinearRestGrid

EDGES = AgeBins().edges_gyr


@pytest.fixture(scope="module")
def grid():
    return toy_nebular()


@pytest.fixture(scope="module")
def basis(grid):
    return build_nebular_basis(grid, AgeBins(), Instrument())


def _average(grid, values, low, high):
    """Mean over constant SFR between two ages by a fine sum; values (n_u, n_met, n_age, k)."""
    t = low + (high - low) * (np.arange(20_000) + 0.5) / 20_000
    hats = np.stack([np.interp(t, grid.age_gyr, row) for row in np.eye(len(grid.age_gyr))])
    hats = np.where(t <= grid.age_gyr[-1], hats, 0.0).mean(1)
    return np.einsum("a,umak->muk", hats, values)


def test_shapes(basis):
    assert basis.n_young == 2  # 0 to 10 and 10 to 30 Myr; the grid ends at 20
    assert basis.continuum.shape == (2, 4, 5, basis.continuum.shape[-1])
    assert basis.nodes.shape == (2, 4, 5, 5, 32)
    assert basis.line_lum.shape == (2, 4, 5, 5)
    assert basis.continuum.dtype == basis.line_lum.dtype == torch.float32


@pytest.mark.parametrize("bin_", [0, 1])
def test_bins_average_constant_star_formation(grid, basis, bin_):
    limits = EDGES[bin_], EDGES[bin_ + 1]
    lines = _average(grid, grid.line_lum, *limits)
    np.testing.assert_allclose(basis.line_lum[bin_].numpy(), lines, rtol=2e-4)
    # the toy continuum is flat but for its Balmer jump
    level = _average(grid, grid.continuum[..., -1:], *limits)[..., 0]
    wave = np.array([basis.continuum.shape[-1] - 1])
    near = basis.continuum[bin_, ..., int(wave[0])].numpy()
    assert ((near > level) & (near < 1.5 * level)).all()


def test_bands_are_those_of_the_whole_continuum(grid, basis):
    instrument = Instrument()
    weights = BandNodes(instrument).weights(torch.zeros(1))
    found = (basis.nodes * weights).sum(-1).double().numpy()
    fine = np.arange(1600.0, 10400.0, 1.0)
    for bin_ in (0, 1):
        means = _average(grid, grid.continuum, EDGES[bin_], EDGES[bin_ + 1])
        spectra = np.apply_along_axis(lambda y: np.interp(fine, grid.wave_aa, y), -1, means)
        for band, name in enumerate(instrument.bands):
            truth = photon_mean_flux(fine, spectra, read_filter(name))
            np.testing.assert_allclose(found[bin_, ..., band], truth, rtol=3e-3, err_msg=name)


def test_only_lines_that_something_sees_are_kept(grid):
    # H alpha and [N II] fall outside this window, and no band is there to see them
    narrow = Instrument(grid=LinearRestGrid(4830.0, 1.25, 280), bands=())
    kept = build_nebular_basis(grid, AgeBins(), narrow)
    np.testing.assert_allclose(kept.line_wave_aa.numpy(), grid.line_wave_aa[:3])
    np.testing.assert_array_equal(kept.line_lum.shape, (2, 4, 5, 3))
    blue = Instrument(grid=LinearRestGrid(4830.0, 1.25, 280), bands=("F275W", "F336W"))
    assert len(build_nebular_basis(grid, AgeBins(), blue).line_wave_aa) == 3
    # F814W sees nothing of them at rest, F555W sees them all
    wide = Instrument(grid=LinearRestGrid(4830.0, 1.25, 280), bands=("F555W",))
    assert len(build_nebular_basis(grid, AgeBins(), wide).line_wave_aa) == 5


def test_old_bins_alone_have_no_gas_at_all(grid):
    bins = AgeBins((0.0, 0.02, 1.0, 13.5))
    assert build_nebular_basis(grid, bins, Instrument()).n_young == 1
    # a bin that starts where the grid ends has none, one a little younger has a little
    bins = AgeBins((0.0, 0.0199, 1.0, 13.5))
    basis = build_nebular_basis(grid, bins, Instrument())
    assert basis.n_young == 2
    assert 0.0 < float(basis.line_lum[1].max()) < 1e-3 * float(basis.line_lum[0].max())


def test_interpolation_returns_the_basis_at_its_own_nodes(basis):
    for name, values in basis.interpolated(basis.mh, basis.log_u).items():
        torch.testing.assert_close(values, getattr(basis, name), rtol=1e-5, atol=0, msg=name)


def test_interpolation_stays_between_its_neighbours(basis):
    mh, log_u = torch.tensor([-0.8, -0.1]), torch.tensor([-3.8, -3.1, -2.2])
    lines = basis.interpolated(mh, log_u)["line_lum"]
    assert lines.shape == (2, 2, 3, 5)
    for i, met in enumerate((1, 2)):
        for j, u in enumerate((0, 1, 3)):
            corners = basis.line_lum[:, met : met + 2, u : u + 2].flatten(1, 2)
            assert bool((lines[:, i, j] >= corners.amin(1) * 0.9999).all())
            assert bool((lines[:, i, j] <= corners.amax(1) * 1.0001).all())
    # the toy oxygen is a power law in U, which a cubic of the logarithm finds exactly
    slope = torch.log10(lines[0, 0, 2, 2] / lines[0, 0, 0, 2]) / 1.6
    assert float(slope) == pytest.approx(0.8, abs=1e-4)


def test_a_little_beyond_the_metallicities_takes_the_last_one(basis):
    edge = torch.tensor([float(basis.mh[-1]) + 0.9 * MH_TOLERANCE])
    beyond = basis.interpolated(edge, basis.log_u)["line_lum"][:, 0]
    torch.testing.assert_close(beyond, basis.line_lum[:, -1], rtol=1e-5, atol=0)


@pytest.mark.parametrize(
    ("mh", "log_u", "message"),
    [
        ([-2.5, 0.0], [-3.0], r"covers -2\.30 to 0\.45 on its axis \[M/H\], asked for -2\.50 to"),
        ([0.0, 0.6], [-3.0], r"'toy' .* \[M/H\], asked for 0\.00 to 0\.60: narrow the prior"),
        ([0.0], [-4.2, -3.0], r"covers -4\.00 to -2\.00 on its axis log U, asked for -4\.20 to"),
        ([0.0], [-3.0, -1.0], r"log U, asked for -3\.00 to -1\.00"),
    ],
)
def test_nodes_outside_the_grid_are_refused(basis, mh, log_u, message):
    with pytest.raises(ValueError, match=message):
        basis.interpolated(torch.tensor(mh), torch.tensor(log_u))
