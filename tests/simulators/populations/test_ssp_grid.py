"""The container of an SSP library."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from simulators.libraries import toy_grid
from simulators.populations.ssp_grid import axis_slice


@pytest.fixture(scope="module")
def grid():
    return toy_grid()


def test_sizes_and_ranges(grid):
    assert grid.lum.shape == (len(grid.mh), len(grid.age_gyr), grid.n_wave)
    assert grid.age_range_gyr == (0.0, 14.0)
    assert grid.mh_range == (-2.3, 0.45)
    assert grid.wave_range_aa == (1800.0, 10000.0)


def test_select_cuts_every_array_alike(grid):
    cut = grid.select((4750, 6950), (0.01, 4), (-1.5, 0))
    assert cut.lum.shape == (2, 5, 2201)
    assert cut.mass_alive.shape == (2, 5)
    assert cut.wave_range_aa == (4750, 6950)
    np.testing.assert_array_equal(cut.lum[1, 2], grid.lum[2, 4, np.isin(grid.wave_aa, cut.wave_aa)])


def test_select_shares_no_memory(grid):
    cut = grid.select((4750, 6950))
    assert not np.shares_memory(cut.lum, grid.lum)


def test_select_of_nothing_tells_the_range(grid):
    with pytest.raises(ValueError, match=r"age_gyr range \(20, 30\) keeps 0 points.*0 to 14"):
        grid.select(age_range_gyr=(20, 30))


def test_axis_slice_is_inclusive():
    assert axis_slice("x", np.arange(5.0), (1, 3)) == slice(1, 4)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"wave_aa": lambda g: g.wave_aa[::-1]}, "wave_aa must be finite and strictly increasing"),
        ({"age_gyr": lambda g: g.age_gyr[:-1]}, "lum has shape"),
        ({"mh": lambda g: np.full(4, 0.0)}, "mh must be finite and strictly increasing"),
        ({"age_gyr": lambda g: g.age_gyr - 1}, "ages not negative"),
        ({"lum": lambda g: -g.lum}, "expected finite and >= 0"),
        ({"lum": lambda g: np.where(g.lum == g.lum.max(), np.nan, g.lum)}, "expected finite"),
        ({"mass_alive": lambda g: g.mass_alive + 1}, "mass_alive spans 1"),
        ({"mass_kind": lambda g: "gas"}, "mass_kind is 'gas'"),
        ({"lsf_fwhm_aa": lambda g: -g.lsf_fwhm_aa}, "lsf_fwhm_aa must be finite"),
    ],
)
def test_malformed_grids_are_refused(grid, change, message):
    values = {name: make(grid) for name, make in change.items()}
    with pytest.raises(ValueError, match=message):
        replace(grid, **values)


def test_unknown_mass_is_nan_everywhere(grid):
    replace(grid, mass_alive=np.full_like(grid.mass_alive, np.nan))
    partly = grid.mass_alive.copy()
    partly[0, 0] = np.nan
    with pytest.raises(ValueError, match="mass_alive"):
        replace(grid, mass_alive=partly)
