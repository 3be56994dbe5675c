"""Uniform wavelength grid of the spectra that a model sees.

Use :class:`WaveGrid` wherever pixel centres or edges are needed, so that the grid is written down
once: the rest-frame grid of the model, the native grid of a MUSE cube, a mock's grid.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

__all__ = ["REST_GRID", "WaveGrid"]


@dataclass(frozen=True)
class WaveGrid:
    """Pixels of equal width in air wavelength.

    Parameters
    ----------
    start_aa : float
        Centre of the first pixel, in Å.
    step_aa : float
        Width of every pixel, in Å.
    n_pix : int
        Number of pixels.

    Examples
    --------
    >>> WaveGrid(4750.0, 1.25, 1761).end_aa
    6950.0
    """

    start_aa: float = 4750.0
    step_aa: float = 1.25
    n_pix: int = 1761

    def __post_init__(self) -> None:
        if not (math.isfinite(self.start_aa) and self.start_aa > 0):
            raise ValueError(f"start_aa is {self.start_aa!r}; expected a positive wavelength in Å")
        if not (math.isfinite(self.step_aa) and self.step_aa > 0):
            raise ValueError(f"step_aa is {self.step_aa!r}; expected a positive step in Å")
        if int(self.n_pix) != self.n_pix or self.n_pix < 1:
            raise ValueError(f"n_pix is {self.n_pix!r}; expected a whole number of at least 1")

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

    def to_dict(self) -> dict[str, float | int]:
        """Return the three numbers as a JSON-able dictionary, for ``WaveGrid(**d)``."""
        return {"start_aa": self.start_aa, "step_aa": self.step_aa, "n_pix": self.n_pix}


REST_GRID = WaveGrid()
"""The default rest-frame grid: 4750 to 6950 Å in steps of 1.25 Å, 1761 pixels."""
