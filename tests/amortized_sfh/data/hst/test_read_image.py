from __future__ import annotations

import numpy as np
import pytest
from astropy.io import fits

from amortized_sfh.data.files.fits_files import InputFileError, InputWarning
from amortized_sfh.data.hst.pixel_noise import estimate_variance, image_variance
from amortized_sfh.data.hst.read_image import read_hst_image
from amortized_sfh.data.hst.weight_map import drizzle_noise_ratio


def test_photflam(write_hst):
    image = read_hst_image(write_hst())
    assert image.band == "F555W"
    assert image.flux_per_count == pytest.approx(18.0)
    assert image.electrons_per_count == 1000.0
    assert image.pixel_arcsec == pytest.approx(0.04)
    assert image.source == "f555w_drc.fits"


@pytest.mark.parametrize(
    ("band", "photflam", "pivot", "photfnu"),
    [  # header of NGC 3627's images
        ("F275W", 3.18585e-18, 2707.07, 7.87192e-07),
        ("F336W", 1.26612e-18, 3354.86, 4.81959e-07),
        ("F438W", 6.63951e-19, 4325.74, 4.23513e-07),
        ("F555W", 1.80962e-19, 5307.09, 1.73828e-07),
        ("F814W", 1.47727e-19, 8037.46, 3.26362e-07),
    ],
)
def test_photfnu_agrees_with_photflam(write_hst, band, photflam, pivot, photfnu):
    # The published PHOTFNU are 1 to 2.5 % above what PHOTFLAM and PHOTPLAM beside them say.
    by_fnu = read_hst_image(
        write_hst(band=band, header={"PHOTFNU": photfnu, "PHOTPLAM": pivot}, drop=["PHOTFLAM"])
    )
    by_flam = read_hst_image(write_hst(band=band, header={"PHOTFLAM": photflam}))
    assert by_fnu.flux_per_count == pytest.approx(by_flam.flux_per_count, rel=0.03)


def test_electrons_are_divided_by_the_exposure(write_hst):
    image = read_hst_image(write_hst(header={"BUNIT": "ELECTRONS"}))
    assert image.flux_per_count == pytest.approx(0.018)
    assert image.electrons_per_count == 1.0


def test_calibrated_images(write_hst):
    path = write_hst(header={"BUNIT": "1e-18 erg/s/cm2/A"}, drop=["PHOTFLAM"])
    assert read_hst_image(path).flux_per_count == pytest.approx(100.0)


def test_image_in_the_primary_hdu(tmp_path, sky):
    header = sky(20, 20, 0.04).to_header()
    header.update({"PHOTFLAM": 1e-19, "FILTER": "F336W", "EXPTIME": 100.0})
    path = tmp_path / "hlsp.fits"
    fits.PrimaryHDU(np.ones((20, 20), dtype=np.float32), header=header).writeto(path)
    assert read_hst_image(path).band == "F336W"


@pytest.mark.parametrize("key", ["FILTER", "FILTER2", "FILTNAM1"])
def test_band_of_every_camera(write_hst, key):
    path = write_hst(band="CLEAR", header={key: "F814W"})
    assert read_hst_image(path).band == "F814W"


@pytest.mark.parametrize(
    ("band", "given", "named"),
    [
        ("F555W", "F606W", "unknown band 'F606W'"),
        ("F555W", "F275W", "its header says F555W"),
        ("F606W", None, "header names the filters"),
    ],
)
def test_wrong_bands(write_hst, band, given, named):
    with pytest.raises(ValueError, match=named):
        read_hst_image(write_hst(band=band), given)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"drop": ["PHOTFLAM"]}, "neither PHOTFLAM nor PHOTFNU"),
        ({"header": {"PHOTFLAM": 0.0}}, "neither PHOTFLAM nor PHOTFNU"),
        ({"drop": ["CTYPE1", "CTYPE2"]}, "no celestial WCS"),
        ({"image": np.ones((3, 4, 5))}, "no 2-D image"),
    ],
)
def test_unusable_images(write_hst, sky, arguments, named):
    path = write_hst(wcs=sky(150, 120, 0.04), **arguments)
    with pytest.raises(InputFileError, match=named):
        read_hst_image(path)


def test_truncated(write_hst):
    path = write_hst()
    path.write_bytes(path.read_bytes()[:-30_000])
    with pytest.raises(InputFileError, match="truncated"):
        read_hst_image(path)


