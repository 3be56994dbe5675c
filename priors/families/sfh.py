"""Priors of star formation histories: densities on the log-SFR steps between age bins.

Three closed forms and one catalogue. `Continuity` prefers smooth histories, `bursty_continuity`
allows jumps twice as large, `DirichletSFH` is ignorant of smoothness, `CatalogueSFH` concentrates
on the histories that galaxy models make. All share one protocol and have exact densities.

References
----------
Leja et al. (2019), ApJ 876, 3 (continuity, Dirichlet); Tacchella et al. (2022), ApJ 926, 134
(bursty continuity).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from priors.ages import LN10, AgeBins, log_sfr_to_steps, relative_log_sfr
from priors.families.gaussian_catalogue import GaussianCatalogue
from priors.families.history_prior import check_rows
from priors.intervals import check_positive
from priors.portable import Portable

REFERENCE_SPACING_DEX = 0.2


class Continuity(Portable):
    """Independent Student-t steps of scale ``scale * sqrt(spacing / 0.2 dex)``.

    The scale follows the square root of the distance between bins in mean log age, so that the
    prior on a history does not depend on how finely it is binned.

    Parameters
    ----------
    bins : AgeBins
        Age bins of the histories, youngest first.
    scale : float
        Scale of the steps between bins that are 0.2 dex apart in age, dex.
    df : int
        Degrees of freedom of the Student-t.

    Raises
    ------
    ValueError
        If `scale` is not positive or `df` not an integer >= 1.
    """

    def __init__(self, bins: AgeBins, scale: float = 0.3, df: int = 2) -> None:
        check_positive("scale", scale)
        if int(df) != df or df < 1:
            raise ValueError(f"df = {df}; expected an integer >= 1.")
        self.df = int(df)
        self.scales = scale * (bins.spacing_dex / REFERENCE_SPACING_DEX).sqrt()
        self.n_dim = bins.n_steps

    def sample(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        """Draw `n` histories, shape (n, n_dim)."""
        shape = (1 + self.df, n, self.n_dim)
        normal = torch.randn(shape, generator=generator, device=self.scales.device)
        chi_square = normal[1:].square().sum(0)
        return self.scales * normal[0] * torch.rsqrt(chi_square / self.df)

    def log_prob(self, steps: Tensor) -> Tensor:
        """Log density per dex^n_dim, shape (n, n_dim) -> (n,)."""
        scales = self.scales.to(steps)
        t = check_rows(steps, self.n_dim, "steps") / scales
        half = 0.5 * (self.df + 1)
        norm = math.lgamma(half) - math.lgamma(0.5 * self.df)
        norm -= 0.5 * math.log(self.df * math.pi)
        # 1 + t^2/df = (hypot(t, sqrt df))^2 / df: no overflow of t^2.
        log_one_plus = 2.0 * torch.hypot(t, torch.full_like(t, math.sqrt(self.df))).log()
        per_step = norm - half * (log_one_plus - math.log(self.df)) - scales.log()
        return per_step.sum(-1)


def bursty_continuity(bins: AgeBins) -> Continuity:
    """Continuity with twice the scale (0.6 dex per 0.2 dex of age).

    Parameters
    ----------
    bins : AgeBins
        Age bins of the histories, youngest first.

    Returns
    -------
    Continuity
        Prior of the log-SFR steps of bursty histories.
    """
    return Continuity(bins, scale=0.6)


class DirichletSFH(Portable):
    """SFR fractions ``SFR_i / sum SFR`` ~ Dirichlet(concentration), as a density on steps.

    With x the fractions, the additive log ratios ``ln(x_i / x_n)`` have the density
    ``Gamma(sum a) / prod Gamma(a_i) * prod x_i^a_i``; they are ln 10 times the cumulative sums of
    the steps, a unit triangular map, so the density on steps gains ``(n_bins - 1) ln(ln 10)``.

    Parameters
    ----------
    bins : AgeBins
        Age bins of the histories, youngest first.
    concentration : float
        The same Dirichlet parameter for every bin; 1 is flat on the simplex.

    Raises
    ------
    ValueError
        If `concentration` is not finite and positive.
    """

    def __init__(self, bins: AgeBins, concentration: float = 1.0) -> None:
        check_positive("concentration", concentration)
        self.concentrations = torch.full((bins.n_bins,), float(concentration))
        self.n_dim = bins.n_steps

    def sample(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        """Draw `n` histories, shape (n, n_dim)."""
        shape = self.concentrations.expand(n, -1).contiguous()
        # ln Gamma(a) = ln Gamma(a + 1) + ln(U) / a in distribution: never the log of zero.
        gamma = torch._standard_gamma(shape + 1.0, generator=generator)
        minus_log_u = torch.empty_like(shape).exponential_(generator=generator)
        return log_sfr_to_steps((gamma.log() - minus_log_u / shape) / LN10)

    def log_prob(self, steps: Tensor) -> Tensor:
        """Log density per dex^n_dim, shape (n, n_dim) -> (n,)."""
        log_fraction = torch.log_softmax(
            LN10 * relative_log_sfr(check_rows(steps, self.n_dim, "steps")), dim=-1
        )
        alpha = self.concentrations.to(steps)
        norm = torch.lgamma(alpha.sum()) - torch.lgamma(alpha).sum()
        return norm + (alpha * log_fraction).sum(-1) + self.n_dim * math.log(LN10)


class CatalogueSFH(GaussianCatalogue):
    """Frozen curves plus Gaussian jitter: an equal-weight mixture of Gaussians.

    Parameters
    ----------
    curves : Tensor, shape (n_curve, n_bins - 1)
        Log-SFR steps of each curve, dex; see `priors.families.sfh_curves.build_sfh_curves`.
    jitter : float
        Standard deviation around a curve, dex per step.

    Raises
    ------
    ValueError
        If the curves are not a finite matrix or `jitter` is not positive.
    """

    def __init__(self, curves: Tensor, jitter: float = 0.15) -> None:
        super().__init__(curves, jitter)

    def log_prob(self, steps: Tensor) -> Tensor:
        """Log density per dex^n_dim, shape (n, n_dim) -> (n,)."""
        return super().log_prob(check_rows(steps, self.n_dim, "steps"))
