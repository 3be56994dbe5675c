"""Modes: found where neighbours share something, not found in noise of any kind."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from amortized_sfh.data.cube_noise.sky_modes import find_sky_modes

N_PLANE, SIDE = 600, 32
Y, X = (axis.ravel() for axis in np.mgrid[:SIDE, :SIDE])


def noise(seed, width=0.0):
    values = np.random.default_rng(seed).normal(size=(N_PLANE, SIDE, SIDE))
    values = gaussian_filter(values, (0.0, width, width), mode="wrap")
    return (values / values.std()).reshape(N_PLANE, -1).T


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("width", [0.0, 0.6])
def test_noise_has_no_modes(seed, width):
    found = find_sky_modes(noise(seed, width), Y, X)
    assert found.modes.shape == (0, N_PLANE)
    assert found.agreement[0] < 0.7 * found.threshold


def test_five_modes_at_most_and_in_order():
    values = noise(4)
    for k in range(6):
        shape = np.zeros(N_PLANE)
        shape[90 * k + 20 : 90 * k + 40] = 4.0 - 0.3 * k
        field = gaussian_filter(np.random.default_rng(k).normal(size=(SIDE, SIDE)), 3.0)
        values = values + field.ravel()[:, None] / field.std() * shape
    found = find_sky_modes(values, Y, X)
    assert len(found.modes) == 5
    norms = np.sqrt((found.modes**2).sum(axis=1))
    assert (np.diff(norms) < 0.0).all()
    assert np.abs(found.modes @ found.modes.T - np.diag(norms**2)).max() < 1e-6 * norms[0] ** 2


def test_one_wild_spaxel_is_no_mode():
    values = noise(5)
    values[100] *= 300.0
    values[101, :50] = np.nan
    assert len(find_sky_modes(values, Y, X).modes) == 0


def test_too_few_spaxels_for_two_halves():
    with pytest.raises(ValueError, match=r"half of the sky has \d+ spaxels apart .* at least 30"):
        find_sky_modes(noise(6)[X < 6], Y[X < 6], X[X < 6])
