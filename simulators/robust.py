"""Scatter that outliers do not enlarge."""

from __future__ import annotations

import numpy as np

MAD_TO_SIGMA = 1.4826
"""Standard deviation of a normal distribution over its median absolute deviation."""


def robust_sigma(
    deviation: np.ndarray, axis: int | None = None, *, ignore_nan: bool = False
) -> np.ndarray:
    """Return the standard deviation that the median absolute deviation stands for.

    Parameters
    ----------
    deviation : ndarray
        Deviations from the middle of the distribution, in any unit and shape.
    axis : int, optional
        Axis along which the median is taken; all axes by default.
    ignore_nan : bool
        If true, NaN is left out of the median; if false, it makes the result NaN.

    Returns
    -------
    ndarray
        Standard deviation in the unit of the deviations, with their shape but for the axis.

    Examples
    --------
    >>> round(float(robust_sigma(np.array([-1.0, 0.5, 1.0, -50.0]))), 4)
    1.4826
    """
    median = np.nanmedian if ignore_nan else np.median
    return MAD_TO_SIGMA * median(np.abs(deviation), axis=axis)
