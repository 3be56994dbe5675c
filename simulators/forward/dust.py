"""Attenuation by dust: the Calzetti law with a free slope."""

from __future__ import annotations

import torch
from torch import Tensor

from priors.portable import Portable

R_V_CALZETTI = 4.05
PIVOT_AA = 5500.0
#: The two published pieces differ by 0.6 % at 6300 Å, where the red one starts, and meet here.
_MEETING_AA = 7226.55


def calzetti_curve(wave_aa: Tensor) -> Tensor:
    """Attenuation curve k'(wave) / R_V of starburst galaxies.

    Parameters
    ----------
    wave_aa
        Rest-frame wavelengths in Å, any shape. The law holds over 1200-22000 Å; below 1200 Å the
        value at 1200 Å is kept.

    Returns
    -------
    Tensor
        A(wave) / A_V, dimensionless, of the shape of `wave_aa`.

    References
    ----------
    .. [1] Calzetti et al. 2000, ApJ 533, 682, eq. 4.
    """
    x = 1e4 / wave_aa.clamp_min(1200.0)
    blue = 2.659 * (-2.156 + x * (1.509 + x * (-0.198 + 0.011 * x))) + R_V_CALZETTI
    red = 2.659 * (-1.857 + 1.040 * x) + R_V_CALZETTI
    return torch.where(wave_aa < _MEETING_AA, blue, red).clamp_min(0.0) / R_V_CALZETTI


class CalzettiSlope(Portable):
    """Calzetti curve times (wave / 5500 Å)**delta, on fixed wavelengths.

    Parameters
    ----------
    wave_aa
        Rest-frame wavelengths in Å, shape (n_wave,).

    References
    ----------
    .. [1] Noll et al. 2009, A&A 507, 1793, eq. 8 without the bump.
    """

    def __init__(self, wave_aa: Tensor) -> None:
        wave = wave_aa.double()
        self.curve = calzetti_curve(wave).float()
        self.log_wave = torch.log(wave / PIVOT_AA).float()

    def transmission(self, av: Tensor, delta: Tensor) -> Tensor:
        """Fraction of the light that leaves the galaxy.

        Parameters
        ----------
        av
            Attenuation in the V band in mag, shape (n,).
        delta
            Slope added to the Calzetti law, the exponent of wave / 5500 Å, shape (n,).

        Returns
        -------
        Tensor
            Transmitted fraction, 0 to 1, shape (n, n_wave).
        """
        depth = (-0.4 * 2.302585093) * av[:, None] * self.curve
        return torch.exp(depth * torch.exp(delta[:, None] * self.log_wave))
