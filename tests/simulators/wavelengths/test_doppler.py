"""Velocities and redshifts multiply as wavelengths do."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from simulators.wavelengths.doppler import (
    add_velocities,
    relative_velocity,
    shift_redshift,
    velocity_from_log_shift,
)

C = 299_792.458


@pytest.mark.parametrize("z", [0.0, 0.00243, 0.0858])
@pytest.mark.parametrize("velocity", [-250.0, 0.0, 250.0])
def test_wavelengths_multiply(z, velocity):
    observed = 6562.8 * (1 + z) * (1 + velocity / C)
    assert 6562.8 * (1 + shift_redshift(z, velocity)) == pytest.approx(observed, rel=1e-12)


def test_velocities_compose_and_come_apart():
    first, second = np.array([-250.0, 0.0, 250.0]), np.array([100.0, 100.0, -30.0])
    total = add_velocities(first, second)
    np.testing.assert_allclose(1 + total / C, (1 + first / C) * (1 + second / C), rtol=1e-14)
    np.testing.assert_allclose(relative_velocity(total, first), second, atol=1e-9)
    # a frame within a frame is the same redshift as the velocities put together
    np.testing.assert_allclose(
        shift_redshift(0.01, total),
        (1 + shift_redshift(0.01, first)) * (1 + second / C) - 1,
        rtol=1e-12,
    )


def test_single_precision_keeps_small_velocities():
    velocity = torch.tensor([1.0, 250.0])
    z = shift_redshift(0.00243, velocity)
    exact = shift_redshift(0.00243, velocity.double())
    assert float(((z.double() - exact) * C).abs().max()) < 1e-3


def test_log_shifts_of_ppxf():
    ratio = np.array([0.999, 1.0, 1.001])
    np.testing.assert_allclose(velocity_from_log_shift(C * np.log(ratio)), C * (ratio - 1))
