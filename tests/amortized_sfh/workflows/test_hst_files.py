from __future__ import annotations

import warnings
from argparse import ArgumentParser

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS

from amortized_sfh.cli.hst import add_hst_options
from amortized_sfh.cli.main import main
from amortized_sfh.workflows.hst_files import parse_levels, read_hst_files


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
    parser = ArgumentParser()
    add_hst_options(parser)
    return parser.parse_args([str(word) for word in words])


def test_everything_arrives(image):
    words = [
        "--hst", f"F555W={image / 'f555w.fits'}",
        "--hst-weight", f"F555W={image / 'weight.fits'}",
        "--hst-mask", f"F555W={image / 'mask.fits'}",
        "--hst-sky", "F555W=0.001,0.0002",
    ]  # fmt: skip
    read = read_hst_files(parse(*words))["F555W"]
    assert read.weight.kind == "variance"
    assert read.missing[3, 4] == 1.0
    assert (read.background, read.background_sigma) == (0.001, 0.0002)


def test_defaults():
    options = parse()
    assert read_hst_files(options) == {}
    assert options.psf_fwhm is None
    assert not options.align


def test_levels():
    assert parse_levels(["F275W=-0.5", "F336W=1e-3,2e-4"]) == {
        "F275W": (-0.5, None),
        "F336W": (1e-3, 2e-4),
    }


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
