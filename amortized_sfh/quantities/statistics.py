"""The five statistics that summarise posterior draws, under the names that all products use."""

from __future__ import annotations

import torch
from torch import Tensor

_QUANTILE_LEVELS = {"p16": 0.16, "p50": 0.50, "p84": 0.84}

STATISTICS = MEAN, STD, P16, P50, P84 = ("mean", "std", *_QUANTILE_LEVELS)
"""Order of the last axis of every summary; in FITS files the same names stand in upper case."""


def summarise_draws(values: Tensor) -> Tensor:
    """Compute mean, standard deviation and percentiles of draws.

    Parameters
    ----------
    values
        Draws along dimension 1, shape (n, n_draws, ...).

    Returns
    -------
    Tensor
        `STATISTICS` stacked last, shape (n, ..., 5).
    """
    ordered = values.sort(dim=1).values
    last = values.shape[1] - 1
    quantiles = []
    for level in _QUANTILE_LEVELS.values():
        low = int(level * last)
        share = level * last - low
        high = min(low + 1, last)
        quantiles.append(ordered[:, low] * (1.0 - share) + ordered[:, high] * share)
    return torch.stack([values.mean(1), values.std(1), *quantiles], dim=-1)


def extension_name(name: str, statistic: str) -> str:
    """Name of the FITS extension or table column that holds one statistic of a product.

    Parameters
    ----------
    name
        Name of the product, such as those of the registry.
    statistic
        Name of the statistic, one of `STATISTICS`.

    Returns
    -------
    str
        Both joined, in upper case.

    Examples
    --------
    >>> extension_name("SFR", P16)
    'SFR_P16'
    """
    return f"{name}_{statistic.upper()}"
