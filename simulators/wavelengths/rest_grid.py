"""Pixels of the spectra that a model sees, uniform in rest-frame wavelength or in its logarithm.

Use :class:`LinearRestGrid` or :class:`LogRestGrid` for all that is sampled on the pixels of a
model, so that they are written down once. A model whose rest-frame pixels are as wide as those of
its instrument keeps the noise of its data best. The pixels of the instrument itself are in
`simulators.instruments.observed_pixels`.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from simulators.wavelengths.pixel_steps import LinearSteps, LogSteps


@dataclass(frozen=True)
class LinearRestGrid(LinearSteps):
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
        super().__post_init__()
        _check_number(self.n_pix)

    @property
    def end_aa(self) -> float:
        """Centre of the last pixel, in Å."""
        return self.start_aa + self.step_aa * (self.n_pix - 1)

    @property
    def centres_aa(self) -> Tensor:
        """Pixel centres, shape (n_pix,), float64, in Å."""
        return self.wave_aa(torch.arange(self.n_pix))

    @property
    def edges_aa(self) -> Tensor:
        """Pixel edges, shape (n_pix + 1,), float64, in Å."""
        return self.wave_aa(torch.arange(self.n_pix + 1).double() - 0.5)


@dataclass(frozen=True)
class LogRestGrid(LogSteps):
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
        super().__post_init__()
        _check_number(self.n_pix)

    @property
    def end_aa(self) -> float:
        """Centre of the last pixel, in Å."""
        return self.start_aa * 10.0 ** (self.log_step * (self.n_pix - 1))

    @property
    def centres_aa(self) -> Tensor:
        """Pixel centres, shape (n_pix,), float64, in Å."""
        return self.wave_aa(torch.arange(self.n_pix))

    @property
    def edges_aa(self) -> Tensor:
        """Pixel edges, shape (n_pix + 1,), float64, in Å."""
        return self.wave_aa(torch.arange(self.n_pix + 1).double() - 0.5)


RestGrid = LinearRestGrid | LogRestGrid
"""Either grid: both have `start_aa`, `end_aa`, `n_pix`, `centres_aa`, `edges_aa` and the rest."""


def _check_number(n_pix: int) -> None:
    """Refuse a number of pixels that is none."""
    if int(n_pix) != n_pix or n_pix < 1:
        raise ValueError(f"n_pix is {n_pix!r}; expected a whole number of at least 1")


REST_GRID = LinearRestGrid()
"""The default rest-frame grid: 4750 to 6950 Å in steps of 1.25 Å, 1761 pixels."""
