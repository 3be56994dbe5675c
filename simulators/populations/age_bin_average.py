"""Averages over age bins of light that is given at the ages of a library."""

from __future__ import annotations

import itertools

import numpy as np


def age_bin_weights(
    age_gyr: np.ndarray, edges_gyr: np.ndarray, last_age_gyr: float = np.inf
) -> np.ndarray:
    """Weights that average over age bins at constant SFR.

    The light is linear in age between the ages given, constant before the first and zero after
    `last_age_gyr`, so the average is the exact integral of that curve.

    Parameters
    ----------
    age_gyr
        Ages at which the light is given, in Gyr, ascending, shape (n_age,).
    edges_gyr
        Edges of the bins in Gyr, ascending, shape (n_bins + 1,).
    last_age_gyr
        Age in Gyr at which the light ends; it never does by default.

    Returns
    -------
    np.ndarray
        Weights, shape (n_bins, n_age); a row sums to the share of its bin before
        `last_age_gyr`.

    Examples
    --------
    >>> age_bin_weights(np.array([1.0, 2.0]), np.array([0.0, 1.0, 2.0]))
    array([[1. , 0. ],
           [0.5, 0.5]])
    """
    weights = np.zeros((len(edges_gyr) - 1, len(age_gyr)))
    identity = np.eye(len(age_gyr))
    for row, (low, high) in zip(weights, itertools.pairwise(edges_gyr), strict=True):
        stop = max(low, min(high, last_age_gyr))
        t = np.concatenate([[low], age_gyr[(age_gyr > low) & (age_gyr < stop)], [stop]])
        values = np.stack([np.interp(t, age_gyr, basis) for basis in identity])
        row[:] = np.trapezoid(values, t, axis=1) / (high - low)
    return weights
