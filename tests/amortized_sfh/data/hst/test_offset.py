from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from amortized_sfh.data.hst.offset import measure_offset

FINE = 4


def galaxy(shape, x0, y0, arms=0.3):
    """An exponential disc with arms and clumps, seen with a PSF of 4 pixels FWHM."""
    y, x = (np.mgrid[: shape[0] * FINE, : shape[1] * FINE] - 0.5 * (FINE - 1)) / FINE
    x, y = x - x0, y - y0
    r = np.hypot(x, y)
    light = np.exp(-r / 8.0) * (1 + arms * np.cos(2 * np.arctan2(y, x) - 0.3 * r))
    rng = np.random.default_rng(1)
    for _ in range(30 if arms else 0):
        distance, angle = rng.exponential(9.0), rng.uniform(0, 2 * np.pi)
        at = distance * np.cos(angle), distance * np.sin(angle)
        clump = np.exp(-2.0 * ((x - at[0]) ** 2 + (y - at[1]) ** 2))
        light += rng.exponential(0.15) * np.exp(-distance / 8.0) * clump
    seen = gaussian_filter(light, 1.7 * FINE)
    return seen.reshape(shape[0], FINE, shape[1], FINE).mean(axis=(1, 3))


def errors(snr, arms, n=6):
    """Errors of offsets of a galaxy with this S/N per spaxel at one scale length."""
    rng = np.random.default_rng(int(snr))
    out, claimed = [], []
    for dx, dy in rng.uniform(-4.0, 4.0, (n, 2)):
        reference = galaxy((40, 50), 24.0, 18.0, arms)
        reference += rng.normal(0.0, np.exp(-1) / snr, reference.shape)
        reference[:3, :3] = np.nan
        image = 2.5 * galaxy((56, 66), 24.0 + 8 + dx, 18.0 + 8 + dy, arms) + 1.0
        offset = measure_offset(image, reference, max_shift=8)
        out += [offset.dx - dx, offset.dy - dy]
        claimed.append(offset.sigma)
    return np.array(out), np.array(claimed)


@pytest.mark.parametrize("arms", [0.0, 0.3], ids=["smooth", "spiral"])
@pytest.mark.parametrize(("snr", "accuracy"), [(30.0, 0.04), (100.0, 0.015)])
def test_a_tenth_of_a_pixel_and_better(snr, accuracy, arms):
    error, claimed = errors(snr, arms)
    assert np.sqrt((error**2).mean()) < accuracy
    assert np.abs(error).max() < 0.1
    assert 0.4 < np.sqrt((error**2).mean()) / claimed.mean() < 1.6


def test_no_preference_for_whole_pixels():
    reference = galaxy((40, 50), 24.0, 18.0)
    for shift in (0.0, 0.25, 0.5, 0.75):
        image = galaxy((56, 66), 32.0 + shift, 26.0 - shift)
        offset = measure_offset(image, reference, max_shift=8)
        assert offset.dx == pytest.approx(shift, abs=0.005)
        assert offset.dy == pytest.approx(-shift, abs=0.005)
        assert offset.score > 0.99


@pytest.mark.parametrize(("hits", "accuracy"), [(0, 0.02), (8, 0.1)])
def test_gaps_gradients_and_cosmic_rays_do_not_matter(hits, accuracy):
    rng = np.random.default_rng(4)
    reference = galaxy((40, 50), 24.0, 18.0) + rng.normal(0.0, 0.003, (40, 50))
    reference += np.linspace(0.0, 0.3, 50)
    reference[:, 44] = np.nan
    image = galaxy((56, 66), 33.7, 23.6)
    image[10:12, 20:50] = np.nan
    spikes = np.zeros(image.shape)
    spikes[tuple(rng.integers(16, 46, (2, hits)))] = 8.0
    image += gaussian_filter(spikes, 1.7)  # up to half of the peak of the galaxy
    offset = measure_offset(image, reference, max_shift=8)
    assert offset.dx == pytest.approx(1.7, abs=accuracy)
    assert offset.dy == pytest.approx(-2.4, abs=accuracy)


def test_images_that_have_nothing_in_common():
    rng = np.random.default_rng(1)
    with pytest.raises(ValueError, match="do not resemble"):
        measure_offset(rng.normal(size=(36, 36)), rng.normal(size=(30, 30)), max_shift=3)


@pytest.mark.parametrize("value", [2.0, np.nan])
def test_images_without_structure(value):
    with pytest.raises(ValueError, match="do not resemble"):
        measure_offset(np.full((56, 66), value), galaxy((40, 50), 24.0, 18.0), max_shift=8)


def test_offset_beyond_the_search():
    image = galaxy((46, 56), 24.0 + 3 + 6, 18.0 + 3)
    with pytest.raises(ValueError, match="edge of the search"):
        measure_offset(image, galaxy((40, 50), 24.0, 18.0), max_shift=3)


@pytest.mark.parametrize(
    ("shape", "reference", "named"),
    [((40, 40), (40, 40), "3 pixels more"), ((12, 46), (6, 40), "6 x 40 spaxels")],
)
def test_shapes_that_do_not_fit(shape, reference, named):
    with pytest.raises(ValueError, match=named):
        measure_offset(np.ones(shape), np.ones(reference), max_shift=3)
