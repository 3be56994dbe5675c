from __future__ import annotations

import numpy as np
import pytest

from amortized_sfh.cubes.offset import measure_offset
from amortized_sfh.cubes.synthetic import synthetic_image, white_image
from amortized_sfh.cubes.cube_file import open_cube
from simulators.filters import read_filter


def galaxy(shape, x0, y0):
    y, x = np.mgrid[: shape[0], : shape[1]]
    arms = 1 + 0.3 * np.cos(2 * np.arctan2(y - y0, x - x0) - 0.3 * np.hypot(x - x0, y - y0))
    return np.exp(-np.hypot(x - x0, y - y0) / 8.0) * arms


@pytest.mark.parametrize(("dx", "dy"), [(0.0, 0.0), (3.3, -2.6), (-5.0, 4.5)])
def test_offset_with_a_fraction_of_a_pixel(dx, dy):
    reference = galaxy((40, 50), 24.0, 18.0)
    reference += np.random.default_rng(0).normal(0, 0.005, reference.shape)
    reference[:3, :3] = np.nan
    image = 2.5 * galaxy((56, 66), 24.0 + 8 + dx, 18.0 + 8 + dy) + 1.0
    offset = measure_offset(image, reference, max_shift=8)
    assert offset.dx == pytest.approx(dx, abs=0.15)
    assert offset.dy == pytest.approx(dy, abs=0.15)
    assert offset.score > 0.95


def test_images_that_have_nothing_in_common():
    rng = np.random.default_rng(1)
    with pytest.raises(ValueError, match="do not resemble"):
        measure_offset(rng.normal(size=(36, 36)), rng.normal(size=(30, 30)), max_shift=3)


def test_offset_beyond_the_search():
    image = galaxy((46, 56), 24.0 + 3 + 6, 18.0 + 3)
    with pytest.raises(ValueError, match="edge of the search"):
        measure_offset(image, galaxy((40, 50), 24.0, 18.0), max_shift=3)


def test_shapes_that_do_not_fit():
    with pytest.raises(ValueError, match="3 pixels more"):
        measure_offset(np.ones((40, 40)), np.ones((40, 40)), max_shift=3)


def test_synthetic_images_only_where_the_cube_sees_the_band(write_cube):
    flux = np.ones((1900, 6, 8)) * np.arange(1.0, 49.0).reshape(6, 8)
    flux[:, 0, 0] = np.nan
    cube = open_cube(write_cube(flux=flux))
    curves = {band: read_filter(band) for band in ("F275W", "F555W", "F814W")}
    images, white = synthetic_images(cube, (slice(0, 6), slice(0, 8)), curves)
    assert set(images) == {"F555W"}  # this cube ends at 7125 Å
    for image in (images["F555W"], white):
        assert np.isnan(image[0, 0])
        np.testing.assert_allclose(image.ravel()[1:], np.arange(2.0, 49.0), rtol=1e-5)
