"""Words of the command line: what they become, and what the workflow reads from them."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS

from amortized_sfh.cli.main import build_parser, main
from amortized_sfh.cli.words import merge_bands, read_region, read_spaxels
from amortized_sfh.requests import InferRequest
from amortized_sfh.workflows.cube_inputs import open_inputs


@pytest.fixture
def image(tmp_path):
    """A drizzled image of noise without stars."""
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.cdelt = [-1.1e-5, 1.1e-5]
    hdu = fits.PrimaryHDU(np.random.default_rng(0).normal(0.0, 0.02, (200, 200)), wcs.to_header())
    hdu.header.update({"PHOTFLAM": 1e-19, "FILTER": "F555W", "INSTRUME": "WFC3", "EXPTIME": 800.0})
    hdu.writeto(tmp_path / "f555w.fits")
    for name, value in (("weight", 2500.0), ("mask", 0.0)):
        plane = np.full((200, 200), value)
        plane[3, 4] = 0.0 if name == "weight" else 1.0
        fits.PrimaryHDU(plane).writeto(tmp_path / f"{name}.fits")
    return tmp_path


def parse(*words):
    """The request that words state beside a cube that exists."""
    base = ["infer", __file__, "--redshift", "0.002", "--out", "m.fits"]
    options = build_parser().parse_args([*base, *(str(word) for word in words)])
    return options.parse(options)


def test_everything_arrives(image):
    words = [
        "--hst", f"F555W={image / 'f555w.fits'}",
        "--hst-weight", f"F555W={image / 'weight.fits'}",
        "--hst-mask", f"F555W={image / 'mask.fits'}",
        "--hst-sky", "F555W=0.001,0.0002",
    ]  # fmt: skip
    read = open_inputs(parse(*words)).hst["F555W"]
    assert read.weight.kind == "variance"
    assert read.missing[3, 4] == 1.0
    assert (read.background, read.background_sigma) == (0.001, 0.0002)


def test_defaults():
    request = parse()
    assert open_inputs(request).hst == {}
    assert request.psf_fwhm_arcsec is None
    assert not request.align
    assert request == InferRequest(cube=request.cube, out=request.out, redshift=0.002)


def test_levels():
    words = ("F275W=-0.5", "F336W=1e-3,2e-4")
    given = [("--hst", "F275W=a"), ("--hst", "F336W=b"), *(("--hst-sky", word) for word in words)]
    assert merge_bands(given) == {
        "F275W": {"image": "a", "sky": -0.5},
        "F336W": {"image": "b", "sky": 1e-3, "sky_sigma": 2e-4},
    }


def test_parts_of_a_cube_and_spaxels():
    assert read_region("10:60,0:50") == [10, 60, 0, 50]
    assert read_spaxels(["1,2", "0,7"]) == [[1, 2], [0, 7]]
    assert parse("--region", "1:5,0:4").region == (1, 5, 0, 4)
    assert parse("--spaxel", "3,4", "--save-draws", "d.nc").spaxels == ((3, 4),)


@pytest.mark.parametrize("text", ["10:60", "10-60,0-50", "a:b,c:d", "1:2:3,4:5"])
def test_parts_of_a_cube_that_are_none(text):
    with pytest.raises(ValueError, match="expected x0:x1,y0:y1"):
        read_region(text)


def test_warnings_are_one_line(image, capsys, monkeypatch):
    monkeypatch.chdir(image)
    with fits.open("f555w.fits", mode="update") as hdul:
        hdul[0].header["INSTRUME"] = "WFPC2"
    words = ["infer", "f555w.fits", "--redshift", "0", "--out", "m.fits", "--model", "none"]
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        assert main([*words, "--hst", "F555W=f555w.fits"]) == 1
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 2
    assert said[0].startswith("amortized-sfh: warning: the F555W image f555w.fits is from WFPC2")
    assert said[1].startswith("amortized-sfh: no model 'none'")
