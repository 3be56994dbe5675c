"""A weighted mixture of priors of the same kind, with the exact density."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from priors.families.history_prior import HistoryPrior
from priors.portable import Portable


class Mixture(Portable):
    """p(x) = sum over k of weights_k p_k(x).

    Parameters
    ----------
    components : sequence of HistoryPrior
        Priors over the same columns.
    weights : sequence of float
        Positive; normalised to sum 1.

    Raises
    ------
    ValueError
        If there are no components, the numbers differ, a weight is not positive, or the
        components have different dimensions.
    """

    def __init__(self, components: Sequence[HistoryPrior], weights: Sequence[float]) -> None:
        if len(components) == 0 or len(components) != len(weights):
            raise ValueError(
                f"{len(components)} components and {len(weights)} weights; expected one weight "
                "for each of at least one component."
            )
        if not all(math.isfinite(weight) and weight > 0 for weight in weights):
            raise ValueError(f"weights = {tuple(weights)}; expected finite numbers > 0.")
        dims = [component.n_dim for component in components]
        if len(set(dims)) > 1:
            raise ValueError(
                f"components have {dims} dimensions; they must describe the same bins."
            )
        self.components = tuple(components)
        total = math.fsum(weights)
        self.weights = torch.tensor([weight / total for weight in weights], dtype=torch.float32)
        self.n_dim = dims[0]

    def sample(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        """Draw `n` rows, shape (n, n_dim)."""
        choice = torch.multinomial(self.weights, max(n, 1), replacement=True, generator=generator)
        drawn = self.weights.new_empty(n, self.n_dim)
        for k, component in enumerate(self.components):
            rows = torch.nonzero(choice[:n] == k).squeeze(-1)
            drawn[rows] = component.sample(len(rows), generator)
        return drawn

    def log_prob(self, x: Tensor) -> Tensor:
        """Log density, shape (n, n_dim) -> (n,)."""
        parts = torch.stack([component.log_prob(x) for component in self.components], dim=-1)
        joined = parts + self.weights.log().to(parts)
        # logsumexp of only -inf has NaN gradients; such rows are -inf without passing through it.
        possible = torch.isfinite(joined).any(-1)
        safe = torch.where(possible[:, None], joined, 0.0)
        return torch.where(possible, torch.logsumexp(safe, dim=-1), -math.inf)
