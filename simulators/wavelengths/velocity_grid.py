"""The fine wavelength axis on which spectra are broadened: a velocity shifts it by whole pixels."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from simulators.constants import SPEED_OF_LIGHT_KMS
from simulators.wavelengths.rest_grid import RestGrid


@dataclass(frozen=True)
class VelocityGrid:
    """Uniform grid in ln(wavelength), on which velocities are convolutions.

    Parameters
    ----------
    start_aa, stop_aa : float
        First and last rest-frame air wavelength in Å.
    n_pix : int
        Number of pixels; products of small primes are fast to transform.
    """

    start_aa: float
    stop_aa: float
    n_pix: int

    @classmethod
    def covering(
        cls, grid: RestGrid, margin: float = 0.0085, step_kms: float = 40.0
    ) -> VelocityGrid:
        """Make a grid that covers the pixels of a model and what broadening brings into them.

        Parameters
        ----------
        grid : LinearRestGrid or LogRestGrid
            Pixels of the model.
        margin : float
            Further wavelengths on each side as a share of the wavelength, for the widest kernels.
        step_kms : float
            Largest step, in km/s.

        Returns
        -------
        VelocityGrid
            Grid whose number of pixels is a multiple of 256.
        """
        edges = np.asarray(grid.edges_aa)
        start, stop = float(edges[0]) * (1.0 - margin), float(edges[-1]) * (1.0 + margin)
        wanted = math.log(stop / start) * SPEED_OF_LIGHT_KMS / step_kms
        return cls(start, stop, 256 * math.ceil(wanted / 256))

    @property
    def step(self) -> float:
        """Step in ln(wavelength)."""
        return math.log(self.stop_aa / self.start_aa) / (self.n_pix - 1)

    @property
    def wave_aa(self) -> np.ndarray:
        """Wavelengths in Å, shape (n_pix,)."""
        return self.start_aa * np.exp(self.step * np.arange(self.n_pix))

    def fractional_index(self, wave_aa: Tensor) -> Tensor:
        """Position of wavelengths on the grid in pixels, float64."""
        return torch.log(wave_aa.double() / self.start_aa) / self.step