def test_error_maps(write_hst, tmp_path):
    path = write_hst()
    error = tmp_path / "err.fits"
    fits.PrimaryHDU(np.full((120, 150), 0.3)).writeto(error)
    for given in (error, np.full((120, 150), 0.3)):
        assert float(read_hst_image(path, error=given).sigma[5, 5]) == 0.3
    with pytest.raises(ValueError, match="error map has shape"):
        read_hst_image(path, error=np.ones((2, 2)))


def test_noise_of_an_image_without_error_map():
    rng = np.random.default_rng(5)
    y, x = np.mgrid[:200, :240]
    galaxy = 3.0 * np.exp(-np.hypot(x - 120, y - 100) / 40)
    counts = galaxy + rng.normal(0.0, 0.02, galaxy.shape)
    seen = np.ones(counts.shape, dtype=bool)
    variance = estimate_variance(counts, seen)
    assert np.sqrt(variance[0, 0]) == pytest.approx(0.02, rel=0.15)
    with_photons = estimate_variance(counts, seen, electrons_per_count=500.0)
    assert with_photons[100, 120] == pytest.approx(variance[0, 0] + 3.0 / 500.0, rel=0.05)


def test_noise_of_a_tiny_image():
    counts = np.random.default_rng(0).normal(0.0, 2.0, (6, 6))
    variance = estimate_variance(counts, np.ones((6, 6), dtype=bool))
    assert variance[0, 0] == pytest.approx(counts.var())


@pytest.fixture
def noisy():
    """Noise of 0.02 on a sky of 0.1, 300 x 320 pixels."""
    return 0.1 + np.random.default_rng(6).normal(0.0, 0.02, (300, 320))


def write_map(path, values, name="WHT", **header):
    hdu = fits.ImageHDU(np.asarray(values, dtype=np.float32), name=name)
    hdu.header.update(header)
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(path)
    return path


def test_weight_maps_are_inverse_variances(write_hst, tmp_path, noisy):
    weight = np.full(noisy.shape, 2500.0)
    weight[:, :5], weight[0, 10] = 0.0, np.nan
    given = write_map(tmp_path / "ngc_f555w_err-drc-wht.fits", weight, BUNIT="ELECTRONS")
    for source in (given, weight):
        image = read_hst_image(write_hst(noisy), weight=source, sky=(0.1, None))
        assert image.weight.kind == "variance"
        assert image.weight.noise_factor == 1.0  # white noise: R is 1 as measured
        everywhere = (slice(0, 300), slice(0, 320))
        seen = image.has_data(everywhere)
        assert seen.sum() == 300 * 315 - 1
        variance = image_variance(image, everywhere, noisy, seen)
        assert not variance[:, :5].any()
        photons = np.maximum(noisy[50, 50] - 0.1, 0.0) / 1000.0
        assert variance[50, 50] == pytest.approx(1 / 2500 + photons, rel=1e-4)


def test_weight_maps_are_exposure_times(write_hst, tmp_path, noisy):
    weight = np.full(noisy.shape, 1000.0)
    weight[:, 160:] = 250.0
    values = 0.1 + (noisy - 0.1) * np.sqrt(1000.0 / weight)
    given = write_map(tmp_path / "exp.fits", weight, BUNIT="s")
    image = read_hst_image(write_hst(values), weight=given, sky=(0.1, 0.0))
    assert image.weight.kind == "exposure"
    everywhere = (slice(0, 300), slice(0, 320))
    variance = image_variance(image, everywhere, values, image.has_data(everywhere))
    assert variance[:, 200:].mean() / variance[:, :100].mean() == pytest.approx(4.0, rel=0.1)
    assert np.sqrt(variance[:, :100].mean()) == pytest.approx(0.02, rel=0.35)


def test_weights_in_the_file_itself_are_used(write_hst, noisy):
    path = write_hst(noisy)
    for value, kind in ((1000.0, "exposure"), (2500.0, "variance"), (2e8, "coverage")):
        with fits.open(path) as hdul:
            plane = np.full(noisy.shape, value, dtype=np.float32)
            plane[7, 7] = 0.0
            science = [hdu.copy() for hdu in hdul if hdu.name != "WHT"]
            fits.HDUList([*science, fits.ImageHDU(plane, name="WHT")]).writeto(path, overwrite=True)
        image = read_hst_image(path)
        assert image.weight.kind == kind
        assert not image.has_data((slice(7, 8), slice(7, 8)))[0, 0]


