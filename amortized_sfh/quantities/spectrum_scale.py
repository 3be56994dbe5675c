"""Level and signal-to-noise ratio of a spectrum."""

from __future__ import annotations

import torch
from torch import Tensor

from simulators.observations.observation import Observation


def pixel_weights(observation: Observation) -> tuple[Tensor, Tensor]:
    """Weigh pixels by their inverse variance, relative to the best pixel of their spectrum.

    Such weights do not overflow, whatever the unit of the flux is.

    Parameters
    ----------
    observation
        Batch of n observations.

    Returns
    -------
    weight : Tensor
        Weights from 0, of pixels that are not valid, to 1, shape (n, n_pix).
    smallest : Tensor
        Error of the best pixel in the unit of the flux, shape (n,); infinite without any pixel.
    """
    sigma = torch.where(observation.valid, observation.sigma, torch.inf)
    smallest = sigma.amin(dim=1, keepdim=True)
    return torch.where(observation.valid, (smallest / sigma) ** 2, 0.0), smallest[:, 0]


def spectrum_scale(observation: Observation) -> tuple[Tensor, Tensor]:
    """Measure the flux level of a spectrum, positive whatever the data.

    The inverse-variance weighted mean flux m of the valid pixels, with error e, gives
    sqrt(max(m, 0)**2 + e**2): m where there is signal, the noise of the mean where there is none.

    Parameters
    ----------
    observation
        Batch of n observations.

    Returns
    -------
    scale : Tensor
        In the unit of the flux, shape (n,); without any valid pixel the mean of the valid bands, or
        one.
    snr : Tensor
        scale / e, at least 1, shape (n,).
    """
    weight, smallest = pixel_weights(observation)
    has_pixel = torch.isfinite(smallest)
    total = weight.sum(dim=1).clamp_min(1e-30)
    flux = torch.where(observation.valid, observation.flux, 0.0)
    mean = (weight * flux).sum(dim=1) / total
    error = torch.where(has_pixel, smallest, 1.0) / total.sqrt()
    scale = torch.sqrt(mean.clamp_min(0.0) ** 2 + error**2)
    band = observation.phot_valid
    n_band = band.sum(dim=1)
    level = torch.where(band, observation.phot.abs() + observation.phot_sigma, 0.0).sum(1)
    fallback = torch.where(n_band > 0, level / n_band.clamp_min(1), torch.ones_like(level))
    scale = torch.where(has_pixel, scale, fallback)
    return scale, torch.where(has_pixel, scale / error, 1.0)
