"""Co-adding spectra and bands of spaxels into bins."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from simulators.noise.growth import NOISE_GROWTH, noise_growth_factor

_MIN_LIGHT = 0.9
"""A pixel of a bin is valid if spaxels with at least this share of the bin's light have it."""


class Coadder:
    """Running sums of spaxel spectra (or bands) into bins, fed chunk by chunk.

    A value missing in some spaxels of a bin is made up for by the light of the others, if these
    hold at least 90 % of the bin's light; else it is not valid.

    Parameters
    ----------
    row_of_spaxel : ndarray
        Bin of each spaxel, shape (n_spaxel,), -1 for none.
    light : ndarray
        Brightness of each spaxel, shape (n_spaxel,); weighs what is missing.
    n_value : int
        Number of spectral pixels (or bands) per spaxel.
    """

    def __init__(self, row_of_spaxel: np.ndarray, light: np.ndarray, n_value: int) -> None:
        self._row = torch.as_tensor(row_of_spaxel)
        n_bin = int(self._row.max()) + 1
        # Faint and negative spaxels still count: a floor keeps their weight positive.
        typical = float(np.mean(np.abs(light[row_of_spaxel >= 0]))) or 1.0
        self._light = torch.as_tensor(np.maximum(np.nan_to_num(light), 0.01 * typical)).double()
        self._flux, self._variance, self._seen = torch.zeros(3, n_bin, n_value, dtype=torch.float64)
        member = self._row >= 0
        self._total = torch.zeros(n_bin, dtype=torch.float64)
        self._total.index_add_(0, self._row[member], self._light[member])
        self.n_spaxels = torch.bincount(self._row[member], minlength=n_bin).numpy()

    def add(self, spaxels: slice, flux: Tensor, variance: Tensor, valid: Tensor) -> None:
        """Add a chunk of spaxels.

        Parameters
        ----------
        spaxels : slice
            Positions of these spaxels among all that are co-added.
        flux, variance : Tensor
            Fluxes and variances, shape (n_chunk, n_value); they do not count where not valid.
        valid : Tensor
            True = use, shape (n_chunk, n_value).
        """
        member = self._row[spaxels] >= 0
        row, light = self._row[spaxels][member], self._light[spaxels][member]
        good = valid[member].double()
        self._flux.index_add_(0, row, torch.where(valid, flux, 0.0)[member].double())
        self._variance.index_add_(0, row, torch.where(valid, variance, 0.0)[member].double())
        self._seen.index_add_(0, row, good * light[:, None])

    def mean(self, values: np.ndarray) -> np.ndarray:
        """Return the mean of one value per spaxel in each bin, weighted with light.

        Parameters
        ----------
        values : ndarray
            One finite value per spaxel, shape (n_spaxel,).

        Returns
        -------
        ndarray
            Mean of each bin, shape (n_bin,), float64.
        """
        member = self._row >= 0
        weighted = self._light[member] * torch.as_tensor(values).double()[member]
        total = torch.zeros_like(self._total).index_add_(0, self._row[member], weighted)
        return (total / self._total).numpy()

    def result(
        self, slope: float = NOISE_GROWTH, ceiling: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return the sums over the spaxels of each bin.

        Parameters
        ----------
        slope : float
            Noise growth, see :func:`~simulators.noise.growth.noise_growth_factor`.
        ceiling : Tensor, optional
            Largest possible variance of the sums, shape (n_bin, n_value), where it is known.

        Returns
        -------
        tuple of Tensor
            ``flux, sigma, valid``, each (n_bin, n_value).
        """
        share = self._seen / self._total[:, None]
        valid = share >= _MIN_LIGHT
        boost = torch.where(valid, 1.0 / share.clamp(min=_MIN_LIGHT), 0.0)
        growth = torch.as_tensor(noise_growth_factor(self.n_spaxels, slope))[:, None]
        variance = self._variance * boost**2 * growth**2
        if ceiling is not None:
            variance = torch.minimum(variance, ceiling)
        return (self._flux * boost).float(), variance.sqrt().float(), valid
