from __future__ import annotations

import numpy as np
import pytest
import torch
from astropy.io import fits

from amortized_sfh.data.cube_files.cube_file import CubeFile, open_cube
from amortized_sfh.data.cubes.read_cube import read_cube
from amortized_sfh.data.files.fits_files import InputFileError
from simulators.wavelengths.rest_grid import REST_GRID

ALL = (slice(0, 6), slice(0, 8))


def read(cube, window=ALL, planes=slice(0, 1800), n_spaxels=16):
    return list(cube.chunks(window, planes, n_spaxels))


def test_headers_as_eso_writes_them(write_cube):
    cube = open_cube(write_cube())
    assert cube.shape == (1800, 6, 8)
    assert (cube.medium, cube.unit_cgs) == ("air", 1e-20)
    assert float(cube.edges_aa[0]) == pytest.approx(4749.89 - 0.625)
    assert float(cube.edges_aa[-1]) == pytest.approx(4749.89 + 1.25 * 1799.5)
    assert cube.wcs is not None


def test_chunks_give_each_spaxel_once_in_order(write_cube):
    flux = np.arange(1800 * 48.0).reshape(1800, 6, 8)
    chunks = read(open_cube(write_cube(flux=flux)))
    assert [c.spaxels for c in chunks] == [slice(0, 16), slice(16, 32), slice(32, 48)]
    joined = torch.cat([c.flux for c in chunks]).numpy()
    np.testing.assert_allclose(joined, flux.reshape(1800, -1).T)


def test_a_window_and_planes(write_cube):
    flux = np.arange(1800 * 48.0).reshape(1800, 6, 8)
    (chunk,) = read(open_cube(write_cube(flux=flux)), (slice(1, 3), slice(2, 5)), slice(10, 13))
    np.testing.assert_allclose(chunk.flux, flux[10:13, 1:3, 2:5].reshape(3, -1).T)


@pytest.mark.parametrize(
    ("header", "first"),
    [
        ({"CUNIT3": "nm", "CRVAL3": 474.989, "CDELT3": 0.125}, 4749.265),
        ({"CUNIT3": "m", "CRVAL3": 4.74989e-7, "CDELT3": 1.25e-10}, 4749.265),
        ({"CRPIX3": 3.0}, 4746.765),
        ({"CD3_3": 1.25}, 4749.265),
    ],
)
def test_wavelength_conventions(write_cube, header, first):
    cube = open_cube(write_cube(header=header))
    assert float(cube.edges_aa[0]) == pytest.approx(first, abs=1e-3)
    assert float(cube.edges_aa[1] - cube.edges_aa[0]) == pytest.approx(1.25, abs=1e-6)


def test_vacuum_cubes_are_known_by_their_header(write_cube):
    assert open_cube(write_cube(header={"CTYPE3": "WAVE"})).medium == "vacuum"


def test_tiny_cgs_numbers_keep_their_digits(write_cube):
    flux = np.full((1800, 6, 8), 3e-18)
    path = write_cube(flux=flux, stat=np.full(flux.shape, 1e-37), header={"BUNIT": "erg/s/cm2/A"})
    chunk = read(open_cube(path))[0]
    np.testing.assert_allclose(chunk.flux, 300.0, rtol=1e-6)
    np.testing.assert_allclose(chunk.variance, 1e3, rtol=1e-2)


def test_bad_pixels_and_bad_variances(write_cube):
    flux, stat = np.full((2, 1800, 6, 8), 10.0)
    quality = np.zeros(flux.shape)
    flux[5, 0, 0], flux[:, 0, 1] = np.inf, np.nan
    stat[7, 0, 2], stat[7, 0, 3], stat[7, 0, 4], stat[:, 0, 5] = 0.0, -1.0, np.nan, np.inf
    quality[9, 0, 6] = 1
    chunk = read(open_cube(write_cube(flux=flux, stat=stat, quality=quality)), n_spaxels=8)[0]
    assert bool(torch.isfinite(chunk.flux).all())
    assert bool(torch.isfinite(chunk.variance).all())
    assert (~chunk.valid).sum(dim=1).tolist() == [1, 1800, 1, 1, 1, 1800, 1, 0]
    assert chunk.bad_variance.tolist() == [False, False, True, True, True, True, False, False]


def test_planes_reach_just_beyond_the_model(write_cube):
    cube = open_cube(write_cube())
    planes = cube.planes(REST_GRID, 0.0)
    assert planes.start == 0
    edges = cube.edges_aa
    assert float(edges[planes.stop]) >= float(REST_GRID.edges_aa[-1])
    assert float(edges[planes.stop - 1]) < float(REST_GRID.edges_aa[-1])


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"stat": None}, "no extension STAT"),
        ({"stat": np.ones((1800, 6, 7))}, "STAT has size"),
        ({"header": {"BUNIT": "counts"}}, "BUNIT is 'counts'"),
        ({"drop": ["BUNIT"]}, "BUNIT is missing"),
        ({"header": {"CTYPE3": "VELO"}}, "CTYPE3 is VELO"),
        ({"drop": ["CTYPE3"]}, "CTYPE3 is missing"),
        ({"drop": ["CRVAL3"]}, "no CRVAL3"),
        ({"header": {"CUNIT3": "Hz"}}, "CUNIT3 is 'Hz'"),
        ({"header": {"CDELT3": -1.25}}, "ascending"),
    ],
)
def test_unusable_cubes(write_cube, arguments, named):
    path = write_cube(**arguments)
    with pytest.raises(InputFileError, match=named) as caught:
        open_cube(path)
    assert "cube.fits" in str(caught.value)


def test_no_cube_in_the_file(tmp_path):
    path = tmp_path / "image.fits"
    fits.PrimaryHDU(np.zeros((4, 4))).writeto(path)
    with pytest.raises(InputFileError, match="no 3-D extension DATA"):
        open_cube(path)


def test_truncated_cube(write_cube):
    path = write_cube()
    path.write_bytes(path.read_bytes()[:-100_000])
    with pytest.raises(InputFileError, match="truncated"):
        open_cube(path)


def test_no_celestial_wcs(write_cube):
    cube = open_cube(write_cube(drop=["CTYPE1", "CTYPE2"]))
    assert cube.wcs is None
    assert len(cube.header(ALL)) == 0


@pytest.mark.parametrize(
    ("mode", "ao"),
    [
        ("WFM-AO-N", True),
        ("WFM-AO-E", True),
        ("NFM-AO-N", True),
        ("WFM-NOAO-N", False),
        ("WFM-NOAO-E", False),
        ("", False),
    ],
)
def test_adaptive_optics_in_the_header(write_cube, mode, ao):
    path = write_cube()
    assert open_cube(path).ao is False
    with fits.open(path, mode="update") as hdul:
        hdul[0].header["HIERARCH ESO INS MODE"] = mode
    assert open_cube(path).ao is ao
    assert read_cube(path, 0.00243).ao is ao


def test_a_file_that_fails_while_it_is_read(write_cube, monkeypatch):
    cube = open_cube(write_cube())

    def fail(*_):
        raise OSError("input/output error")

    monkeypatch.setattr(CubeFile, "_section", fail)
    with pytest.raises(InputFileError, match=r"cube\.fits is not a readable FITS file \(input/out"):
        read(cube)
