from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from amortized_sfh.data.cube_files.cube_file import open_cube
from amortized_sfh.data.files.fits_files import InputWarning
from amortized_sfh.data.hst.bands_on_cube import convolve_and_project, project_bands
from amortized_sfh.data.hst.image import HstImage
from amortized_sfh.data.hst.read_image import read_hst_image
from amortized_sfh.data.hst.weight_map import WeightMap

FWHM = 2.3548


def source(shape=(400, 460), width=12.0, at=(210.0, 190.0)):
    y, x = np.mgrid[: shape[0], : shape[1]]
    r2 = (x - at[0]) ** 2 + (y - at[1]) ** 2
    return (np.exp(-0.5 * r2 / width**2) + 1e-12).astype(np.float32)


def image(sky, data, angle=0.4, **extra):
    wcs = sky(data.shape[1], data.shape[0], 0.04, angle)
    return HstImage("F814W", data, 1.0, wcs, sigma=np.full(data.shape, 0.01), **extra)


@pytest.mark.parametrize("angle", [0.0, 0.4, 2.0])
@pytest.mark.parametrize(("scale", "n"), [(0.2, 60), (0.05, 160)], ids=["coarse", "fine"])
def test_flux_is_conserved(sky, angle, scale, n):
    data = source((180, 200), width=7.0, at=(102.0, 87.0))
    out = convolve_and_project(
        image(sky, data, angle), sky(n, n, scale), (n, n), psf_fwhm_arcsec=0.8
    )
    assert np.nansum(out.flux) == pytest.approx(data.sum(), rel=1e-3)


def test_result_has_the_cubes_psf_and_position(sky):
    data = source(width=2.0, at=(250.0, 150.0))
    hst = image(sky, data, angle=0.4)
    wcs = sky(60, 60, 0.2)
    out = convolve_and_project(hst, wcs, (60, 60), psf_fwhm_arcsec=0.9).flux
    y, x = np.mgrid[:60, :60]
    total = np.nansum(out)
    at = np.array([np.nansum(out * x), np.nansum(out * y)]) / total
    expected = wcs.world_to_pixel(hst.wcs.pixel_to_world(250.0, 150.0))
    np.testing.assert_allclose(at, expected, atol=0.01)
    width = np.sqrt(np.nansum(out * (x - at[0]) ** 2) / total) * 0.2
    kernel = (0.9**2 - 0.08**2) / FWHM**2
    assert width == pytest.approx(np.sqrt(kernel + 0.08**2 + 0.2**2 / 12), rel=0.01)


def test_errors_match_the_scatter_of_many_skies(sky):
    rng = np.random.default_rng(3)
    wcs, spaxels, sums = sky(12, 12, 0.2), [], []
    for _ in range(30):
        data = (5.0 + rng.normal(0.0, 0.01, (90, 90))).astype(np.float32)
        out = convolve_and_project(image(sky, data, 0.3), wcs, (12, 12), psf_fwhm_arcsec=0.6)
        spaxels.append(out.flux[3:9, 3:9].ravel())
        sums.append(out.flux.sum())
    assert np.std(spaxels, axis=0).mean() == pytest.approx(out.sigma[5, 5], rel=0.1)
    bins = np.zeros((12, 12), dtype=int)
    flux, sigma, _ = out.coadd(bins, np.ones((12, 12)))
    assert flux[0] == pytest.approx(sums[-1], rel=1e-5)
    assert 0.7 < np.std(sums) / sigma[0] < 1.3


def test_holes_are_bridged_if_small_and_missing_if_large(sky):
    data = np.full((300, 300), 4.0, dtype=np.float32)
    data[150, 150] = np.nan
    data[:, :90] = 0.0
    out = convolve_and_project(image(sky, data, 0.0), sky(50, 50, 0.2), (50, 50)).flux
    seen = np.isfinite(out)
    assert not seen[25, 3]
    assert seen[25, 40]
    np.testing.assert_allclose(out[seen], 4.0 * 25, rtol=1e-3)


@pytest.mark.parametrize("how", ["nan", "zero", "weight", "mask", "error"])
def test_flux_is_conserved_with_missing_pixels(sky, how):
    """Bad columns, hot pixels and a saturated star beside the source: the rest is all there."""
    data = source((300, 320), width=9.0, at=(162.0, 147.0)) + 0.01
    clean = convolve_and_project(image(sky, data), sky(30, 26, 0.2), (26, 30), 0.8).flux
    bad = np.zeros(data.shape, dtype=bool)
    bad[:, 100] = True
    bad[tuple(np.random.default_rng(1).integers(80, 220, (2, 150)))] = True
    bad[200:203, 210:213] = True
    spoiled, extra = data.copy(), {}
    spoiled[bad] = {"nan": np.nan, "zero": 0.0}.get(how, 1e3)
    if how == "weight":
        extra["weight"] = WeightMap(np.where(bad, 0.0, 1e4), "variance")
    elif how == "mask":
        extra["missing"] = bad.astype(np.int16) * 256
    elif how == "error":
        extra["sigma"] = np.where(bad, np.nan, 0.01)
    hst = replace(image(sky, spoiled), **extra)
    out = convolve_and_project(hst, sky(30, 26, 0.2), (26, 30), 0.8).flux
    assert np.isfinite(out).all()
    assert out.sum() == pytest.approx(clean.sum(), rel=1e-3)


