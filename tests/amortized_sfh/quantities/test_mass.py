"""Luminosity distances of galaxies and of their spaxels."""

from __future__ import annotations

import math

import numpy as np
import pytest

from amortized_sfh.quantities.mass import luminosity_distance_mpc


def test_distances_of_redshifts():
    redshift = np.array([0.01, 0.0, -0.0005, 0.02, 0.01])
    distance = luminosity_distance_mpc(redshift)
    # Hubble's law, with the deceleration of Planck 2018 to first order
    hubble = 299_792.458 * redshift / 67.66 * (1 + 0.5 * (1 + 0.53) * redshift)
    np.testing.assert_allclose(distance[[0, 3, 4]], hubble[[0, 3, 4]], rtol=1e-3)
    assert np.isnan(distance[[1, 2]]).all()


def test_distances_given():
    np.testing.assert_allclose(luminosity_distance_mpc(np.zeros(3), 11.32), 11.32)
    assert np.isnan(luminosity_distance_mpc(np.full(3, 0.01), math.nan)).all()
    for wrong in (0.0, -3.0):
        with pytest.raises(ValueError, match="expected a positive distance"):
            luminosity_distance_mpc(np.zeros(3), wrong)
