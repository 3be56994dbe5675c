from __future__ import annotations

import numpy as np
import pytest
from astropy import units as u
from astropy.io import fits
from astropy.wcs import WCS

from amortized_sfh.data.cubes.map_grid import MapGrid
from amortized_sfh.products.map_file import write_maps
from amortized_sfh.quantities.flags import Flag
from amortized_sfh.quantities.registry import PRODUCTS
from amortized_sfh.quantities.statistics import STATISTICS
from simulators.files.whole_files import check_output

EDGES = [0.0, 0.1, 1.0, 13.5]
PER_BIN = ("MASSFRAC", "SFR", "MH")
SCALARS = (
    *("LOGAGE_MW", "LOGAGE_LW", "MH_MW", "MH_LW", "T50", "T90"),
    *("AV", "V", "SIGMA", "LOGMASS", "ML_V"),
)


@pytest.fixture
def grid(sky):
    row = np.array([[0, 0, 1], [-1, 2, 2]])
    flag = np.array([[0, 2, 0], [1, 0, 0]])
    return MapGrid(row, sky(3, 2, 0.2).to_header(), np.array([10, 11, 12]), flag)


@pytest.fixture
def results():
    rng = np.random.default_rng(0)
    out = {name: rng.normal(size=(3, 3, 5)) for name in PER_BIN}
    out |= {name: rng.normal(size=(3, 5)) for name in SCALARS}
    return out | {"CHI2": np.array([1.0, 2.0, 3.0]), "FLAG": np.array([0, 8, 32])}


def test_layout(tmp_path, grid, results):
    provenance = {"MODEL": "phangs-bc03", "SEED": 0, "COMMAND": "amortized-sfh infer cube.fits"}
    path = write_maps(tmp_path / "maps.fits", results, grid, EDGES, provenance)
    with fits.open(path, checksum=True) as hdul:
        expected = [f"{name}_{s.upper()}" for name in PER_BIN for s in STATISTICS]
        expected += [*SCALARS, "CHI2", "FLAG", "BINID", "AGEBINS"]
        assert [hdu.name for hdu in hdul[1:]] == expected
        assert hdul["SFR_P16"].data.shape == (3, 2, 3)
        np.testing.assert_allclose(hdul["SFR_P16"].data[:, 1, 1], results["SFR"][2, :, 2], 1e-6)
        assert np.isnan(hdul["SFR_P16"].data[:, 1, 0]).all()
        np.testing.assert_allclose(hdul["AV"].data[:, 0, 1], results["AV"][0], 1e-6)
        planes = [hdul["AV"].header[f"PLANE{i}"] for i in range(1, 6)]
        assert planes == ["MEAN", "STD", "P16", "P50", "P84"]
        assert hdul["CHI2"].data[0, 2] == 2.0
        assert hdul["FLAG"].data.tolist() == [[0, 2, 8], [1, 32, 32]]
        assert hdul["FLAG"].header["FLAG1"] == "NO_DATA"
        assert hdul["BINID"].data.tolist() == [[10, 10, 11], [-1, 12, 12]]
        assert hdul["AGEBINS"].data["AGE_HIGH"].tolist() == EDGES[1:]
        assert hdul["AGEBINS"].columns["AGE_LOW"].unit == "Gyr"
        assert hdul[0].header["MODEL"] == "phangs-bc03"
        assert hdul[0].header["COMMAND"].startswith("amortized-sfh infer")


def test_wcs_is_kept_in_every_map(tmp_path, grid, results, sky):
    path = write_maps(tmp_path / "maps.fits", results, grid, EDGES)
    truth = sky(3, 2, 0.2).pixel_to_world(2, 1)
    with fits.open(path) as hdul:
        for hdu in hdul[1:-1]:
            there = WCS(hdu.header).celestial.pixel_to_world(2, 1)
            assert there.separation(truth).arcsec < 1e-6


