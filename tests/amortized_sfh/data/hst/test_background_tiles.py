from __future__ import annotations

import numpy as np
import pytest

from amortized_sfh.data.hst.background_tiles import (
    cut_tiles,
    measure_background_noise,
    tile_windows,
)


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
