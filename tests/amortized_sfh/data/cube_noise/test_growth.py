from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from amortized_sfh.data.cube_files.cube_file import open_cube
from amortized_sfh.data.cube_noise.growth import (
    NOISE_GROWTH,
    measure_growth_law,
    measure_noise_growth,
)
from simulators.noise.growth import noise_growth_factor


def growth_of(noise, write_cube, galaxy=50.0):
    n_plane, ny, nx = noise.shape
    y, x = np.mgrid[:ny, :nx]
    light = galaxy * np.exp(-np.hypot(x - 20, y - 15) / 12.0)
    lines = 1.0 + 0.3 * np.sin(np.arange(n_plane) / 3.0)
    cube = open_cube(write_cube(flux=noise + lines[:, None, None] * light))
    window = (slice(0, ny), slice(0, nx))
    return measure_noise_growth(cube, window, slice(0, n_plane))


def test_factor():
    assert noise_growth_factor(np.array(1)) == 1.0
    assert noise_growth_factor(np.array(100), 0.5) == 2.0


def test_independent_spaxels_do_not_grow(write_cube):
    noise = np.random.default_rng(1).normal(size=(250, 40, 40))
    assert growth_of(noise, write_cube) < 0.04


def test_correlated_spaxels_grow_as_their_sums_do(write_cube):
    noise = np.random.default_rng(2).normal(size=(250, 40, 40))
    noise = gaussian_filter(noise, (0, 0.6, 0.6), mode="wrap")
    noise /= noise.std()
    boxes = noise.reshape(250, 8, 5, 8, 5).sum(axis=(2, 4))
    truth = boxes.std() / 5.0
    slope = growth_of(noise, write_cube)
    assert noise_growth_factor(np.array(25), slope) == pytest.approx(truth, rel=0.12)


def test_too_small_a_region_gets_the_cautious_default(write_cube):
    noise = np.random.default_rng(1).normal(size=(250, 5, 5))
    assert growth_of(noise, write_cube) == NOISE_GROWTH


def test_the_law_is_told_as_measured(write_cube):
    noise = np.random.default_rng(2).normal(size=(250, 40, 40))
    noise = gaussian_filter(noise, (0, 1.5, 1.5), mode="wrap")
    cube = open_cube(write_cube(flux=noise / noise.std()))
    region = (slice(0, 40), slice(0, 40)), slice(0, 250)
    law = measure_growth_law(cube, *region)
    assert law.n_spaxels.tolist() == [1, 4, 9, 16, 25, 36, 64]
    assert law.excess[0] == 1.0
    assert (np.diff(law.excess) > 0.0).all()
    assert law.slope > NOISE_GROWTH
    assert measure_noise_growth(cube, *region) == NOISE_GROWTH


def test_no_law_from_too_small_a_region(write_cube):
    cube = open_cube(write_cube(flux=np.random.default_rng(1).normal(size=(250, 5, 5))))
    with pytest.raises(ValueError, match=r"region of 5 x 5 spaxels .* choose a larger region"):
        measure_growth_law(cube, (slice(0, 5), slice(0, 5)), slice(0, 250))