@pytest.mark.parametrize(
    ("weight", "error", "named"),
    [
        (np.ones((4, 5)), ValueError, r"weight map has shape \(4, 5\)"),
        (np.zeros((300, 320)), InputFileError, "no positive value"),
        (np.full((300, 320), 2000.0), InputFileError, "may be an inverse variance or an exposure"),
        (np.full((300, 320), 1e8), InputFileError, "no inverse variance of its image"),
    ],
    ids=["shape", "zero", "unclear", "wrong"],
)
def test_unusable_weight_maps(write_hst, noisy, weight, error, named):
    with pytest.raises(error, match=named):
        read_hst_image(write_hst(noisy), weight=weight)


def test_the_image_itself_is_no_weight_map(write_hst, noisy):
    path = write_hst(noisy)
    with pytest.raises(InputFileError, match="no inverse variance of its image"):
        read_hst_image(path, weight=path)


def test_masks(write_hst, tmp_path, noisy):
    bad = np.zeros(noisy.shape)
    bad[10:20, 30] = 256
    path = write_map(tmp_path / "dq.fits", bad, "DQ")
    part = (slice(0, 300), slice(0, 320))
    for mask in (path, bad):
        seen = read_hst_image(write_hst(noisy), mask=mask).has_data(part)
        np.testing.assert_array_equal(seen, bad == 0)
    with pytest.raises(ValueError, match=r"mask has shape \(2, 2\)"):
        read_hst_image(write_hst(noisy), mask=np.zeros((2, 2)))
    image = write_hst(noisy)
    with fits.open(image, mode="append") as hdul:
        hdul.append(fits.ImageHDU(bad.astype(np.int16), name="DQ"))
    assert not read_hst_image(image).has_data(part)[15, 30]


def test_sky_is_measured_and_subtracted_only_on_request(write_hst):
    rng = np.random.default_rng(9)
    image = write_hst(0.004 + rng.normal(0.0, 0.02, (640, 640)))
    measured = read_hst_image(image)
    assert measured.sky.blank
    assert measured.sky.level == pytest.approx(0.004, abs=5e-4)
    assert measured.background == 0.0
    assert measured.background_sigma == measured.sky.sigma
    given = read_hst_image(image, sky=(0.003, None))
    assert (given.background, given.background_sigma) == (0.003, measured.sky.sigma)
    known = read_hst_image(image, sky=(0.003, 0.0007))
    assert known.background_sigma == 0.0007
    y, x = np.mgrid[:640, :640]
    filled = read_hst_image(
        write_hst(np.exp(-np.hypot(x - 320, y - 320) / 300) + rng.normal(0, 0.002, (640, 640)))
    )
    assert not filled.sky.blank
    assert (filled.background, filled.background_sigma) == (0.0, 0.0)


@pytest.mark.parametrize("sky", [(np.nan, 0.0), (0.1, -1.0)])
def test_absurd_sky(write_hst, sky):
    with pytest.raises(ValueError, match="expected a finite level"):
        read_hst_image(write_hst(), sky=sky)


@pytest.mark.parametrize("camera", ["WFPC2", "ACS"])
def test_other_cameras_are_told(write_hst, camera):
    path = write_hst()
    with fits.open(path, mode="update") as hdul:
        hdul[0].header["INSTRUME"] = camera
    with pytest.warns(InputWarning, match=f"is from {camera}, but the model's bands"):
        assert read_hst_image(path).camera == camera


def test_an_unknown_camera_is_taken_for_the_right_one(write_hst):
    path = write_hst()
    with fits.open(path, mode="update") as hdul:
        del hdul[0].header["INSTRUME"]
    assert read_hst_image(path).camera == ""


def test_camera_in_photmode_and_detector(write_hst):
    path = write_hst(header={"PHOTMODE": "WFPC2,1,A2D7,F555W,,CAL"})
    with fits.open(path, mode="update") as hdul:
        del hdul[0].header["INSTRUME"]
    with pytest.warns(InputWarning, match="WFPC2"):
        assert read_hst_image(path).camera == "WFPC2"
    assert read_hst_image(write_hst(header={"DETECTOR": "UVIS"})).camera == "WFC3/UVIS"


def test_drizzle_keywords(write_hst, noisy):
    ratio = drizzle_noise_ratio(0.8 * 0.04 / 0.04)
    header = {"D001PIXF": 0.8, "D001ISCL": 0.04}
    assert read_hst_image(write_hst(noisy, header=header)).noise_ratio == pytest.approx(ratio)
    header = {"D001PIXF": 0.8}  # the detector pixel of WFC3 is known
    ratio = drizzle_noise_ratio(0.8 * 0.0396 / 0.04)
    assert read_hst_image(write_hst(noisy, header=header)).noise_ratio == pytest.approx(ratio)
    assert read_hst_image(write_hst(noisy)).noise_ratio == pytest.approx(1.0, abs=0.15)
