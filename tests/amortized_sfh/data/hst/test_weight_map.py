"""Weight maps against noise that went through drizzle itself."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest

from amortized_sfh.data.files.fits_files import InputFileError
from amortized_sfh.data.hst.background import BackgroundNoise
from amortized_sfh.data.hst.bands_on_cube import convolve_and_project
from amortized_sfh.data.hst.pixel_noise import estimate_variance
from amortized_sfh.data.hst.read_image import read_hst_image
from amortized_sfh.data.hst.weight_map import (
    WeightMap,
    calibrate_weights,
    drizzle_noise_ratio,
    weight_kind,
    weights_include_photon_noise,
)


class Drizzled(NamedTuple):
    image: np.ndarray
    weight: np.ndarray


def overlap(n_out, scale, n_in, pixfrac, start):
    """Share of each drop (n_in) that falls into each output pixel (n_out), along one axis."""
    low = (np.arange(n_in) + start + 0.5 - 0.5 * pixfrac)[None, :]
    left = (np.arange(n_out) * scale)[:, None]
    common = np.minimum(low + pixfrac, left + scale) - np.maximum(low, left)
    return np.maximum(common, 0.0) / pixfrac


def drizzle(n_out, rng, *, scale=1.0, pixfrac=0.8, n_frames=4, sigma=0.02, sky=0.0):
    """Drizzle frames of noise, weighed by their inverse variance (Fruchter & Hook 2002).

    Weights are scaled by the fourth power of the pixel ratio, as AstroDrizzle does for ERR and IVM.
    """
    n_in = int(n_out * scale) + 4
    total, weight = np.zeros((2, n_out, n_out))
    for _ in range(n_frames):
        rows, columns = (overlap(n_out, scale, n_in, pixfrac, -rng.uniform(1, 2)) for _ in "yx")
        frame = sky / scale**2 + rng.normal(0.0, sigma, (n_in, n_in))
        total += rows @ frame @ columns.T * scale**2 / sigma**2
        weight += np.outer(rows.sum(axis=1), columns.sum(axis=1)) / sigma**2
    return Drizzled(total / weight, weight / scale**4)


@pytest.mark.parametrize(("pixfrac", "scale"), [(1.0, 1.0), (0.8, 1.0), (1.0, 0.6)])
def test_weights_of_drizzle_hold_for_sums_and_r_for_pixels(pixfrac, scale):
    rng = np.random.default_rng(3)
    sums, pixels, estimates, r = [], [], [], drizzle_noise_ratio(pixfrac / scale)
    for _ in range(6):
        out = drizzle(200, rng, pixfrac=pixfrac, scale=scale)
        blocks = (v.reshape(10, 20, 10, 20).sum(axis=(1, 3)) for v in (out.image, 1 / out.weight))
        total, variance = blocks
        sums.append((total**2).mean() / variance.mean())
        pixels.append((out.image**2 * out.weight).mean())
        everywhere = np.ones(out.image.shape, dtype=bool)
        estimate = estimate_variance(out.image, everywhere, noise_ratio=r)[0, 0]
        estimates.append(estimate * np.median(out.weight))
    assert np.sqrt(np.mean(sums)) == pytest.approx(1.0, abs=0.08)
    assert np.sqrt(np.mean(pixels)) == pytest.approx(1.0 / r, rel=0.08)
    assert np.sqrt(np.mean(estimates)) == pytest.approx(1.0, abs=0.1)


def test_noise_ratio_of_fruchter_and_hook():
    assert drizzle_noise_ratio(1.0) == pytest.approx(1.5)
    assert drizzle_noise_ratio(0.6 / 0.5) == pytest.approx(1.2 / (1 - 1 / 3.6))
    assert drizzle_noise_ratio(1e-9) == pytest.approx(1.0)
    with pytest.raises(ValueError, match="above 0"):
        drizzle_noise_ratio(0.0)


@pytest.mark.parametrize("per_pixel", [False, True], ids=["drizzle", "per pixel"])
@pytest.mark.parametrize("keywords", [True, False], ids=["keywords", "measured"])
def test_sigma_of_bands_is_the_scatter_of_many_images(write_hst, sky, per_pixel, keywords):
    """Spaxels scatter as they claim, whatever the weights mean and the header tells."""
    rng, claimed, scatter = np.random.default_rng(5), [], []
    header = {"D001PIXF": 0.8, "D001ISCL": 0.04} if keywords else {}
    for _ in range(8):
        out = drizzle(260, rng, sky=1.0)
        weight = out.weight * (drizzle_noise_ratio(0.8) ** 2 if per_pixel else 1.0)
        path = write_hst(out.image, wcs=sky(260, 260, 0.04, 0.3), header=header)
        image = read_hst_image(path, weight=weight, sky=(1.0, 0.0))
        band = convolve_and_project(image, sky(16, 16, 0.2), (16, 16), 0.5)
        claimed.append(band.sigma[2:14, 2:14].mean())
        scatter.append(band.flux[2:14, 2:14])
    assert np.mean(claimed) == pytest.approx(np.std(scatter), rel=0.1 if keywords else 0.15)


@pytest.mark.parametrize(
    ("typical", "unit", "name", "exposure", "kind"),
    [
        (2000.0, "s", "", 0.0, "exposure"),
        (2000.0, "1/(electrons/s)**2", "", 2000.0, "variance"),
        (3e4, "ELECTRONS", "hlsp_ngc3627_f275w_v1_err-drc-wht.fits", 0.0, "variance"),
        (3e4, "", "hlsp_ngc3627_f275w_v1_exp-drc-wht.fits", 0.0, "exposure"),
        (611.2, "COUNTS", "u59n0201r_drz.fits", 600.0, "exposure"),
        (28_000.0, "", "", 2000.0, "variance"),
        (4000.0, "", "", 2000.0, None),
        (4000.0, "", "", 0.0, None),
    ],
)
def test_kinds(typical, unit, name, exposure, kind):
    assert weight_kind(typical, unit, name, exposure) == kind


def test_a_map_that_is_no_inverse_variance():
    ones = WeightMap(np.ones((4, 4)), "variance")
    for sigma in (0.02, 20.0):
        with pytest.raises(InputFileError, match=r"no inverse variance.*ERR or IVM"):
            calibrate_weights(ones, BackgroundNoise(sigma, 1.4, 1.0), 1.4, True, "w.fits")
    nothing = BackgroundNoise(np.nan, 1.0, np.nan)
    assert calibrate_weights(ones, nothing, 1.4, False, "w.fits").noise_factor == 1.0
    exposure = WeightMap(np.ones((4, 4)), "exposure")
    assert calibrate_weights(exposure, BackgroundNoise(0.02, 1.4, 1.0), 1.4, True, "w") is exposure


def test_unknown_kind():
    with pytest.raises(ValueError, match="'inverse'"):
        WeightMap(np.ones((4, 4)), "inverse")


@pytest.mark.parametrize("included", [True, False])
def test_photon_noise_in_the_weights_is_seen(included):
    rng = np.random.default_rng(8)
    counts = np.linspace(0.0, 2.0, 30)[:, None, None] + rng.normal(0.0, 0.01, (30, 16, 16))
    variance = 1e-4 + (counts / 1000.0 if included else 0.0) + 0.0 * counts
    weights = 1.0 / np.maximum(variance, 5e-5)
    assert weights_include_photon_noise(counts, weights, 1000.0) == included
    assert weights_include_photon_noise(counts, weights, 0.0)  # nothing to add
    assert not weights_include_photon_noise(
        counts - counts.mean(axis=(1, 2), keepdims=True), weights, 1000.0
    )
