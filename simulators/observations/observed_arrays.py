"""Arrays of one observed spectrum, checked, as `Observation.from_spectrum` takes them in."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from simulators.wavelengths.rest_grid import RestGrid


def as_rows(values: np.ndarray | Tensor) -> Tensor:
    """Return values of shape (n_wave,) or (n_obs, n_wave) as rows, numbers as float64."""
    # Work in float64: cgs fluxes of 1e-17 have squares below the range of float32.
    tensor = torch.as_tensor(np.asarray(values))
    if tensor.dtype != torch.bool:
        tensor = tensor.to(torch.float64)
    return tensor[None] if tensor.ndim == 1 else tensor


def decimal_scale(sigma: Tensor) -> float:
    """Return a power of ten that brings errors near one; 1 where they are not far from it."""
    exponent = math.floor(math.log10(float(sigma.median()))) if sigma.numel() else 0
    return 10.0**exponent if abs(exponent) > 5 else 1.0


def check_reach(edges: Tensor, grid: RestGrid, redshift: float) -> None:
    """Raise ValueError if rest-frame pixels, by their edges in Å, are all outside a grid."""
    low, high = float(edges[0]), float(edges[-1])
    if low >= grid.end_aa or high <= grid.start_aa:
        raise ValueError(
            f"the spectrum covers {low:.0f}-{high:.0f} Å in the rest frame at z = {redshift:g} and "
            f"misses the model's {grid.start_aa:.0f}-{grid.end_aa:.0f} Å; check redshift and units"
        )


def band_columns(
    photometry: Mapping[str, tuple[float, float]],
    bands: tuple[str, ...],
    n_obs: int,
    redshift: float,
) -> tuple[Tensor, Tensor, Tensor]:
    """Put band fluxes into columns.

    Parameters
    ----------
    photometry : mapping
        Band name to (f_λ as observed, its sigma); numbers or arrays of shape (n_obs,).
    bands : tuple of str
        Bands of the model.
    n_obs : int
        Number of spectra, rows of the result.
    redshift : float
        Redshift of the galaxy, to whose rest frame the fluxes are brought.

    Returns
    -------
    phot, sigma : Tensor
        Fluxes × (1 + z) and their standard deviations, float64, shape (n_obs, n_band); 0 where
        they are not given.
    valid : Tensor
        True where they are given, bool, shape (n_obs, n_band).

    Raises
    ------
    ValueError
        If a band is unknown or a shape does not fit.
    """
    phot, sigma = torch.zeros(2, n_obs, len(bands), dtype=torch.float64)
    valid = torch.zeros(n_obs, len(bands), dtype=torch.bool)
    for band, (value, error) in photometry.items():
        if band not in bands:
            known = f"expected one of {', '.join(bands)}" if bands else "the model has no bands"
            raise ValueError(f"unknown band {band!r}; {known}")
        j = bands.index(band)
        for target, given in ((phot, value), (sigma, error)):
            numbers = torch.as_tensor(np.asarray(given, dtype=np.float64))
            if numbers.ndim > 1 or numbers.numel() not in (1, n_obs):
                raise ValueError(
                    f"{band} has shape {tuple(numbers.shape)}; expected a number or ({n_obs},)"
                )
            target[:, j] = numbers * (1.0 + redshift)
        valid[:, j] = True
    return phot, sigma, valid
