"""Whether single bands fit: chi-square cannot tell, because a thousand pixels drown one band."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from simulators.forward.simulator import ModelSpectra
from simulators.noise.noise_model import NoiseModel
from simulators.observations.observation import Observation

__all__ = ["MAX_BAND_PULL", "band_pulls", "describe_misfits", "misfits"]

MAX_BAND_PULL = 5.0
"""Beyond this many standard deviations from the posterior predictive a band does not fit."""


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
        With the systematic errors of its bands: calibration, zero points and template mismatch.
    observation
        Batch of n_obs observations.
    light
        Light of draws from the posterior, `phot` (n_obs, n_draws, n_band).
    amplitude
        Of their mean: the best one and its standard error, each (n_obs,).

    Returns
    -------
    Tensor
        Data minus mean over the root of the sum of squares of the error bar, the spread of the
        draws, the error of the amplitude and the systematic error; shape (n_obs, n_band), NaN
        where a band is not used.
    """
    best, error = (value[:, None].to(light.phot) for value in amplitude)
    mean = light.phot.mean(1)
    spread = (light.phot - mean[:, None]).square().mean(1).sqrt()
    n_band = mean.shape[1]
    systematic = noise.modes[:, noise.modes.shape[1] - n_band :].square().sum(0).sqrt()
    used = observation.phot_valid
    sigma = torch.where(used, observation.phot_sigma, 1.0)
    variance = sigma.square() + (best * spread).square()
    variance = variance + (error * mean).square() + (best * mean * systematic).square()
    residual = torch.where(used, observation.phot, 0.0) - best * mean
    return torch.where(used, residual / variance.sqrt(), torch.nan)


def misfits(pulls: Tensor) -> Tensor:
    """Which bands do not fit; those that are not used do.

    Parameters
    ----------
    pulls
        From `band_pulls`.

    Returns
    -------
    Tensor
        Bool, of the same shape.

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
        Its row of `band_pulls`, shape (n_band,).
    bands
        Their names.

    Returns
    -------
    str
        Names and pulls, empty if all fit.

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
