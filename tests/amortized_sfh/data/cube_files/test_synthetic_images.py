from __future__ import annotations

import numpy as np
import pytest

from amortized_sfh.data.cube_files import synthetic_images as module
from amortized_sfh.data.cube_files.cube_file import open_cube
from amortized_sfh.data.cube_files.synthetic_images import synthetic_image, white_image
from simulators.instruments.filters import read_filter

WINDOW = (slice(0, 6), slice(0, 8))


@pytest.fixture
def cube(write_cube):
    flux = np.ones((1900, 6, 8)) * np.arange(1.0, 49.0).reshape(6, 8)
    flux[:, 0, 0] = np.nan
    flux[300:, 0, 1] = np.nan
    return open_cube(write_cube(flux=flux))  # ends at 7125 Å


def test_only_bands_that_the_cube_sees(cube):
    assert synthetic_image(cube, WINDOW, read_filter("F275W")) is None
    assert synthetic_image(cube, WINDOW, read_filter("F814W")) is None
    for image in (synthetic_image(cube, WINDOW, read_filter("F555W")), white_image(cube, WINDOW)):
        assert np.isnan(image[0, 0])
        np.testing.assert_allclose(image.ravel()[1:], np.arange(2.0, 49.0), rtol=1e-5)


def test_photons_are_counted(write_cube):
    wave = 4749.89 + 1.25 * np.arange(3800)  # to 9500 Å, which cuts F814W
    spectrum = (wave / 6000.0) ** 3
    cube = open_cube(write_cube(flux=spectrum[:, None, None] * np.ones((1, 6, 8))))
    curve = read_filter("F814W")
    photons = wave * np.interp(wave, curve.wave_aa, curve.throughput)
    expected = np.trapezoid(photons * spectrum, wave) / np.trapezoid(photons, wave)
    image = synthetic_image(cube, WINDOW, curve)
    np.testing.assert_allclose(image, expected, rtol=1e-3)


def test_part_of_the_wavelengths_is_enough_for_large_regions(cube, monkeypatch):
    whole = synthetic_image(cube, WINDOW, read_filter("F555W"))
    monkeypatch.setattr(module, "_MAX_VALUES", 1e4)
    part = synthetic_image(cube, WINDOW, read_filter("F555W"))
    np.testing.assert_allclose(part, whole, rtol=1e-5)
