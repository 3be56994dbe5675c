"""Pixels of the spectra that a model sees, uniform in rest-frame wavelength or in its logarithm.

Use :class:`LinearRestGrid` or :class:`LogRestGrid` for all that is sampled on the pixels of a
model, so that they are written down once. A model whose rest-frame pixels are as wide as those of
its instrument keeps the noise of its data best. The pixels of the instrument itself are in
`simulators.instruments.observed_pixels`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor


@dataclass(frozen=True)
class LinearRestGrid:
    """Rest-frame pixels of equal width in air wavelength.

    Parameters
    ----------
    start_aa : float
        Centre of the first pixel, in Å.
    step_aa : float
        Width of every pixel, in Å.
    n_pix : int
        Number of pixels of the spectrum.

    Examples
    --------
    >>> LinearRestGrid(4750.0, 1.25, 1761).end_aa
    6950.0
    """

    start_aa: float = 4750.0
    step_aa: float = 1.25
    n_pix: int = 1761

    def __post_init__(self) -> None:
        _check(self.start_aa, self.n_pix)
        if not (math.isfinite(self.step_aa) and self.step_aa > 0):
            raise ValueError(f"step_aa is {self.step_aa!r}; expected a positive step in Å")

    @property
    def end_aa(self) -> float:
        """Centre of the last pixel, in Å."""
        return self.start_aa + self.step_aa * (self.n_pix - 1)

    @property
    def centres_aa(self) -> Tensor:
        """Pixel centres, shape (n_pix,), float64, in Å."""
        return self.start_aa + self.step_aa * torch.arange(self.n_pix, dtype=torch.float64)

    @property
    def edges_aa(self) -> Tensor:
        """Pixel edges, shape (n_pix + 1,), float64, in Å."""
        return self.start_aa + self.step_aa * (
            torch.arange(self.n_pix + 1, dtype=torch.float64) - 0.5
        )

    def position(self, wave_aa: Tensor) -> Tensor:
        """Fractional pixel of wavelengths in Å, 0 at the centre of the first pixel."""
        return (wave_aa - self.start_aa) / self.step_aa

    def width_aa(self, wave_aa: Tensor) -> Tensor:
        """Width of the pixels at wavelengths in Å, the same shape."""
        return torch.full_like(wave_aa, self.step_aa)

    def to_dict(self) -> dict[str, float | int]:
        """Return the three numbers as a JSON-able dictionary, for :func:`rest_grid_from_dict`."""
        return {"start_aa": self.start_aa, "step_aa": self.step_aa, "n_pix": self.n_pix}


@dataclass(frozen=True)
class LogRestGrid:
    """Rest-frame pixels of equal width in log10 of air wavelength.

    Parameters
    ----------
    start_aa : float
        Centre of the first pixel, in Å.
    log_step : float
        Width of every pixel, in dex.
    n_pix : int
        Number of pixels of the spectrum.

    Examples
    --------
    >>> round(LogRestGrid(3650.0, 1e-4, 3041).end_aa, 1)
    7350.1
    """

    start_aa: float
    log_step: float
    n_pix: int

    def __post_init__(self) -> None:
        _check(self.start_aa, self.n_pix)
        if not (math.isfinite(self.log_step) and self.log_step > 0):
            raise ValueError(f"log_step is {self.log_step!r}; expected a positive step in dex")

    @property
    def end_aa(self) -> float:
        """Centre of the last pixel, in Å."""
        return self.start_aa * 10.0 ** (self.log_step * (self.n_pix - 1))

    @property
    def centres_aa(self) -> Tensor:
        """Pixel centres, shape (n_pix,), float64, in Å."""
        pixel = torch.arange(self.n_pix, dtype=torch.float64)
        return self.start_aa * 10.0 ** (self.log_step * pixel)

    @property
    def edges_aa(self) -> Tensor:
        """Pixel edges, shape (n_pix + 1,), float64, in Å."""
        pixel = torch.arange(self.n_pix + 1, dtype=torch.float64) - 0.5
        return self.start_aa * 10.0 ** (self.log_step * pixel)

    def position(self, wave_aa: Tensor) -> Tensor:
        """Fractional pixel of wavelengths in Å, 0 at the centre of the first pixel."""
        return torch.log10(wave_aa / self.start_aa) / self.log_step

    def width_aa(self, wave_aa: Tensor) -> Tensor:
        """Width of the pixels at wavelengths in Å, the same shape."""
        return wave_aa * (math.log(10.0) * self.log_step)

    def to_dict(self) -> dict[str, float | int]:
        """Return the three numbers as a JSON-able dictionary, for :func:`rest_grid_from_dict`."""
        return {"start_aa": self.start_aa, "log_step": self.log_step, "n_pix": self.n_pix}


RestGrid = LinearRestGrid | LogRestGrid
"""Either grid: both have `start_aa`, `end_aa`, `n_pix`, `centres_aa`, `edges_aa` and the rest."""


def rest_grid_from_dict(values: dict[str, Any]) -> RestGrid:
    """Rebuild either grid from its `to_dict`.

    Parameters
    ----------
    values : dict
        Start, step and number of pixels: with `log_step` for a logarithmic grid, `step_aa` for a
        linear one.

    Returns
    -------
    LinearRestGrid or LogRestGrid
        Grid that is equal to the one described.
    """
    return LogRestGrid(**values) if "log_step" in values else LinearRestGrid(**values)


def _check(start_aa: float, n_pix: int) -> None:
    """Refuse a start that is no wavelength, and a number of pixels that is none."""
    if not (math.isfinite(start_aa) and start_aa > 0):
        raise ValueError(f"start_aa is {start_aa!r}; expected a positive wavelength in Å")
    if int(n_pix) != n_pix or n_pix < 1:
        raise ValueError(f"n_pix is {n_pix!r}; expected a whole number of at least 1")


REST_GRID = LinearRestGrid()
"""The default rest-frame grid: 4750 to 6950 Å in steps of 1.25 Å, 1761 pixels."""
