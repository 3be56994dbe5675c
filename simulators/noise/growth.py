"""Growth of the noise of sums with the number of their spaxels."""

from __future__ import annotations

import numpy as np

NOISE_GROWTH = 1.07
"""Cautious growth per decade of spaxels (Garcia-Benito et al. 2015, A&A 576, A135)."""


def noise_growth_factor(n_spaxels: np.ndarray, slope: float = NOISE_GROWTH) -> np.ndarray:
    """Return the factor by which the noise of a bin exceeds that of independent spaxels.

    Parameters
    ----------
    n_spaxels : ndarray
        Number N of spaxels per bin, any shape; less than 1 counts as 1.
    slope : float
        Growth per decade of N; 0 for independent spaxels.

    Returns
    -------
    ndarray
        Factor 1 + slope × log10 N, of the shape of `n_spaxels`.

    References
    ----------
    Functional form and default of Garcia-Benito et al. (2015, A&A 576, A135).

    Examples
    --------
    >>> round(float(noise_growth_factor(np.array(10))), 2)
    2.07
    """
    return 1.0 + slope * np.log10(np.maximum(np.asarray(n_spaxels, dtype=np.float64), 1.0))
