"""Priors of chemical enrichment: densities on the metallicity of every age bin.

Both families are Gaussian, or a mixture of Gaussians, in the unclipped coordinate w of
`METALLICITY_CLIP`, where nothing is bounded; the density on [M/H] follows from its Jacobian and is
exact and normalised on (-2.2, 0.40) for every bin.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from priors.ages import AgeBins
from priors.bijections import SoftClip
from priors.families.gaussian_catalogue import GaussianCatalogue
from priors.families.history_prior import check_rows
from priors.intervals import check_positive
from priors.marginals import LOG_SQRT_2PI
from priors.portable import Portable

MH_LOW = -2.2
MH_HIGH = 0.40
# Wide enough that float32 holds every draw: a wall is reached 15 softness beyond it.
MH_SOFTNESS = 0.10
METALLICITY_CLIP = SoftClip(MH_LOW, MH_HIGH, MH_SOFTNESS)


def _to_unclipped(mh: Tensor, n_dim: int) -> tuple[Tensor, Tensor, Tensor]:
    """w, log |dw/dmh| summed over bins, and whether each row lies inside the bounds."""
    check_rows(mh, n_dim, "mh")
    inside = ((mh > MH_LOW) & (mh < MH_HIGH)).all(-1)
    # Rows outside are evaluated at a harmless place and masked: no NaN, also in gradients.
    safe = torch.where(inside[:, None], mh, 0.5 * (MH_LOW + MH_HIGH))
    log_slope = METALLICITY_CLIP.log_unclip_slope(safe).sum(-1)
    return METALLICITY_CLIP.unclip(safe), log_slope, inside


class RandomWalkEnrichment(Portable):
    """A mean-reverting Gaussian walk in log age, from the present day to older bins.

    The present-day level is N(level, level_scatter); the mean drifts linearly in log age to
    `level + drift` in the oldest bin. Deviations walk with ``innovation * sqrt(spacing / 0.2 dex)``
    per bin and are pulled back so that their scatter tends to `old_scatter` instead of growing
    without end (an Ornstein-Uhlenbeck process): with an unbounded walk the old bins would pile up
    on both walls.

    Parameters
    ----------
    bins : AgeBins
        Age bins of the histories, youngest first.
    level, level_scatter : float
        Mean and standard deviation of the youngest bin, dex.
    drift : float
        Change of the mean from the youngest to the oldest bin, dex.
    innovation : float
        Scatter gained over 0.2 dex in age, dex.
    old_scatter : float
        Standard deviation that the walk tends to, dex.

    Raises
    ------
    ValueError
        If a scatter is not finite and positive.
    """

    def __init__(
        self,
        bins: AgeBins,
        level: float = -0.05,
        level_scatter: float = 0.35,
        drift: float = -0.5,
        innovation: float = 0.15,
        old_scatter: float = 0.45,
    ) -> None:
        check_positive("level_scatter", level_scatter)
        check_positive("innovation", innovation)
        check_positive("old_scatter", old_scatter)
        self.n_dim = bins.n_bins
        age = bins.log_age_yr.to(torch.float64)
        elapsed = age - age[0]
        self.mean = (level + drift * elapsed / elapsed[-1].clamp_min(1e-9)).to(torch.float32)
        # Diffusion per dex of age, and the correlation length that balances it at old_scatter.
        memory = 2.0 * old_scatter**2 / (innovation**2 / 0.2)
        variance = old_scatter**2 + (level_scatter**2 - old_scatter**2) * torch.exp(
            -2.0 * elapsed / memory
        )
        order = torch.arange(self.n_dim)
        younger = torch.minimum(order[:, None], order[None, :])
        lag = (elapsed[:, None] - elapsed[None, :]).abs()
        covariance = variance[younger] * torch.exp(-lag / memory)
        cholesky = torch.linalg.cholesky(covariance)
        identity = torch.eye(self.n_dim, dtype=torch.float64)
        whitener = torch.linalg.solve_triangular(cholesky, identity, upper=False)
        self.cholesky = cholesky.to(torch.float32)
        self.whitener = whitener.to(torch.float32)
        self.log_norm = float(whitener.diagonal().log().sum()) - self.n_dim * LOG_SQRT_2PI

    def sample(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        """Draw `n` enrichment histories, shape (n, n_dim)."""
        z = torch.randn(n, self.n_dim, generator=generator, device=self.mean.device)
        return METALLICITY_CLIP.clip(self.mean + z @ self.cholesky.T)

    def log_prob(self, mh: Tensor) -> Tensor:
        """Log density per dex^n_dim, -inf outside the bounds, shape (n, n_dim) -> (n,)."""
        w, log_slope, inside = _to_unclipped(mh, self.n_dim)
        z = (w - self.mean.to(w)) @ self.whitener.T.to(w)
        value = self.log_norm - 0.5 * z.square().sum(-1) + log_slope
        return torch.where(inside, value, -math.inf)


class CatalogueEnrichment(GaussianCatalogue):
    """Frozen enrichment curves plus Gaussian jitter in the unclipped coordinate.

    Parameters
    ----------
    curves : Tensor, shape (n_curve, n_bins)
        [M/H] of each curve in w, dex; see
        `priors.families.enrichment_curves.build_enrichment_curves`.
    jitter : float
        Standard deviation around a curve, dex per bin.

    Raises
    ------
    ValueError
        If the curves are not a finite matrix or `jitter` is not positive.
    """

    def __init__(self, curves: Tensor, jitter: float = 0.10) -> None:
        super().__init__(curves, jitter)

    def sample(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        """Draw `n` enrichment histories, shape (n, n_dim)."""
        return METALLICITY_CLIP.clip(super().sample(n, generator))

    def log_prob(self, mh: Tensor) -> Tensor:
        """Log density per dex^n_dim, -inf outside the bounds, shape (n, n_dim) -> (n,)."""
        w, log_slope, inside = _to_unclipped(mh, self.n_dim)
        return torch.where(inside, super().log_prob(w) + log_slope, -math.inf)
