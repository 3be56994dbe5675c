"""How much larger the noise is than the error bars say, measured from the spectra themselves.

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

from amortized_sfh.inference.infer import infer_chunks, predictive_spectra
from amortized_sfh.model.model import PosteriorModel
from simulators.observations.masks import mask_observation
from simulators.observations.observation import Observation

_LAG = 3
_N_DRAWS = 32
_N_WINDOWS = 6
_MIN_PIXELS = 40
_MAD_TO_SIGMA = 1.4826
_LIMITS = (1.0, 10.0)


def measure_noise_scale(
    model: PosteriorModel, observation: Observation, seed: int = 0
) -> tuple[Observation, Tensor]:
    """Enlarge error bars to the scatter of the data.

    Parameters
    ----------
    model
        Trained model; its posterior means are the smooth part.
    observation
        Batch of n_obs observations.
    seed
        Source of randomness of the first posterior.

    Returns
    -------
    observation : Observation
        The same with `sigma` multiplied by the scale; never made smaller.
    scale : Tensor
        Factor per pixel, smooth in wavelength, shape (n_obs, n_pix).
    """
    instrument = model.instrument
    scales, first = [], 0
    for samples in infer_chunks(model, observation, _N_DRAWS, seed):
        rows = observation[first : first + len(samples)].clean()
        part = mask_observation(rows, instrument)
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
        (data - model) / sigma, shape (n_obs, n_pix).
    valid
        Pixels used, bool, the same shape.

    Returns
    -------
    Tensor
        Scale in [1, 10], shape (n_obs, n_pix); 1 where too few pixels are left to measure.
    """
    n_pix = residual.shape[1]
    middle = slice(_LAG, n_pix - _LAG)
    left, right = slice(0, n_pix - 2 * _LAG), slice(2 * _LAG, n_pix)
    second = residual[:, left] - 2.0 * residual[:, middle] + residual[:, right]
    usable = valid[:, left] & valid[:, middle] & valid[:, right]
    second = torch.where(usable, second.abs(), torch.nan)
    windows = []
    for values in second.tensor_split(_N_WINDOWS, dim=1):
        # six is the variance of 1, -2, 1
        scatter = _MAD_TO_SIGMA * values.nanmedian(dim=1).values / 6.0**0.5
        enough = torch.isfinite(values).sum(dim=1) >= _MIN_PIXELS
        windows.append(torch.where(enough, scatter, torch.nan))
    knots = torch.stack(windows, dim=1)
    typical = torch.nan_to_num(knots.nanmedian(dim=1, keepdim=True).values, nan=1.0)
    knots = torch.where(torch.isfinite(knots), knots, typical).clamp(*_LIMITS)
    return F.interpolate(knots[:, None], size=n_pix, mode="linear", align_corners=False)[:, 0]
