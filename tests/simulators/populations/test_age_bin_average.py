"""Averages over age bins against closed forms and brute force."""

from __future__ import annotations

import numpy as np
import pytest

from priors.ages import AgeBins
from simulators.populations.age_bin_average import age_bin_weights

AGE = np.array([0.001, 0.004, 0.013, 0.025])
EDGES = np.array([0.0, 0.01, 0.03, 0.1])


def test_rows_sum_to_one_without_an_end():
    weights = age_bin_weights(AGE, np.asarray(AgeBins().edges_gyr))
    assert weights.shape == (16, 4)
    assert (weights >= 0).all()
    np.testing.assert_allclose(weights.sum(1), 1.0, rtol=1e-12)
    # beyond the last age the last spectrum is held
    np.testing.assert_allclose(weights[3:, -1], 1.0)


def test_after_its_end_there_is_no_light():
    weights = age_bin_weights(AGE, EDGES, last_age_gyr=0.025)
    # of the bin from 10 to 30 Myr three quarters lie before 25 Myr; the last one has nothing
    np.testing.assert_allclose(weights.sum(1), [1.0, 0.75, 0.0], rtol=1e-12, atol=1e-15)


def test_an_end_inside_a_bin_and_before_it_keeps_weights_positive():
    for last in (0.004, 0.01, 0.0101, 0.03, 0.05):
        weights = age_bin_weights(AGE, EDGES, last_age_gyr=last)
        share = np.clip((last - EDGES[:-1]) / np.diff(EDGES), 0.0, 1.0)
        np.testing.assert_allclose(weights.sum(1), share, rtol=1e-12, atol=1e-15, err_msg=last)
        assert (weights >= 0).all()


@pytest.mark.parametrize("last", [np.inf, 0.025, 0.017])
def test_average_is_the_integral_of_the_curve(last):
    light = np.array([5.0, 9.0, 2.0, 0.3])
    found = age_bin_weights(AGE, EDGES, last) @ light
    for value, low, high in zip(found, EDGES[:-1], EDGES[1:], strict=True):
        t = low + (high - low) * (np.arange(200_000) + 0.5) / 200_000
        # constant before the first age, nothing after the end
        curve = np.where(t <= last, np.interp(t, AGE, light), 0.0)
        assert value == pytest.approx(curve.mean(), rel=1e-4, abs=1e-12)
