from __future__ import annotations

import numpy as np
import pytest
from astropy.io import fits

from amortized_sfh.cubes.fits_input import InputFileError
from amortized_sfh.cubes.hst import HstImage, read_hst_image
from amortized_sfh.cubes.hst_noise import estimate_variance


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


def test_only_the_five_bands(sky):
    with pytest.raises(ValueError, match="unknown band"):
        HstImage("F160W", np.ones((4, 4)), 1.0, sky(4, 4, 0.04))


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
