from __future__ import annotations

import numpy as np
import pytest

from amortized_sfh.data.hst.background import (
    cut_tiles,
    measure_background_noise,
    measure_sky,
    tile_windows,
)

NOISE = 0.01


@pytest.mark.parametrize(
    ("shape", "side", "n"), [((800, 900), 64, 144), ((130, 150), 32, 16), ((10, 40), 32, 0)]
)
def test_tiles_are_spread_over_the_image(shape, side, n):
    windows = tile_windows(shape)
    assert len(windows) == n
    for rows, columns in windows:
        assert rows.stop - rows.start == columns.stop - columns.start == side
        assert rows.stop <= shape[0]
        assert columns.stop <= shape[1]
    if windows:
        assert (windows[0][0].start, windows[0][1].start) == (0, 0)
        assert (windows[-1][0].stop, windows[-1][1].stop) == shape


def test_tiles_without_data_are_blank():
    data = np.ones((160, 160))
    seen = np.ones((160, 160), dtype=bool)
    seen[:25, :] = False
    seen[100, 100] = False
    windows = tile_windows(data.shape)
    tiles = cut_tiles(data, [seen[part] for part in windows])
    blank = np.isnan(tiles).all(axis=(1, 2))
    assert blank.tolist() == [part[0].start < 25 for part in windows]
    assert np.isnan(tiles).sum() == blank.sum() * tiles[0].size + 1


def test_an_image_smaller_than_a_tile():
    tiles = cut_tiles(np.ones((8, 8)), [])
    assert np.isnan(measure_background_noise(tiles).sigma)
    assert measure_background_noise(tiles).ratio == 1.0


def test_noise_under_a_galaxy_with_stars():
    rng = np.random.default_rng(2)
    y, x = np.mgrid[:512, :512]
    image = 3.0 * np.exp(-np.hypot(x - 256, y - 256) / 120) + rng.normal(0.0, 0.05, (512, 512))
    image[rng.integers(0, 512, 300), rng.integers(0, 512, 300)] += 5.0
    windows = tile_windows(image.shape)
    seen = [np.ones((64, 64), dtype=bool)] * len(windows)
    tiles = cut_tiles(image, seen)
    noise = measure_background_noise(tiles, np.full_like(tiles, 400.0))
    assert noise.sigma == pytest.approx(0.05, rel=0.05)
    assert noise.ratio == pytest.approx(1.0, abs=0.12)
    assert noise.weight == 400.0


def image_of(galaxy_scale, pedestal=0.0, waves=0.0, seed=1):
    """A galaxy in the middle of a frame with noise, stars and an uneven sky."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:640, :640]
    image = 2.0 * np.exp(-np.hypot(x - 320, y - 320) / galaxy_scale) + pedestal
    image += waves * np.sin(x / 70.0) * np.cos(y / 90.0)
    image[rng.integers(0, 640, 400), rng.integers(0, 640, 400)] += rng.exponential(0.5, 400)
    return image + rng.normal(0.0, NOISE, image.shape)


def sky_of(image):
    windows = tile_windows(image.shape)
    return measure_sky(cut_tiles(image, [np.ones((64, 64), dtype=bool)] * len(windows)))


@pytest.mark.parametrize("pedestal", [0.0, 0.003, -0.02])
def test_blank_sky_around_a_small_galaxy(pedestal):
    errors = []
    for seed in range(4):
        sky = sky_of(image_of(25.0, pedestal, seed=seed))
        assert sky.blank
        assert sky.sigma < 0.05 * NOISE
        errors.append((sky.level - pedestal) / sky.sigma)
    assert np.abs(errors).max() < 4.0


def test_an_uneven_sky_is_known_less_well():
    even, uneven = (sky_of(image_of(25.0, 0.003, waves)) for waves in (0.0, 0.001))
    assert uneven.blank
    assert uneven.sigma == pytest.approx(0.0005, rel=0.6)  # rms of the waves
    assert uneven.sigma > 3 * even.sigma
    assert uneven.level == pytest.approx(0.003, abs=3 * uneven.sigma)


def test_a_galaxy_that_fills_the_frame_leaves_no_blank_sky():
    image = image_of(250.0)
    sky = sky_of(image)
    assert not sky.blank
    assert sky.level < np.median(image)


def test_too_few_places_to_measure():
    sky = measure_sky(np.zeros((3, 16, 16)))
    assert np.isnan(sky.level)
    assert not sky.blank
