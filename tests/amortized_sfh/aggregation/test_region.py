"""Regions as rows, masks and maps."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from astropy.io import fits

from amortized_sfh.aggregation.region import spectra_of_region
from amortized_sfh.data.cubes.cube_data import CubeData


@pytest.fixture
def data(small_observation):
    """Five rows on a map of 3 x 4; row 0 is a bin of four spaxels, row 1 one of three."""
    row = np.array([[0, 0, 1, 1], [0, 0, 1, 2], [-1, 3, 4, -1]])
    return CubeData(
        observation=small_observation[:5],
        row=row,
        label=np.arange(5),
        n_spaxels=np.bincount(row[row >= 0]),
        flag=np.zeros(5, dtype=np.int32),
        spaxel_flag=np.zeros(row.shape, dtype=np.int32),
        header=fits.Header(),
        noise_scale=np.ones(5),
    )


@pytest.mark.parametrize(
    "region",
    [[3, 1, 3], np.array([1, 3]), torch.tensor([3, 1]), [False, True, False, True, False]],
)
def test_rows_and_masks(data, region):
    assert spectra_of_region(region, data).tolist() == [1, 3]
    assert spectra_of_region(region, data.observation).tolist() == [1, 3]


def test_a_map_takes_bins_that_are_half_inside(data):
    mask = np.zeros((3, 4), dtype=bool)
    mask[0, :3] = True
    # two of the four spaxels of row 0, one of the three of row 1
    assert spectra_of_region(mask, data).tolist() == [0]
    mask[1, 3] = True
    assert spectra_of_region(mask, data).tolist() == [0, 2]


@pytest.mark.parametrize(
    ("region", "named"),
    [
        ([], "region is empty"),
        ([False] * 5, "no row with data"),
        ([True] * 4, "has 4 values; expected one for 5 rows"),
        ([2, 5], "rows 2 to 5; expected 0 to 4"),
        ([-1], "rows -1 to -1"),
        ([1.0, 2.0], "expected row numbers"),
        (np.zeros((3, 4), dtype=int), "expected row numbers"),
        (np.ones((4, 3), dtype=bool), r"expected that of the map, \(3, 4\)"),
        (np.arange(12).reshape(3, 4) == 8, "no row with data"),
    ],
)
def test_regions_that_are_none(data, region, named):
    with pytest.raises(ValueError, match=named):
        spectra_of_region(region, data)


def test_a_map_needs_a_cube(data):
    with pytest.raises(ValueError, match="give the CubeData"):
        spectra_of_region(np.ones((3, 4), dtype=bool), data.observation)
