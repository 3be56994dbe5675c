"""Scale of the noise relative to the error bars, measured from the spectra themselves.

Variance cubes leave out the covariance of drizzled pixels and the residuals of sky subtraction,
which in large bins dominate. A first posterior predicts each spectrum; second differences of the
residuals along wavelength are blind to smooth misfits and, over several pixels, to the
correlation of neighbours; their scatter over that expected from the error bars is the scale.
"""

from __future__ import annotations

from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor

from amortized_sfh.inference.infer import infer_chunks
from amortized_sfh.inference.predictive_checks import predictive_spectra
from amortized_sfh.model.model import PosteriorModel
from simulators.observations.masks import mask_observation
from simulators.observations.observation import Observation
from simulators.robust import MAD_TO_SIGMA

_N_DRAWS = 32
_SMALLEST, _LARGEST = 1.0, 10.0
#: Distance in pixels of the three values of a second difference.
_LAG = 3
#: Windows of wavelength in each of which one scale is measured, if so many pixels are valid.
_N_WINDOWS, _MIN_PIXELS = 6, 40


def measure_noise_scale(
    model: PosteriorModel, observation: Observation, seed: int = 0
) -> tuple[Observation, Tensor]:
    """Enlarge error bars to the scatter of the data.

    Parameters
    ----------
    model
        Posterior model, whose predictions are the smooth part of the spectra.
    observation
        Batch of n_obs observations on the model's grid.
    seed
        Source of randomness of the first posterior.

    Returns
    -------
    observation : Observation
        The same data with `sigma` multiplied by the scale; error bars never shrink.
    scale : Tensor
        Factor per pixel, smooth in wavelength, shape (n_obs, n_pix).
    """
    scales, first = [], 0
    for samples in infer_chunks(model, observation, _N_DRAWS, seed):
        rows = observation[first : first + len(samples)]
        part = mask_observation(rows.clean(), model.instrument)
        light = predictive_spectra(model.generative, part, samples.theta)
        residual = (part.flux - light.flux.mean(1)) / torch.where(part.valid, part.sigma, 1.0)
        scales.append(residual_scale(residual, part.valid))
        first += len(samples)
    scale = torch.cat(scales)
    return replace(observation, sigma=observation.sigma * scale), scale


def residual_scale(residual: Tensor, valid: Tensor) -> Tensor:
    """Robust scatter of residuals in units of their errors, smooth in wavelength.

    Parameters
    ----------
    residual
        Data minus model over the error bar of each pixel, shape (n_obs, n_pix).
    valid
        True where a pixel is used, bool, the same shape.

    Returns
    -------
    Tensor
        Scale in [1, 10], shape (n_obs, n_pix); 1 where too few pixels are left to measure.
    """
    n_pix = residual.shape[1]
    left, middle, right = (slice(k * _LAG, n_pix - (2 - k) * _LAG) for k in range(3))
    difference = residual[:, left] - 2.0 * residual[:, middle] + residual[:, right]
    usable = valid[:, left] & valid[:, middle] & valid[:, right]
    difference = torch.where(usable, difference.abs(), torch.nan)
    windows = []
    for values in difference.tensor_split(_N_WINDOWS, dim=1):
        # independent residuals of unit variance have differences of variance 1 + 4 + 1
        scatter = MAD_TO_SIGMA * values.nanmedian(dim=1).values / 6.0**0.5
        enough = torch.isfinite(values).sum(dim=1) >= _MIN_PIXELS
        windows.append(torch.where(enough, scatter, torch.nan))
    scale = torch.stack(windows, dim=1)
    typical = torch.nan_to_num(scale.nanmedian(dim=1, keepdim=True).values, nan=1.0)
    scale = torch.where(torch.isfinite(scale), scale, typical).clamp(_SMALLEST, _LARGEST)
    return F.interpolate(scale[:, None], size=n_pix, mode="linear", align_corners=False)[:, 0]
