"""The container of nebular light refuses what is no grid."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from simulators.libraries import toy_grid, toy_nebular


@pytest.fixture(scope="module")
def grid():
    return toy_nebular()


def test_toy_grid_goes_with_the_toy_library(grid):
    np.testing.assert_array_equal(grid.mh, toy_grid().mh)
    assert grid.continuum.shape == (5, 4, 3, 4)
    assert grid.line_lum.shape == (5, 4, 3, 5)
    assert grid.continuum.dtype == grid.line_lum.dtype == np.float32
    # the same at every call, and not the same as the stars
    assert grid.sha256 == toy_nebular().sha256 != toy_grid().sha256


def test_oxygen_follows_the_ionisation_and_nothing_survives_its_stars(grid):
    assert (np.diff(grid.line_lum[..., 2], axis=0) > 0).all()
    assert (np.diff(grid.line_lum, axis=2) < 0).all()
    assert (np.diff(grid.continuum, axis=2) < 0).all()


@pytest.mark.parametrize("field", ["wave_aa", "age_gyr", "mh", "log_u", "line_wave_aa"])
@pytest.mark.parametrize("spoil", ["falling", "repeated", "nan", "table"])
def test_every_axis_must_be_finite_and_increasing(grid, field, spoil):
    axis = getattr(grid, field).copy()
    if spoil == "falling":
        axis = axis[::-1]
    elif spoil == "repeated":
        axis[1] = axis[0]
    elif spoil == "nan":
        axis[1] = np.nan
    else:
        axis = axis[:, None]
    with pytest.raises(ValueError, match=f"^{field} must be one finite, increasing axis"):
        replace(grid, **{field: axis})


@pytest.mark.parametrize("field", ["continuum", "line_lum"])
def test_light_must_fit_the_axes_and_be_usable(grid, field):
    light = getattr(grid, field)
    with pytest.raises(ValueError, match=rf"{field} has shape \(4, 4, 3, \d\), expected \(5, 4, 3"):
        replace(grid, **{field: light[:4]})
    with pytest.raises(ValueError, match=f"{field} spans -"):
        replace(grid, **{field: light - 1.0 - light.min()})
    for value in (np.inf, np.nan):
        bad = light.copy()
        bad[0, 1, 2, 3] = value
        with pytest.raises(ValueError, match=f"{field} spans .* expected finite and >= 0"):
            replace(grid, **{field: bad})
