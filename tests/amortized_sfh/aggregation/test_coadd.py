"""Sums of spectra."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from astropy.io import fits

from amortized_sfh.aggregation.coadd import coadd
from amortized_sfh.data.cubes.cube_data import CubeData
from simulators.noise.growth import NOISE_GROWTH


@pytest.fixture
def observation(small_observation):
    """Eight spectra of one redshift, complete but for the masks that all share."""
    part = small_observation[:8]
    valid = torch.ones_like(part.valid)
    valid[:, 50:60] = False
    phot_valid = torch.ones_like(part.phot_valid)
    phot_sigma = part.phot_sigma.abs() + 0.01
    return replace(
        part,
        valid=valid,
        sigma=0.1 * torch.ones_like(part.sigma),
        flux=1.0 + part.flux.abs(),
        phot_valid=phot_valid,
        phot_sigma=phot_sigma,
        redshift=torch.full((8,), 0.003),
    )


def test_fluxes_and_variances_add(observation):
    one = coadd(observation, [1, 4, 6], noise_growth=0.0)
    chosen = observation[[1, 4, 6]]
    assert len(one) == 1
    good = one.valid[0]
    assert good.tolist() == chosen.valid[0].tolist()
    torch.testing.assert_close(one.flux[0, good], chosen.flux.sum(0)[good])
    torch.testing.assert_close(one.sigma[0, good], 0.1 * 3**0.5 * torch.ones(int(good.sum())))
    torch.testing.assert_close(one.phot[0], chosen.phot.sum(0))
    torch.testing.assert_close(one.phot_sigma[0], chosen.phot_sigma.square().sum(0).sqrt())


def test_noise_grows_with_correlated_spaxels(observation):
    quiet = coadd(observation, np.arange(8), noise_growth=0.0)
    grown = coadd(observation, np.arange(8), noise_growth=1.0)
    ratio = grown.sigma[0, 0] / quiet.sigma[0, 0]
    assert float(ratio) == pytest.approx(1.0 + np.log10(8.0), rel=1e-5)


def test_a_gap_in_one_spectrum_is_made_up_for(observation):
    valid = observation.valid.clone()
    faint = replace(observation, valid=valid)
    faint.flux[2] *= 1e-3
    valid[2, 100] = False
    one = coadd(faint, np.arange(8), noise_growth=0.0)
    assert bool(one.valid[0, 100])
    assert float(one.flux[0, 100]) == pytest.approx(float(faint.flux[:, 100].sum()), rel=0.02)


def test_common_errors_of_bands_add_linearly(observation):
    row = np.arange(8).reshape(2, 4)
    shared = 0.5 * observation.phot_sigma.numpy()
    data = CubeData(
        observation=observation,
        row=row,
        label=np.arange(8),
        n_spaxels=np.ones(8, dtype=int),
        flag=np.zeros(8, dtype=np.int32),
        spaxel_flag=np.zeros((2, 4), dtype=np.int32),
        header=fits.Header(),
        noise_scale=np.ones(8),
        shared_phot_sigma=shared,
    )
    one = coadd(data, row < 8, noise_growth=0.0)
    own = 0.75 * observation.phot_sigma.square().sum(0)
    expected = (own + torch.from_numpy(shared).sum(0).square()).sqrt()
    torch.testing.assert_close(one.phot_sigma[0], expected)
    alone = coadd(observation, row.ravel(), noise_growth=0.0)
    assert bool((one.phot_sigma > alone.phot_sigma).all())


def test_different_redshifts_cannot_be_added(observation):
    moved = replace(observation, redshift=0.003 + 0.001 * torch.arange(8.0))
    with pytest.raises(
        ValueError, match=r"redshifts from 0\.003 to 0\.01; expected spectra of one galaxy"
    ):
        coadd(moved, np.arange(8))


def test_empty_region(observation):
    with pytest.raises(ValueError, match="region is empty"):
        coadd(observation, [])


@pytest.mark.parametrize(("own", "expected"), [(0.3, 0.3), (0.0, 0.0), (None, NOISE_GROWTH)])
def test_noise_grows_as_that_of_the_cube(observation, own, expected):
    data = CubeData(
        observation=observation,
        row=np.arange(8).reshape(2, 4),
        label=np.arange(8),
        n_spaxels=np.ones(8, dtype=int),
        flag=np.zeros(8, dtype=np.int32),
        spaxel_flag=np.zeros((2, 4), dtype=np.int32),
        header=fits.Header(),
        noise_scale=np.ones(8),
        noise_growth=own,
    )
    every = np.arange(8)
    torch.testing.assert_close(
        coadd(data, every).sigma, coadd(observation, every, noise_growth=expected).sigma
    )
    if own is not None:
        given = coadd(data, every, noise_growth=0.9)
        assert bool((given.sigma > coadd(data, every).sigma).any())
