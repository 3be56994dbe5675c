"""Output folders of GIST and nGIST: bins and kinematics."""

from __future__ import annotations

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS

from amortized_sfh.data.ancillary.gist_products import read_gist
from amortized_sfh.data.files.fits_files import InputFileError
from tests.amortized_sfh.pipelines import GistWriter

BINS = np.repeat(np.arange(4), 2)[None, :] * np.ones((6, 1), dtype=int)
VELOCITY = np.array([-250.0, -80.0, 80.0, 250.0])
SIGMA = np.array([40.0, 45.0, 50.0, 55.0])
MASKED = np.zeros((6, 8), dtype=bool)
MASKED[0, :5] = True


@pytest.fixture(params=["gist", "ngist-5", "ngist-7"])
def folder(request, tmp_path, sky):
    writer = GistWriter(tmp_path / "results", request.param)
    writer.table(BINS, MASKED, sky(8, 6, 0.2).to_header()).kinematics(VELOCITY, SIGMA)
    return writer


def test_bins_and_kinematics(folder):
    products = read_gist(folder.folder)
    assert products.run == "NGC0000"
    # the spaxels that the run masked have no bin, those beside bin 0 neither
    np.testing.assert_array_equal(products.maps.bin_id, np.where(MASKED, -1, BINS))
    assert products.maps.velocity_kms[3, 7] == pytest.approx(250.1043, abs=1e-3)
    assert np.isnan(products.maps.velocity_kms[0, 0])
    np.testing.assert_allclose(products.maps.sigma_kms[3, ::2], SIGMA)
    np.testing.assert_allclose(products.maps.velocity_error_kms[3], 5.0)
    assert (products.redshift, products.ebv) == (None, None)
    has_wcs = len(products.header) > 0
    assert has_wcs == (folder.version != "gist")
    if has_wcs:
        assert WCS(products.header).has_celestial


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("GENERAL:\n  REDSHIFT: 0.00243\nREAD_DATA:\n  EBmV: 0.03\n", (0.00243, 0.03)),
        ("GENERAL:\n  REDSHIFT: 0.00243\nREAD_DATA:\n  EBmV: null\n", (0.00243, None)),
        ('{"GENERAL": {"REDSHIFT": 0.00243, "RUN_ID": "a"}}', (0.00243, None)),
    ],
)
def test_settings(folder, text, expected):
    products = read_gist(folder.config(text).folder)
    assert (products.redshift, products.ebv) == expected


def test_settings_that_are_none(folder):
    for text in ("GENERAL: [", "GENERAL: 3", "GENERAL:\n  REDSHIFT: far\n"):
        with pytest.raises(InputFileError, match="not the settings of a GIST run"):
            read_gist(folder.config(text).folder)


def test_incomplete_folders(tmp_path, folder):
    with pytest.raises(FileNotFoundError, match="no such folder"):
        read_gist(tmp_path / "nowhere")
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(InputFileError, match=r"0 files .* \(it holds nothing\)"):
        read_gist(empty)
    GistWriter(folder.folder, run="OTHER").table(BINS)
    with pytest.raises(InputFileError, match="has 2 files that end in _table"):
        read_gist(folder.folder)
    alone = GistWriter(tmp_path / "alone").table(BINS)
    with pytest.raises(InputFileError, match=r"no stellar kinematics of NGC0000 \(it holds NGC"):
        read_gist(alone.folder)


def test_files_that_do_not_belong_together(tmp_path, folder):
    folder.kinematics(VELOCITY[:3], SIGMA[:3])
    with pytest.raises(InputFileError, match="has 3 bins and the table of the run 4"):
        read_gist(folder.folder)
    folder.kinematics(VELOCITY, SIGMA)
    (folder.folder / "NGC0000_mask.fits").unlink()
    with pytest.raises(InputFileError, match=r"masked spaxels to bin 0 \(13 instead of 10\)"):
        read_gist(folder.folder)
    mask = fits.BinTableHDU.from_columns([fits.Column("MASK", "I", array=np.zeros(3))])
    fits.HDUList([fits.PrimaryHDU(), mask]).writeto(folder.folder / "NGC0000_mask.fits")
    with pytest.raises(InputFileError, match=r"3 spaxels and NGC0000_table\.fits 48"):
        read_gist(folder.folder)


def test_a_column_that_is_missing(folder):
    name = "ppxf" if folder.version == "gist" else "kin"
    path = folder.folder / f"NGC0000_{name}.fits"
    table = fits.BinTableHDU.from_columns([fits.Column("V", "D", array=VELOCITY)])
    fits.HDUList([fits.PrimaryHDU(), table]).writeto(path, overwrite=True)
    with pytest.raises(InputFileError, match="no column FORM_ERR_V, SIGMA, FORM_ERR_SIGMA; it hol"):
        read_gist(folder.folder)
