"""Line spread functions: the Gaussian with which an instrument blurs, by its full width.

Use :class:`PolynomialLsf` where a width in Å is published (a constant width is a polynomial of one
coefficient), and :class:`ResolvingPower` where R = lambda / FWHM is.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class PolynomialLsf:
    """FWHM as a polynomial of the observed wavelength.

    Parameters
    ----------
    coefficients_aa
        Coefficients from the highest power down to the constant; (2.5,) is 2.5 Å everywhere. The
        default is the line spread function of MUSE [1]_.

    References
    ----------
    .. [1] Bacon et al. 2017, A&A 608, A1, eq. 8 (UDF-10).
    """

    coefficients_aa: tuple[float, ...] = (5.866e-8, -9.187e-4, 6.040)

    def __post_init__(self) -> None:
        finite = all(math.isfinite(c) for c in self.coefficients_aa)
        if not self.coefficients_aa or not finite:
            raise ValueError(
                f"coefficients_aa is {self.coefficients_aa!r}; expected at least one number, finite"
            )

    def fwhm_aa(self, wave_obs_aa: Tensor) -> Tensor:
        """Return the FWHM in Å at observed air wavelengths in Å, the same shape."""
        fwhm = torch.full_like(wave_obs_aa, self.coefficients_aa[0])
        for coefficient in self.coefficients_aa[1:]:
            fwhm = fwhm * wave_obs_aa + coefficient
        return fwhm


@dataclass(frozen=True, kw_only=True)
class ResolvingPower:
    """R = lambda / FWHM at some wavelengths, linear between them and constant beyond.

    Parameters
    ----------
    wave_aa
        Observed air wavelengths in Å, ascending.
    power
        Resolving power R at each of these wavelengths, dimensionless.
    """

    wave_aa: tuple[float, ...]
    power: tuple[float, ...]

    def __post_init__(self) -> None:
        ascending = all(a < b for a, b in zip(self.wave_aa, self.wave_aa[1:], strict=False))
        if not self.wave_aa or len(self.wave_aa) != len(self.power) or not ascending:
            raise ValueError(
                f"a resolving power has {len(self.power)} values at {len(self.wave_aa)} "
                "wavelengths; expected one at each of some ascending wavelengths"
            )
        if not all(math.isfinite(r) and r > 0 for r in self.power):
            raise ValueError(f"resolving power is {self.power!r}; expected positive numbers")

    def fwhm_aa(self, wave_obs_aa: Tensor) -> Tensor:
        """Return the FWHM in Å at observed air wavelengths in Å, the same shape."""
        if len(self.wave_aa) == 1:
            return wave_obs_aa / self.power[0]
        knots, power = (torch.tensor(v).to(wave_obs_aa) for v in (self.wave_aa, self.power))
        low = (torch.searchsorted(knots, wave_obs_aa.contiguous()) - 1).clamp(0, len(knots) - 2)
        share = ((wave_obs_aa - knots[low]) / (knots[low + 1] - knots[low])).clamp(0.0, 1.0)
        return wave_obs_aa / (power[low] + share * (power[low + 1] - power[low]))


LineSpread = PolynomialLsf | ResolvingPower
"""Either description of a line spread function."""
