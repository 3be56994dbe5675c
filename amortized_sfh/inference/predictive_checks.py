"""The posterior predictive: the light of posterior draws, and checks of data against it.

The reduced chi-square says whether the spectrum as a whole fits. It cannot tell whether a band
does, because a thousand pixels drown one band; the pulls of the bands can.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from amortized_sfh.quantities.flags import MAX_BAND_PULL
from simulators.forward.simulator import ModelSpectra
from simulators.generative import GenerativeModel
from simulators.noise.likelihood import Likelihood
from simulators.noise.noise_model import NoiseModel
from simulators.observations.observation import Observation


class PredictiveCheck(NamedTuple):
    """Data of n_obs observations against their posterior predictives.

    Attributes
    ----------
    chi2
        Reduced chi-square about the mean of the draws, systematic errors and amplitude
        marginalised, shape (n_obs,), float32; NaN for fewer than two valid pixels and bands.
    band_pull
        Residual of every band in standard deviations, shape (n_obs, n_band); see `band_pulls`.
    """

    chi2: Tensor
    band_pull: Tensor


def check_predictions(
    generative: GenerativeModel, observation: Observation, theta: Tensor
) -> PredictiveCheck:
    """Compare observations with what draws from their posteriors predict.

    Parameters
    ----------
    generative
        Forward model and noise.
    observation
        Batch of n_obs observations.
    theta
        Draws, shape (n_obs, n_draws, n_param).

    Returns
    -------
    PredictiveCheck
        Chi-square of the whole observation, and pulls of its bands.
    """
    light = _light_of_unit_mean(generative, observation, theta)
    mean_light = ModelSpectra(light.flux.mean(1, keepdim=True), light.phot.mean(1, keepdim=True))
    likelihood = Likelihood(generative.noise, observation)
    amplitude, error, chi2 = (value[:, 0] for value in likelihood.best_fit(mean_light))
    # the amplitude was fitted
    n_free = likelihood.n_data - 1
    reduced = torch.where(n_free > 0, chi2 / n_free.clamp_min(1), torch.nan).float()
    pulls = band_pulls(generative.noise, observation, light, (amplitude, error))
    return PredictiveCheck(reduced, pulls)


def predictive_spectra(
    generative: GenerativeModel, observation: Observation, theta: Tensor
) -> ModelSpectra:
    """Noise-free light of draws, scaled to each observation.

    Parameters
    ----------
    generative
        Forward model and noise.
    observation
        Batch of n_obs observations.
    theta
        Draws, shape (n_obs, n_draws, n_param).

    Returns
    -------
    ModelSpectra
        Light in the unit of the observation, that of each draw at the amplitude that fits best:
        `flux` (n_obs, n_draws, n_pix) and `phot` (n_obs, n_draws, n_band).
    """
    light = _light_of_unit_mean(generative, observation, theta)
    amplitude, _ = Likelihood(generative.noise, observation).amplitude(light)
    factor = amplitude[..., None].to(light.flux)
    return ModelSpectra(light.flux * factor, light.phot * factor)


def _light_of_unit_mean(
    generative: GenerativeModel, observation: Observation, theta: Tensor
) -> ModelSpectra:
    """Light of draws (n_obs, n_draws, n_param), in units of the mean of each spectrum."""
    n_obs, n_draws = theta.shape[:2]
    redshift = observation.redshift.repeat_interleave(n_draws)
    light = generative.simulator(theta.flatten(0, 1), redshift)
    level = light.flux.mean(1, keepdim=True)
    shape = (n_obs, n_draws)
    return ModelSpectra(
        (light.flux / level).unflatten(0, shape), (light.phot / level).unflatten(0, shape)
    )


def band_pulls(
    noise: NoiseModel,
    observation: Observation,
    light: ModelSpectra,
    amplitude: tuple[Tensor, Tensor],
) -> Tensor:
    """Residual of every band against the posterior predictive, in standard deviations.

    Parameters
    ----------
    noise
        Noise model with the systematic errors of the bands: calibration, zero points and template
        mismatch.
    observation
        Batch of n_obs observations.
    light
        Light of draws from the posterior, `phot` of shape (n_obs, n_draws, n_band).
    amplitude
        Factor that brings the mean of `light` to the data, and its standard error, each of shape
        (n_obs,).

    Returns
    -------
    Tensor
        Data minus mean over the root of the sum of squares of the error bar, the spread of the
        draws, the error of the amplitude and the systematic error; shape (n_obs, n_band), NaN
        where a band is not used.
    """
    factor, factor_error = (value[:, None].to(light.phot) for value in amplitude)
    mean = light.phot.mean(1)
    spread = (light.phot - mean[:, None]).square().mean(1).sqrt()
    # the last columns of the modes are relative errors of the bands
    band_modes = noise.modes[:, noise.modes.shape[1] - mean.shape[1] :]
    systematic = band_modes.square().sum(0).sqrt()
    used = observation.phot_valid
    error_bar = torch.where(used, observation.phot_sigma, 1.0)
    variance = error_bar.square() + (factor * spread).square()
    variance = variance + (factor_error * mean).square() + (factor * mean * systematic).square()
    residual = torch.where(used, observation.phot, 0.0) - factor * mean
    return torch.where(used, residual / variance.sqrt(), torch.nan)


def misfits(pulls: Tensor) -> Tensor:
    """Mark bands that do not fit; one that is not used is never marked.

    Parameters
    ----------
    pulls
        Pulls of bands in standard deviations, any shape; NaN where a band is not used.

    Returns
    -------
    Tensor
        True where a pull is beyond `MAX_BAND_PULL`, bool, of the same shape.

    Examples
    --------
    >>> misfits(torch.tensor([[-5.5, 4.9, torch.nan]])).tolist()
    [[True, False, False]]
    """
    return pulls.abs() > MAX_BAND_PULL


def describe_misfits(pulls: Tensor, bands: Sequence[str]) -> str:
    """Say which bands of one observation do not fit.

    Parameters
    ----------
    pulls
        Pulls of its bands in standard deviations, shape (n_band,).
    bands
        Names of the bands in the same order.

    Returns
    -------
    str
        Names and pulls of the bands that do not fit; empty if all do.

    Examples
    --------
    >>> describe_misfits(torch.tensor([-7.25, 1.0]), ["F275W", "F555W"])
    'F275W (-7.2 sigma)'
    """
    bad = misfits(pulls).tolist()
    return ", ".join(
        f"{band} ({pull:+.1f} sigma)"
        for band, pull, is_bad in zip(bands, pulls.tolist(), bad, strict=True)
        if is_bad
    )
