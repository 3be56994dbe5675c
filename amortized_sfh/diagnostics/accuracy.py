"""Errors of estimates against known truths."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from simulators.robust import robust_sigma


class Accuracy(NamedTuple):
    """Errors of k quantities, estimate minus truth; each of shape (k,).

    Attributes
    ----------
    bias
        Mean of the errors.
    sigma
        Standard deviation of the errors about their mean.
    mad_sigma
        Median absolute deviation about the median error, times 1.4826: the standard deviation if
        errors are Gaussian, and what is typical if there are outliers.
    rms
        Root mean square error, bias included.
    """

    bias: np.ndarray
    sigma: np.ndarray
    mad_sigma: np.ndarray
    rms: np.ndarray


def accuracy(estimate: Any, truth: Any) -> Accuracy:
    """Summarise the errors of estimates.

    Parameters
    ----------
    estimate, truth : array or Tensor, shape (n_obs, k) or (n_obs,)
        Estimates and true values; n_obs is at least 2.

    Returns
    -------
    Accuracy
        Each field has the shape (k,), or () for one quantity.

    Raises
    ------
    ValueError
        If the shapes differ, there are fewer than two, or a value is not finite: count failed
        estimates and leave them out, knowingly.

    Examples
    --------
    >>> float(accuracy([1.0, 3.0], [0.0, 0.0]).bias)
    2.0
    """
    first, second = np.asarray(estimate, dtype=float), np.asarray(truth, dtype=float)
    if first.shape != second.shape or first.ndim not in (1, 2) or len(first) < 2:
        raise ValueError(
            f"estimate has shape {first.shape} and truth {second.shape}; expected the same "
            "(n_obs, k) or (n_obs,), with at least 2 observations"
        )
    error = first - second
    n_bad = error.size - int(np.isfinite(error).sum())
    if n_bad:
        raise ValueError(
            f"{n_bad} errors are not finite; leave failed estimates out and count them"
        )
    centred = error - np.median(error, axis=0)
    return Accuracy(
        bias=error.mean(0),
        sigma=error.std(0, ddof=1),
        mad_sigma=robust_sigma(centred, axis=0),
        rms=np.sqrt((error**2).mean(0)),
    )
