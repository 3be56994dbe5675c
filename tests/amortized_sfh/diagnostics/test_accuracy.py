"""Errors with known statistics."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from amortized_sfh.diagnostics.accuracy import accuracy


def test_gaussian_errors():
    rng = np.random.default_rng(3)
    truth = rng.uniform(-5, 5, size=(20_000, 2))
    result = accuracy(truth + rng.normal([0.3, -0.1], [0.2, 0.5], truth.shape), truth)
    np.testing.assert_allclose(result.bias, [0.3, -0.1], atol=0.015)
    np.testing.assert_allclose(result.sigma, [0.2, 0.5], rtol=0.03)
    np.testing.assert_allclose(result.mad_sigma, [0.2, 0.5], rtol=0.03)
    np.testing.assert_allclose(result.rms, np.hypot([0.3, -0.1], [0.2, 0.5]), rtol=0.03)


def test_outliers_move_sigma_and_leave_the_mad():
    error = np.random.default_rng(4).normal(size=1000)
    error[:20] = 100.0
    result = accuracy(error, np.zeros(1000))
    assert result.sigma > 10
    assert abs(result.mad_sigma - 1) < 0.15


def test_by_hand():
    result = accuracy(torch.tensor([1.0, 2.0, 6.0]), torch.tensor([0.0, 0.0, 0.0]))
    assert float(result.bias) == pytest.approx(3.0)
    assert float(result.sigma) == pytest.approx(np.sqrt(7.0))
    assert float(result.mad_sigma) == pytest.approx(1.4826, rel=1e-4)
    assert float(result.rms) == pytest.approx(np.sqrt(41 / 3))


@pytest.mark.parametrize(
    ("estimate", "truth"),
    [
        (np.zeros((3, 2)), np.zeros((3, 1))),
        (np.zeros(1), np.zeros(1)),
        (np.array([0.0, np.nan]), np.zeros(2)),
    ],
)
def test_bad_input_is_refused(estimate, truth):
    with pytest.raises(ValueError, match=r"expected the same|not finite"):
        accuracy(estimate, truth)