@pytest.mark.parametrize(("radius", "kept"), [(2, True), (12, False)])
def test_a_band_needs_nine_tenths_of_the_footprint(sky, radius, kept):
    """The footprint is the PSF's: a hole of the size of the PSF leaves the spaxel without band."""
    y, x = np.mgrid[:300, :300]
    hole = np.hypot(x - 150, y - 150) < radius
    hst = replace(image(sky, np.full((300, 300), 4.0, np.float32)), missing=hole.astype(int))
    out = convolve_and_project(hst, sky(51, 51, 0.2), (51, 51), 0.8)
    assert np.isfinite(out.flux[25, 25]) == kept
    assert np.isfinite(out.flux[25, 40])
    seen = np.isfinite(out.flux)
    np.testing.assert_allclose(out.flux[seen], 100.0, rtol=1e-4)


def test_a_hole_in_the_footprint_enlarges_the_error(sky):
    hole = np.zeros((300, 300))
    hole[150:153, 150:153] = 1
    hst = replace(image(sky, np.full((300, 300), 4.0, np.float32)), missing=hole)
    sigma = convolve_and_project(hst, sky(51, 51, 0.2), (51, 51), 0.8).sigma
    assert 1.0 < sigma[25, 25] / sigma[25, 40] < 1.06


def test_error_of_the_sky_level_is_shared(sky):
    data = np.full((200, 200), 4.0, dtype=np.float32)
    hst = replace(image(sky, data), background_sigma=0.02)
    out = convolve_and_project(hst, sky(20, 20, 0.2), (20, 20), 0.8)
    assert out.shared_sigma == pytest.approx(0.02 * 25, rel=1e-4)
    assert out.notes["SKYSUB"] == "0 +- 0.02"


def test_background_is_removed(sky):
    data = np.full((200, 200), 4.0, dtype=np.float32)
    out = convolve_and_project(image(sky, data, background=1.0), sky(20, 20, 0.2), (20, 20)).flux
    np.testing.assert_allclose(out, 3.0 * 25, rtol=1e-3)


@pytest.mark.parametrize("shift", [[0.0, 0.05], [180.0, 0.0]], ids=["near", "antipode"])
def test_no_overlap(sky, shift):
    hst = image(sky, source())
    hst.wcs.wcs.crval = hst.wcs.wcs.crval + np.array(shift)
    hst.wcs.wcs.set()
    with pytest.raises(ValueError, match="does not overlap"):
        convolve_and_project(hst, sky(20, 20, 0.2), (20, 20))


def test_only_blank_frame_over_the_cube(sky):
    hst = image(sky, np.zeros((300, 300), dtype=np.float32))
    with pytest.raises(ValueError, match="does not overlap"):
        convolve_and_project(hst, sky(20, 20, 0.2), (20, 20))


def test_psf_sharper_than_hst(sky):
    with pytest.raises(ValueError, match=r"psf_fwhm_arcsec is 0\.05"):
        convolve_and_project(image(sky, source()), sky(20, 20, 0.2), (20, 20), psf_fwhm_arcsec=0.05)


def test_alignment_recovers_a_displaced_wcs(write_cube, write_hst, sky):
    """The image is placed 0.9 and 0.5 arcsec off; aligned, it falls on the cube's own light."""
    fine = gaussian_filter(source((420, 460), width=14.0, at=(250.0, 190.0)), 1.0) * 50
    true = sky(460, 420, 0.04)
    wrong = true.deepcopy()
    wrong.wcs.crval = true.wcs.crval + np.array([0.9, -0.5]) / 3600.0
    hst = read_hst_image(write_hst(fine, band="F555W", wcs=true))
    light = convolve_and_project(hst, sky(40, 30, 0.2), (30, 40), 0.8).flux
    # F555W ends at 7100 Å: 1900 planes cover enough of it.
    cube = open_cube(write_cube(flux=np.ones((1900, 1, 1)) * light))
    window = (slice(0, 30), slice(0, 40))
    moved = {"F555W": write_hst(fine, band="F555W", wcs=wrong, name="wrong.fits")}
    with pytest.warns(
        InputWarning, match=r"F555W image wrong\.fits lies -4\.\d\d, -2\.5\d spaxels"
    ):
        off = project_bands(moved, cube, window, psf_fwhm_arcsec=0.8)["F555W"]
    aligned = project_bands(moved, cube, window, psf_fwhm_arcsec=0.8, align=True)["F555W"]
    error_before = np.nanmax(np.abs(off.flux - light)) / light.max()
    error_after = np.nanmax(np.abs(aligned.flux - light)) / light.max()
    assert error_before > 0.3
    assert error_after < 0.002
    for band, done in ((off, "left"), (aligned, "corrected")):
        assert band.notes["OFFREF"] == "MUSE F555W"
        assert band.notes["OFFSET"].startswith("-4.")
        assert band.notes["OFFSET"].endswith(done)


def test_an_offset_that_cannot_be_measured(write_cube, write_hst):
    cube = open_cube(write_cube(flux=np.full((1900, 30, 40), 10.0)))
    window = (slice(0, 30), slice(0, 40))
    hst = {"F555W": write_hst(np.full((400, 400), 2.0))}
    band = project_bands(hst, cube, window, psf_fwhm_arcsec=0.8)["F555W"]
    assert band.notes["OFFSET"] == "not measured (MUSE F555W)"
    with pytest.raises(ValueError, match="cannot be aligned: the images do not resemble"):
        project_bands(hst, cube, window, psf_fwhm_arcsec=0.8, align=True)
