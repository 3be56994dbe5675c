"""Random numbers and equal shares, of which the frozen catalogues of curves are made."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from priors.ages import AgeBins


def uniform(n: int, low: float, high: float, generator: torch.Generator) -> Tensor:
    """Uniform numbers between two bounds, shape (n, 1), float64."""
    draws = torch.rand(n, 1, generator=generator, dtype=torch.float64)
    return low + (high - low) * draws


def equal_shares(
    families: Sequence[Callable[[int, AgeBins, torch.Generator], Tensor]],
    bins: AgeBins,
    n_curves: int,
    seed: int,
) -> Tensor:
    """Draw the same number of curves from each family, one family after the other.

    Parameters
    ----------
    families : sequence of callables
        Each draws a number of curves over age bins with a generator, one curve a row.
    bins : AgeBins
        Age bins of the curves, youngest first.
    n_curves : int
        Number of curves of all families together.
    seed : int
        Seed of the shape parameters: the same seed gives the same curves.

    Returns
    -------
    Tensor, shape (n_curves, n)
        Curves of the families in their order.

    Raises
    ------
    ValueError
        If `n_curves` is not a positive multiple of the number of families.
    """
    if n_curves <= 0 or n_curves % len(families):
        raise ValueError(f"n_curves = {n_curves}; expected a positive multiple of {len(families)}.")
    generator = torch.Generator().manual_seed(seed)
    share = n_curves // len(families)
    return torch.cat([family(share, bins, generator) for family in families])
