"""Coverage: the share of truths inside the intervals of posteriors, from draws alone.

The share of draws below the truth is uniform if the posterior is exact and the truths are drawn
from the prior. Everything here follows from these ranks: take them once and reuse them.
"""

from __future__ import annotations

from typing import Any

import numpy as np


def sbc_ranks(draws: Any, truth: Any) -> np.ndarray:
    """Ranks of the truths among the draws.

    Parameters
    ----------
    draws : array or Tensor, shape (n_obs, n_draws, k)
        Independent draws from each posterior.
    truth : array or Tensor, shape (n_obs, k)
        True values of the same quantities.

    Returns
    -------
    ndarray of int, shape (n_obs, k)
        Number of draws below the truth, 0 to `n_draws`; half of the draws equal to it count.
        Uniform on 0..n_draws if the posteriors are exact.

    Raises
    ------
    ValueError
        If the shapes do not fit together, or a value is not finite.

    References
    ----------
    .. [1] Talts et al. 2018, arXiv:1804.06788, theorem 1.
    """
    draws, truth = np.asarray(draws), np.asarray(truth)
    if draws.ndim != 3 or truth.shape != (draws.shape[0], draws.shape[2]) or 0 in draws.shape:
        raise ValueError(
            f"draws have shape {draws.shape} and truth {truth.shape}; expected "
            "(n_obs, n_draws, k) and (n_obs, k), none of them 0"
        )
    for name, values in (("draws", draws), ("truth", truth)):
        n_bad = values.size - int(np.isfinite(values).sum())
        if n_bad:
            raise ValueError(
                f"{n_bad} values of {name} are not finite; leave out observations "
                "without a posterior"
            )
    below = (draws < truth[:, None]).sum(1)
    equal = (draws == truth[:, None]).sum(1)
    return below + equal // 2


def rank_coverage(ranks: Any, n_draws: int, levels: Any) -> np.ndarray:
    """Share of truths inside central intervals.

    Parameters
    ----------
    ranks : array, shape (n_obs, k)
        Ranks of the truths among the draws, from `sbc_ranks`.
    n_draws : int
        Draws per observation; the coverage of an exact posterior is right to 1 / (n_draws + 1).
    levels : array, shape (n_level,)
        Nominal probabilities between 0 and 1.

    Returns
    -------
    ndarray, shape (n_level, k)
        Measured shares. Below nominal: overconfident or biased. Above: conservative.

    Raises
    ------
    ValueError
        If there are no ranks, or they or the levels are out of their range.

    Examples
    --------
    >>> rank_coverage([[0], [1], [2], [3]], n_draws=3, levels=[0.5])
    array([[0.5]])
    """
    ranks, nominal = np.asarray(ranks), np.atleast_1d(np.asarray(levels, dtype=float))
    if ranks.ndim != 2 or ranks.size == 0 or ranks.min() < 0 or ranks.max() > n_draws:
        raise ValueError(
            f"ranks have shape {ranks.shape}; expected (n_obs, k) with values from 0 to {n_draws}"
        )
    if not ((nominal >= 0) & (nominal <= 1)).all():
        raise ValueError(f"levels are {nominal.tolist()}; expected probabilities from 0 to 1")
    # distance of the truth from the median, as a probability
    distance = np.abs((ranks + 0.5) / (n_draws + 1) - 0.5)
    return np.stack([(distance <= 0.5 * level).mean(0) for level in nominal])


def interval_coverage(draws: Any, truth: Any, levels: Any = (0.68, 0.95)) -> np.ndarray:
    """Share of truths inside the central intervals of draws.

    Parameters
    ----------
    draws : array or Tensor, shape (n_obs, n_draws, k)
        Independent draws from each posterior.
    truth : array or Tensor, shape (n_obs, k)
        True values of the same quantities.
    levels : array, shape (n_level,)
        Nominal probabilities between 0 and 1.

    Returns
    -------
    ndarray, shape (n_level, k)
        Measured shares, as `rank_coverage` returns them.

    Raises
    ------
    ValueError
        If `sbc_ranks` or `rank_coverage` refuses draws, truths or levels.
    """
    return rank_coverage(sbc_ranks(draws, truth), np.shape(draws)[1], levels)