def test_units_can_be_read(tmp_path, grid, results):
    path = write_maps(tmp_path / "maps.fits", results, grid, EDGES)
    with fits.open(path) as hdul:
        for hdu in hdul[1:-1]:
            u.Unit(hdu.header.get("BUNIT", ""))
        assert hdul["SFR_STD"].header["BUNIT"] == "solMass/yr"
        assert hdul["V"].header["BUNIT"] == "km/s"
        assert hdul["MH_MW"].header["BUNIT"] == "dex"
    assert set(SCALARS) | set(PER_BIN) < set(PRODUCTS)


def test_long_commands_and_odd_values_fit_the_header(tmp_path, grid, results):
    command = "amortized-sfh infer " + "x" * 300
    provenance = {"COMMAND": command, "AN_EXTRA_LONG_KEY": None}
    path = write_maps(tmp_path / "maps.fits", results, grid, EDGES, provenance)
    with fits.open(path) as hdul:
        assert hdul[0].header["COMMAND"] == command
        assert hdul[0].header["AN_EXTRA_LONG_KEY"] == "None"


def test_existing_output_is_kept(tmp_path, grid, results):
    path = tmp_path / "maps.fits"
    path.write_text("precious")
    with pytest.raises(FileExistsError, match="exists and is kept"):
        write_maps(path, results, grid, EDGES)
    assert path.read_text() == "precious"
    write_maps(path, results, grid, EDGES, overwrite=True)
    assert fits.getval(path, "EXTNAME", 1) == "MASSFRAC_MEAN"


def test_check_output(tmp_path):
    assert check_output(tmp_path / "new.fits") == tmp_path / "new.fits"
    with pytest.raises(FileNotFoundError, match="no such folder"):
        check_output(tmp_path / "absent" / "maps.fits")
    with pytest.raises(FileExistsError, match="is a folder"):
        check_output(tmp_path, overwrite=True)


def test_an_interrupted_run_leaves_nothing_that_looks_finished(
    tmp_path, grid, results, monkeypatch
):
    path = tmp_path / "maps.fits"
    path.write_text("precious")

    def stop(self, name, **_):
        name.write_bytes(b"SIMPLE  =")
        raise KeyboardInterrupt

    monkeypatch.setattr(fits.HDUList, "writeto", stop)
    with pytest.raises(KeyboardInterrupt):
        write_maps(path, results, grid, EDGES, overwrite=True)
    assert path.read_text() == "precious"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("extra", "named"),
    [
        ({"COLOUR": np.zeros((3, 5))}, "no unit is known for 'COLOUR'"),
        ({"AV": np.zeros((4, 5))}, r"AV has shape \(4, 5\)"),
        ({"SFR": np.zeros((3, 2, 5))}, r"SFR has shape \(3, 2, 5\)"),
        ({"FLAG": np.zeros(4)}, r"FLAG has shape \(4,\)"),
    ],
)
def test_results_that_do_not_fit(tmp_path, grid, results, extra, named):
    with pytest.raises(ValueError, match=named):
        write_maps(tmp_path / "maps.fits", results | extra, grid, EDGES)
    assert list(tmp_path.iterdir()) == []


def test_flags_without_results_mean_no_data(tmp_path, sky):
    grid = MapGrid(np.array([[0, -1]]), sky(2, 1, 0.2).to_header())
    path = write_maps(tmp_path / "maps.fits", {"CHI2": np.ones(1)}, grid, EDGES)
    with fits.open(path) as hdul:
        assert hdul["FLAG"].data.tolist() == [[0, int(Flag.NO_DATA)]]
        assert hdul["BINID"].data.tolist() == [[0, -1]]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"row": np.zeros((2, 2, 2), dtype=int)}, "row has shape"),
        ({"row": np.zeros((2, 3))}, "whole numbers"),
        ({"label": np.arange(5)}, "label has shape"),
        ({"flag": np.zeros((3, 3))}, "flag has shape"),
    ],
)
def test_grids_that_do_not_fit(sky, change, named):
    arguments = {"row": np.zeros((2, 3), dtype=int), "header": sky(3, 2, 0.2).to_header()}
    with pytest.raises(ValueError, match=named):
        MapGrid(**(arguments | change))
