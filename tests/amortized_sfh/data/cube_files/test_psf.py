from __future__ import annotations

import pytest

from amortized_sfh.data.cube_files.cube_file import open_cube


@pytest.mark.parametrize(
    ("name", "fwhm"),
    [
        ("NGC3627-1.05asec.fits", 1.05),
        ("NGC1087_PHANGS_DATACUBE_copt_0.92asec.fits", 0.92),
        ("galaxy_1.2arcsec.fits", 1.2),
    ],
)
def test_file_names(write_cube, tmp_path, name, fwhm):
    path = write_cube().rename(tmp_path / name)
    assert open_cube(path).psf == (fwhm, "file name")


@pytest.mark.parametrize(
    ("header", "fwhm", "source"),
    [
        ({"SKY_RES": 0.72}, 0.72, "header SKY_RES"),
        ({"PSF_FWHM": 0.9}, 0.9, "header PSF_FWHM"),
        ({"HIERARCH ESO OCS SGS FWHM MED": 0.845}, 0.845, "header ESO OCS SGS FWHM MED"),
        ({"SKY_RES": 0.72, "FSF00FWA": 0.8, "FSF00FWB": -3e-5}, 0.62, "header FSF"),
        (
            {"FSF01FWA": 0.8, "FSF01FWB": -3e-5, "FSF02FWA": 0.9, "FSF02FWB": -3e-5},
            0.67,
            "header FSF",
        ),
        (
            {"FSFLB1": 5000.0, "FSFLB2": 9000.0, "FSF00FNC": 2, "FSF00F00": -0.2, "FSF00F01": 0.6},
            0.65,  # (6000 - 5000) / 4000 - 0.5 = -0.25
            "header FSF",
        ),
        ({"SKY_RES": 0.0, "PSF_FWHM": 0.9}, 0.9, "header PSF_FWHM"),
    ],
)
def test_headers(write_cube, header, fwhm, source):
    path = write_cube(header=header, drop=[] if "SKY_RES" in header else ["SKY_RES"])
    found = open_cube(path).psf
    assert found.fwhm_arcsec == pytest.approx(fwhm)
    assert found.source == source


@pytest.mark.parametrize("header", [{}, {"SKY_RES": 60.0}, {"SKY_RES": "unknown"}])
def test_nothing_plausible(write_cube, header):
    path = write_cube(header=header, drop=[] if header else ["SKY_RES"])
    assert open_cube(path).psf is None


def test_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        open_cube(tmp_path / "nowhere_1.05asec.fits")
