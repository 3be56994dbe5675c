from __future__ import annotations

import numpy as np
import pytest

from amortized_sfh.data.hst.background_tiles import cut_tiles, tile_windows
from amortized_sfh.data.hst.sky_level import measure_sky

NOISE = 0.01


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
