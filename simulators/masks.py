"""Pixels that the model does not explain: emission lines, sodium, sky and telluric bands."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from simulators.instrument import SPEED_OF_LIGHT_KMS, Instrument
from simulators.observation import Observation

#: Rest-frame air wavelengths in Å of nebular lines and interstellar Na D.
REST_LINES_AA = {
    "Hbeta": 4861.33,
    "[OIII]4959": 4958.91,
    "[OIII]5007": 5006.84,
    "[NI]5198": 5197.90,
    "[NI]5200": 5200.26,
    "HeI5876": 5875.62,
    "NaD1": 5889.95,
    "NaD2": 5895.92,
    "[OI]6300": 6300.30,
    "[OI]6364": 6363.78,
    "[NII]6548": 6548.05,
    "Halpha": 6562.80,
    "[NII]6583": 6583.45,
    "[SII]6716": 6716.44,
    "[SII]6731": 6730.82,
}
#: Observed-frame air ranges in Å: bright sky lines and the telluric O2 B band.
SKY_RANGES_AA = ((5572.0, 5584.0), (6294.0, 6306.0), (6358.0, 6370.0), (6867.0, 6944.0))
#: Notch of the adaptive-optics laser in Å, for AO observations.
LASER_RANGE_AA = (5770.0, 6010.0)
LINE_HALF_WIDTH_KMS = 400.0


def line_mask(wave_aa: Tensor, half_width_kms: float = LINE_HALF_WIDTH_KMS) -> Tensor:
    """Pixels free of rest-frame emission lines.

    Parameters
    ----------
    wave_aa
        Rest-frame air wavelengths in Å, shape (n_pix,).
    half_width_kms
        Half width of every mask in km/s.

    Returns
    -------
    Tensor
        Bool, shape (n_pix,), True = use.
    """
    half_width = half_width_kms / SPEED_OF_LIGHT_KMS
    lines = torch.tensor(list(REST_LINES_AA.values()), dtype=torch.float64, device=wave_aa.device)
    return ((wave_aa[:, None] / lines - 1.0).abs() > half_width).all(dim=1)


def sky_mask(
    wave_aa: Tensor,
    redshift: Tensor,
    ranges_aa: tuple[tuple[float, float], ...] = SKY_RANGES_AA,
) -> Tensor:
    """Pixels free of sky lines and telluric bands of the observed frame.

    Parameters
    ----------
    wave_aa
        Rest-frame air wavelengths in Å, shape (n_pix,).
    redshift
        Shape (n,).
    ranges_aa
        Observed-frame ranges to leave out.

    Returns
    -------
    Tensor
        Bool, shape (n, n_pix), True = use.
    """
    observed = wave_aa * (1.0 + redshift[:, None])
    use = torch.ones_like(observed, dtype=torch.bool)
    for low, high in ranges_aa:
        use &= (observed < low) | (observed > high)
    return use


def mask_observation(
    observation: Observation,
    instrument: Instrument,
    line_half_width_kms: float = LINE_HALF_WIDTH_KMS,
) -> Observation:
    """Leave out what the model does not explain, as in training.

    Emission lines, sky and telluric bands are masked, bands beyond their redshift limit refused,
    and whatever is not finite or has no error is not used. Doing it twice changes nothing.

    Parameters
    ----------
    observation
        Batch of observations on the grid of `instrument`.
    instrument
        Wavelengths and redshift limits.
    line_half_width_kms
        Half width of the masks of emission lines, wider for galaxies with broad lines.

    Returns
    -------
    Observation
        The same data with less of it valid.
    """
    return leave_out(observation.clean(), instrument, line_half_width_kms)


def leave_out(
    observation: Observation,
    instrument: Instrument,
    line_half_width_kms: float = LINE_HALF_WIDTH_KMS,
) -> Observation:
    """Only the masks of `mask_observation`: values are shared, not copied."""
    wave = instrument.grid.centres_aa.to(observation.device)
    lines = line_mask(wave, line_half_width_kms)
    # spaxels of a galaxy share their redshift, and so one mask
    redshift, row = torch.unique(observation.redshift, return_inverse=True)
    valid = (lines & sky_mask(wave, redshift))[row].logical_and_(observation.valid)
    near = (observation.redshift >= 0.0) & (observation.redshift <= instrument.max_redshift_bands)
    return replace(observation, valid=valid, phot_valid=observation.phot_valid & near[:, None])
