from __future__ import annotations

import numpy as np
import pytest

from amortized_sfh.data.cube_files.cube_file import open_cube
from amortized_sfh.data.hst.alignment import Registration, correct_wcs, register_images
from amortized_sfh.data.hst.bands_on_cube import convolve_and_project
from amortized_sfh.data.hst.image import HstImage
from amortized_sfh.data.hst.offset import Offset

SHAPE = (30, 40)
WINDOW = (slice(0, 30), slice(0, 40))


def light(seed, n=25):
    """Clumps on a smooth disc, in HST pixels."""
    y, x = np.mgrid[:420, :460]
    out = 30.0 * np.exp(-np.hypot(x - 230, y - 210) / 60.0)
    rng = np.random.default_rng(seed)
    for at_x, at_y, flux in zip(*rng.uniform(60, 380, (2, n)), rng.uniform(5, 60, n), strict=True):
        out += flux * np.exp(-0.5 * ((x - at_x) ** 2 + (y - at_y) ** 2) / 9.0)
    return out.astype(np.float32)


def project(image, wcs, size):
    return convolve_and_project(image, wcs, size, 0.8).flux


def hst(sky, band, data, arcsec=(0.0, 0.0)):
    """An image whose WCS is wrong by so many arcseconds."""
    wcs = sky(460, 420, 0.04)
    wcs.wcs.crval = wcs.wcs.crval + np.array(arcsec) / [3600.0 * np.cos(np.radians(13.0)), 3600.0]
    wcs.wcs.set()
    return HstImage(band, data, 1.0, wcs, sigma=np.full(data.shape, 0.01))


@pytest.fixture
def cube(write_cube, sky):
    """A cube to 9500 Å that shows one sky with noise of a typical synthetic image."""
    shown = convolve_and_project(hst(sky, "F814W", light(0)), sky(40, 30, 0.2), SHAPE, 0.8).flux
    noise = np.random.default_rng(7).normal(0.0, 0.5 * np.median(shown), (3800, *SHAPE))
    return open_cube(write_cube(flux=shown + noise))


def test_bands_that_the_cube_covers_are_compared_with_it(sky, cube):
    images = {
        "F555W": hst(sky, "F555W", light(0), (0.5, -0.3)),
        "F814W": hst(sky, "F814W", light(0), (-0.2, 0.6)),
    }
    found = register_images(images, cube, WINDOW, project)
    for band, (east, north) in (("F555W", (0.5, -0.3)), ("F814W", (-0.2, 0.6))):
        # x runs to the west, spaxels are 0.2 arcsec
        assert found[band].offset.dx == pytest.approx(-5 * east, abs=0.05)
        assert found[band].offset.dy == pytest.approx(5 * north, abs=0.05)
        assert found[band].reference == f"MUSE {band}"
        assert found[band].notable
        corrected = {band: correct_wcs(images[band], found[band].offset, cube.wcs)}
        again = register_images(corrected, cube, WINDOW, project)[band]
        assert abs(again.offset.dx) < 0.02
        assert abs(again.offset.dy) < 0.02
        assert not again.notable


def test_bands_on_one_frame_share_its_offset(sky, cube):
    images = {
        "F275W": hst(sky, "F275W", light(3), (0.3, 0.2)),  # shows other stars
        "F814W": hst(sky, "F814W", light(0), (0.3, 0.2)),
    }
    found = register_images(images, cube, WINDOW, project)
    assert found["F275W"].offset == found["F814W"].offset
    assert found["F275W"].reference == "WCS of F814W"


def test_other_bands_are_compared_with_the_nearest(sky, cube):
    images = {
        "F336W": hst(sky, "F336W", light(0) + 0.5 * light(3), (0.4, 0.0)),
        "F438W": hst(sky, "F438W", light(0) + 0.3 * light(3), (0.0, -0.4)),
        "F555W": hst(sky, "F555W", light(0), (-0.3, 0.1)),
    }
    found = register_images(images, cube, WINDOW, project)
    assert found["F438W"].reference == "HST F555W"
    assert found["F336W"].reference == "HST F438W"
    for band, (east, north) in (("F336W", (0.4, 0.0)), ("F438W", (0.0, -0.4))):
        assert found[band].offset.dx == pytest.approx(-5 * east, abs=0.15)
        assert found[band].offset.dy == pytest.approx(5 * north, abs=0.15)
        assert found[band].offset.sigma > found["F555W"].offset.sigma


def test_only_blue_bands_are_compared_with_white_light(sky, cube):
    images = {"F438W": hst(sky, "F438W", light(0), (0.2, 0.2))}
    found = register_images(images, cube, WINDOW, project)["F438W"]
    assert found.reference == "MUSE white light"
    assert found.offset.dx == pytest.approx(-1.0, abs=0.05)


def test_an_image_of_something_else_is_told(sky, cube):
    images = {
        "F275W": hst(sky, "F275W", light(5, 40)[::-1], (0.1, 0.0)),
        "F814W": hst(sky, "F814W", light(0)),
    }
    images["F275W"].data[:] = light(5, 60) - light(0)
    found = register_images(images, cube, WINDOW, project)
    assert found["F814W"].offset is not None
    assert found["F275W"].offset is None
    assert not found["F275W"].notable
    assert "do not resemble" in found["F275W"].problem


def test_of_large_regions_the_middle_is_compared(sky, cube, monkeypatch):
    monkeypatch.setattr("amortized_sfh.data.hst.alignment._MAX_SIDE", 24)
    images = {"F814W": hst(sky, "F814W", light(0), (0.5, -0.3))}
    found = register_images(images, cube, WINDOW, project)["F814W"]
    assert found.offset.dx == pytest.approx(-2.5, abs=0.06)


@pytest.mark.parametrize(
    ("offset", "notable"),
    [
        (Offset(0.2, 0.2, 0.9, 0.01), False),
        (Offset(0.3, 0.3, 0.9, 0.01), True),
        (Offset(0.3, 0.3, 0.9, 0.3), False),
        (None, False),
    ],
)
def test_notable(offset, notable):
    assert Registration(offset, "MUSE F814W").notable == notable
