"""Pixels of equal width in wavelength or in its logarithm, of whatever frame and medium."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class LinearSteps:
    """Pixels of equal width in wavelength.

    Parameters
    ----------
    start_aa : float
        Centre of pixel 0, in Å.
    step_aa : float
        Width of every pixel, in Å.

    Raises
    ------
    ValueError
        If a number is not finite and positive.
    """

    start_aa: float
    step_aa: float

    def __post_init__(self) -> None:
        _check("start_aa", self.start_aa, "wavelength in Å")
        _check("step_aa", self.step_aa, "step in Å")

    def index(self, wave_aa: Tensor) -> Tensor:
        """Return the fractional pixel of wavelengths in Å, 0 at the centre of the first pixel."""
        return (wave_aa - self.start_aa) / self.step_aa

    def wave_aa(self, pixel: Tensor) -> Tensor:
        """Return the wavelengths of fractional pixels in Å, float64; inverts `index`."""
        return self.start_aa + self.step_aa * pixel.double()

    def width_aa(self, wave_aa: Tensor) -> Tensor:
        """Return the width of the pixels in Å at wavelengths in Å, the same shape."""
        return torch.full_like(wave_aa, self.step_aa)


@dataclass(frozen=True)
class LogSteps:
    """Pixels of equal width in log10 of wavelength.

    Parameters
    ----------
    start_aa : float
        Centre of pixel 0, in Å.
    log_step : float
        Width of every pixel, in dex.

    Raises
    ------
    ValueError
        If a number is not finite and positive.
    """

    start_aa: float
    log_step: float

    def __post_init__(self) -> None:
        _check("start_aa", self.start_aa, "wavelength in Å")
        _check("log_step", self.log_step, "step in dex")

    def index(self, wave_aa: Tensor) -> Tensor:
        """Return the fractional pixel of wavelengths in Å, 0 at the centre of the first pixel."""
        return torch.log10(wave_aa / self.start_aa) / self.log_step

    def wave_aa(self, pixel: Tensor) -> Tensor:
        """Return the wavelengths of fractional pixels in Å, float64; inverts `index`."""
        return self.start_aa * 10.0 ** (self.log_step * pixel.double())

    def width_aa(self, wave_aa: Tensor) -> Tensor:
        """Return the width of the pixels in Å at wavelengths in Å, the same shape."""
        return wave_aa * (math.log(10.0) * self.log_step)


def _check(name: str, value: float, what: str) -> None:
    """Refuse a number that is not finite and positive."""
    if not (math.isfinite(value) and value > 0):
        raise ValueError(f"{name} is {value!r}; expected a positive {what}")
