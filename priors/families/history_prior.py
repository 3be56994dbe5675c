"""The protocol shared by all priors of a block of parameters (a history over the age bins)."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import torch
from torch import Tensor


@runtime_checkable
class HistoryPrior(Protocol):
    """An exact density over the columns of one block, with samples.

    Star formation histories have ``n_bins - 1`` columns (log-SFR steps, dex, younger minus older),
    enrichment histories ``n_bins`` ([M/H], dex, youngest first).
    """

    @property
    def n_dim(self) -> int:
        """Number of columns."""

    def sample(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        """Draw `n` rows, shape (n, n_dim), float32."""

    def log_prob(self, x: Tensor) -> Tensor:
        """Log density per dex^n_dim, shape (n, n_dim) -> (n,); -inf outside bounds."""


def check_rows(x: Tensor, n_dim: int, name: str) -> Tensor:
    """Return `x` if it has shape (n, n_dim).

    Parameters
    ----------
    x : Tensor
        Histories, one a row.
    n_dim : int
        Expected number of columns.
    name : str
        Name of the histories in the error message.

    Returns
    -------
    Tensor, shape (n, n_dim)
        The histories `x`, unchanged.

    Raises
    ------
    ValueError
        If the shape is different.
    """
    if x.ndim != 2 or x.shape[1] != n_dim:
        raise ValueError(
            f"{name} has shape {tuple(x.shape)}; expected (n, {n_dim}) for these age bins."
        )
    return x
