"""Colour limits and what lies beyond them."""

from __future__ import annotations

import numpy as np
import pytest

from amortized_sfh.plotting.colours import ERROR_COLOURS, clipped_ends, robust_limits
from amortized_sfh.quantities.registry import QUANTITIES


def test_limits_ignore_what_is_odd():
    values = np.concatenate([np.linspace(0.0, 1.0, 1000), [1e6, np.nan, np.inf]])
    low, high = robust_limits(values)
    assert 0.0 <= low < 0.05
    assert 0.95 < high <= 1.0


def test_limits_always_have_a_width():
    assert robust_limits(np.full(5, np.nan)) == (0.0, 1.0)
    low, high = robust_limits(np.full(5, 3.0))
    assert low < 3.0 < high
    low, high = robust_limits(np.array([0.0, 0.1]), least_span=1.0)
    assert high - low == pytest.approx(1.0)
    low, high = robust_limits(np.array([-1.0, 0.5]), symmetric=True)
    assert low == -high


@pytest.mark.parametrize(
    ("values", "ends"),
    [
        ([0.0, 1.0, np.nan, np.inf], "neither"),
        ([-0.1, 1.0], "min"),
        ([0.0, 1.1], "max"),
        ([-0.1, 1.1], "both"),
        ([-1e-9, 1.0 + 1e-9], "neither"),
        ([np.nan], "neither"),
    ],
)
def test_bars_point_at_values_beyond_their_limits(values, ends):
    assert clipped_ends((0.0, 1.0), np.array(values)) == ends


def test_every_image_of_a_scale_counts():
    assert clipped_ends((0.0, 1.0), np.array([0.5]), np.array([2.0])) == "max"


def test_no_quantity_has_the_colours_of_uncertainties():
    assert ERROR_COLOURS not in {quantity.colour_map for quantity in QUANTITIES.values()}
