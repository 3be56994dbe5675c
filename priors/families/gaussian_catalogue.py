"""An equal-weight mixture of isotropic Gaussians around many frozen points.

The exact density behind the catalogue priors: a family of deterministic curves has no density in
the full space, but curves plus Gaussian jitter do, and it is one logsumexp.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from priors.intervals import check_positive
from priors.portable import Portable

_CHUNK_ELEMENTS = 4_194_304


class GaussianCatalogue(Portable):
    """p(x) = mean over k of N(x | centres_k, jitter^2 I).

    Parameters
    ----------
    centres : Tensor, shape (n_centre, n_dim)
        Frozen points around which the density lies.
    jitter : float
        Standard deviation around each point, the same in every dimension.

    Raises
    ------
    ValueError
        If the centres are not a finite matrix with rows, or `jitter` is not positive.
    """

    def __init__(self, centres: Tensor, jitter: float) -> None:
        if centres.ndim != 2 or centres.shape[0] == 0 or not bool(torch.isfinite(centres).all()):
            raise ValueError(
                f"centres have shape {tuple(centres.shape)}; expected a finite (n_centre, n_dim)."
            )
        check_positive("jitter", jitter)
        self.jitter, self.n_dim = float(jitter), centres.shape[1]
        self.origin = centres.to(torch.float64).mean(0).to(torch.float32)
        # Centred and in units of the jitter: products of small numbers lose fewer digits.
        self.points = (centres.to(torch.float32) - self.origin) / self.jitter
        self.half_squares = 0.5 * self.points.square().sum(-1)

    def sample(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        """Draw `n` points, shape (n, n_dim)."""
        device = self.points.device
        row = torch.randint(len(self.points), (n,), generator=generator, device=device)
        noise = torch.randn(n, self.n_dim, generator=generator, device=device)
        return self.origin + self.jitter * (self.points[row] + noise)

    def log_prob(self, x: Tensor) -> Tensor:
        """Log density of `x`, shape (n, n_dim) -> (n,)."""
        z = (x - self.origin.to(x)) / self.jitter
        rows = max(1, _CHUNK_ELEMENTS // len(self.points))
        parts = []
        for chunk in z.split(rows):
            products = chunk @ self.points.T.to(z) - self.half_squares.to(z)
            parts.append(torch.logsumexp(products, dim=-1) - 0.5 * chunk.square().sum(-1))
        width = self.jitter * math.sqrt(2.0 * math.pi)
        norm = math.log(len(self.points)) + self.n_dim * math.log(width)
        return torch.cat(parts) - norm
