"""Level and signal-to-noise ratio of a spectrum."""

from __future__ import annotations

import torch
from torch import Tensor

from simulators.observations.observation import Observation


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
    valid = observation.valid
    # weights relative to the best pixel: no overflow whatever the unit of the flux
    smallest = torch.where(valid, observation.sigma, torch.inf).amin(dim=1, keepdim=True)
    has_pixel = torch.isfinite(smallest[:, 0])
    smallest = torch.where(has_pixel[:, None], smallest, 1.0)
    weight = torch.where(valid, (smallest / torch.where(valid, observation.sigma, 1.0)) ** 2, 0.0)
    total = weight.sum(dim=1).clamp_min(1e-30)
    mean = (weight * torch.where(valid, observation.flux, 0.0)).sum(dim=1) / total
    error = smallest[:, 0] / total.sqrt()
    scale = torch.sqrt(mean.clamp_min(0.0) ** 2 + error**2)
    band = observation.phot_valid
    n_band = band.sum(dim=1)
    level = torch.where(band, observation.phot.abs() + observation.phot_sigma, 0.0).sum(1)
    fallback = torch.where(n_band > 0, level / n_band.clamp_min(1), torch.ones_like(level))
    scale = torch.where(has_pixel, scale, fallback)
    return scale, torch.where(has_pixel, scale / error, 1.0)
