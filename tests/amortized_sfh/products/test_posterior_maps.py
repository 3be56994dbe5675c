"""Maps as one object: a mapping by row, images, and a file."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
from astropy.io import fits

from amortized_sfh.data.cubes.map_grid import MapGrid
from amortized_sfh.products.posterior_maps import PosteriorMaps

EDGES = (0.0, 0.1, 13.5)


@pytest.fixture
def grid(sky):
    row = np.array([[0, 0, 1], [-1, 2, 2]])
    flag = np.array([[0, 2, 0], [1, 0, 0]])
    return MapGrid(row, sky(3, 2, 0.2).to_header(), np.array([10, 11, 12]), flag)


def _maps(grid, **more):
    rng = np.random.default_rng(0)
    return PosteriorMaps.assemble(
        {"AV": rng.normal(size=(3, 5)), "MH": rng.normal(size=(3, 2, 5))},
        chi2=np.array([1.0, 2.0, 3.0], dtype=np.float32),
        flag=np.array([0, 8, 32], dtype=np.int32),
        snr=np.array([10.0, 20.0, 30.0]),
        noise_scale=np.ones(3),
        grid=grid,
        edges_gyr=EDGES,
        **more,
    )


def test_a_mapping_with_attributes(grid):
    maps = _maps(grid)
    assert isinstance(maps, Mapping)
    assert list(maps) == ["AV", "MH", "CHI2", "FLAG", "SNR", "NOISE_SCALE"]
    assert maps["AV"].shape == (3, len(maps.statistics))
    assert maps.ess is None
    for name in ("chi2", "flag", "snr", "noise_scale"):
        assert getattr(maps, name) is maps[name.upper()]
    with_ess = _maps(grid, ess=np.full(3, 150.0))
    assert list(with_ess)[2:] == ["CHI2", "FLAG", "ESS", "SNR", "NOISE_SCALE"]
    assert with_ess.ess.tolist() == [150.0] * 3
    assert list(_maps(grid, ess=None)) == list(maps)
    told = "PosteriorMaps(3 spectra on 2 x 3 spaxels, 2 age bins: "
    assert repr(maps) == f"{told}AV, MH, CHI2, FLAG, SNR, NOISE_SCALE)"


def test_images(grid):
    maps = _maps(grid)
    image = maps.image("AV")
    assert image.shape == (2, 3)
    assert image[0].tolist() == [maps["AV"][0, 0], maps["AV"][0, 0], maps["AV"][1, 0]]
    assert np.isnan(image[1, 0])
    assert maps.image("MH", "p84")[:, 1, 2].tolist() == maps["MH"][2, :, 4].tolist()
    assert maps.image("SNR")[1, 2] == 30.0
    assert maps.image("FLAG").tolist() == [[0, 2, 8], [1, 32, 32]]
    with pytest.raises(ValueError, match="no product 'MHH'; expected one of AV, MH"):
        maps.image("MHH")
    with pytest.raises(ValueError, match="'median'; expected one of mean, std, p16"):
        maps.image("AV", "median")


def test_a_file_of_maps(grid, tmp_path):
    maps = _maps(grid, provenance={"SEED": 3})
    path = maps.write(tmp_path / "maps.fits")
    with fits.open(path) as hdul:
        names = [hdu.name for hdu in hdul[1:]]
        bins = [f"MH_{s.upper()}" for s in maps.statistics]
        assert names[:6] == ["AV", *bins]
        assert names[6:] == ["CHI2", "SNR", "NOISE_SCALE", "FLAG", "BINID", "AGEBINS"]
        assert hdul[0].header["SEED"] == 3
        np.testing.assert_array_equal(hdul["FLAG"].data, maps.image("FLAG"))
        np.testing.assert_allclose(hdul["AV"].data[1], maps.image("AV", "std"), rtol=1e-6)
    with pytest.raises(FileExistsError):
        maps.write(path)
    assert maps.write(path, overwrite=True) == path
