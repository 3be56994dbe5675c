"""Pixels that the model does not explain: emission lines, sodium, sky and telluric bands."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from simulators.constants import LINE_HALF_WIDTH_KMS, SPEED_OF_LIGHT_KMS
from simulators.instruments.instrument import MUSE_SKY_RANGES_AA, Instrument
from simulators.observations.observation import Observation

#: Rest-frame air wavelengths in Å of nebular lines and interstellar Na D.
REST_LINES_AA = {
    "[OII]3726": 3726.03,
    "[OII]3729": 3728.82,
    "H11": 3770.63,
    "H10": 3797.90,
    "H9": 3835.39,
    "[NeIII]3869": 3868.76,
    "HeI+H8": 3888.85,
    "[NeIII]3967": 3967.47,
    "Hepsilon": 3970.08,
    "HeI4026": 4026.21,
    "[SII]4069": 4068.60,
    "[SII]4076": 4076.35,
    "Hdelta": 4101.73,
    "Hgamma": 4340.46,
    "[OIII]4363": 4363.21,
    "HeI4471": 4471.48,
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
    "HeI7065": 7065.19,
    "[ArIII]7136": 7135.79,
    "[OII]7319": 7319.99,
    "[OII]7330": 7330.73,
    "[ArIII]7751": 7751.11,
    "[SIII]9069": 9068.60,
    "[SIII]9531": 9530.60,
}
#: Notch of the adaptive-optics laser in Å, for AO observations.
LASER_RANGE_AA = (5770.0, 6010.0)
#: Observed-frame air range in Å of the Milky Way's interstellar Na D, and of the sky's: the lines
#: and 200 km/s on both sides. Not masked in training, whose random gaps make it harmless.
MILKY_WAY_SODIUM_RANGE_AA = (5886.0, 5899.9)
#: Blueshift up to which bands and models serve as at z = 0: 300 km/s, as galaxies rotate.
MAX_BLUESHIFT = 0.001
_CHUNK = 4096


def check_line_width(half_width_kms: float) -> None:
    """Refuse masks of emission lines that a model cannot do with.

    Parameters
    ----------
    half_width_kms
        Half width of every mask in km/s.

    Raises
    ------
    ValueError
        If it is below :data:`~simulators.constants.LINE_HALF_WIDTH_KMS`.

    Examples
    --------
    >>> check_line_width(700.0)
    """
    if not LINE_HALF_WIDTH_KMS <= half_width_kms < math.inf:
        raise ValueError(
            f"line width is {half_width_kms:g} km/s; expected at least {LINE_HALF_WIDTH_KMS:g}: "
            "models were trained with lines masked to that distance, and cannot use what is nearer"
        )


def line_mask(
    wave_aa: Tensor,
    half_width_kms: float = LINE_HALF_WIDTH_KMS,
    extra_lines_aa: Sequence[float] = (),
) -> Tensor:
    """Find the pixels that are free of rest-frame emission lines.

    Parameters
    ----------
    wave_aa
        Rest-frame air wavelengths in Å, shape (n_pix,).
    half_width_kms
        Half width of every mask in km/s; by default that of the training.
    extra_lines_aa
        Rest-frame air wavelengths of further lines, in Å; none by default.

    Returns
    -------
    Tensor
        True where a pixel is used, bool, shape (n_pix,).
    """
    half_width = half_width_kms / SPEED_OF_LIGHT_KMS
    every = [*REST_LINES_AA.values(), *extra_lines_aa]
    lines = torch.tensor(every, dtype=torch.float64, device=wave_aa.device)
    return ((wave_aa[:, None] / lines - 1.0).abs() > half_width).all(dim=1)


def sky_mask(
    wave_aa: Tensor,
    redshift: Tensor,
    ranges_aa: tuple[tuple[float, float], ...] = MUSE_SKY_RANGES_AA,
) -> Tensor:
    """Find the pixels that are free of sky lines and telluric bands of the observed frame.

    Parameters
    ----------
    wave_aa
        Rest-frame air wavelengths in Å, shape (n_pix,).
    redshift
        Redshift of each galaxy, shape (n,).
    ranges_aa
        Observed-frame ranges to leave out, first and last air wavelength in Å; by default those
        of MUSE.

    Returns
    -------
    Tensor
        True where a pixel is used, bool, shape (n, n_pix).
    """
    observed = wave_aa * (1.0 + redshift[:, None])
    use = torch.ones_like(observed, dtype=torch.bool)
    for low, high in ranges_aa:
        use &= (observed < low) | (observed > high)
    return use


def survey_mask(instrument: Instrument, redshift: Tensor) -> Tensor:
    """Find the pixels that an instrument observes, without lines, sky and telluric bands.

    Parameters
    ----------
    instrument
        Instrument that sets wavelengths, observed range and sky ranges.
    redshift
        Redshift of each galaxy, shape (n,).

    Returns
    -------
    Tensor
        True where a pixel is used, bool, shape (n, n_pix).
    """
    wave = instrument.grid.centres_aa.to(redshift.device)
    use = line_mask(wave) & sky_mask(wave, redshift, instrument.sky_ranges_aa)
    return use & observed_mask(instrument, redshift)


def observed_mask(instrument: Instrument, redshift: Tensor) -> Tensor:
    """Find the pixels that lie wholly inside the wavelengths that an instrument observes.

    Parameters
    ----------
    instrument
        Instrument that sets wavelengths and observed range.
    redshift
        Redshift of each galaxy, shape (n,).

    Returns
    -------
    Tensor
        True where a pixel is used, bool, shape (n, n_pix); everywhere if the range has no limit.
    """
    n_pix = instrument.grid.n_pix
    if instrument.observed_range_aa is None:
        return torch.ones(len(redshift), n_pix, dtype=torch.bool, device=redshift.device)
    low, high = instrument.observed_range_aa
    edges = instrument.grid.edges_aa.to(redshift.device) * (1.0 + redshift[:, None])
    return (edges[:, :-1] >= low) & (edges[:, 1:] <= high)


def mask_observation(
    observation: Observation,
    instrument: Instrument,
    half_width_kms: float = LINE_HALF_WIDTH_KMS,
    extra_lines_aa: Sequence[float] = (),
    observed_ranges_aa: Sequence[tuple[float, float]] = (),
) -> Observation:
    """Leave out what the model does not explain, as in training.

    Emission lines, sky and telluric bands are masked, and bands beyond their redshift limit are
    refused. Doing it twice changes nothing. Values are shared, not copied, and not looked at: see
    `Observation.clean` for data that may hold values that are not finite.

    Parameters
    ----------
    observation
        Batch of observations on the grid of `instrument`, each with its own redshift.
    instrument
        Wavelengths, sky ranges and redshift limits of the model.
    half_width_kms
        Half width of the masks of emission lines in km/s, wider for galaxies with broad lines.
    extra_lines_aa
        Rest-frame air wavelengths of further lines to mask, in Å; none by default.
    observed_ranges_aa
        Further observed-frame air ranges to mask, first and last wavelength in Å, such as
        `LASER_RANGE_AA`; none by default.

    Returns
    -------
    Observation
        The same data with less of it valid.
    """
    wave = instrument.grid.centres_aa.to(observation.device)
    lines = line_mask(wave, half_width_kms, extra_lines_aa)
    ranges = (*instrument.sky_ranges_aa, *observed_ranges_aa)
    parts = []
    # spaxels of a galaxy may share their redshift, and so one mask; or each may have its own
    for redshift, valid in zip(
        observation.redshift.split(_CHUNK), observation.valid.split(_CHUNK), strict=True
    ):
        unique, row = torch.unique(redshift, return_inverse=True)
        use = lines & sky_mask(wave, unique, ranges) & observed_mask(instrument, unique)
        parts.append(use[row].logical_and_(valid))
    z = observation.redshift
    near = (z >= -MAX_BLUESHIFT) & (z <= instrument.max_redshift_bands)
    return replace(
        observation,
        valid=torch.cat(parts) if parts else observation.valid,
        phot_valid=observation.phot_valid & near[:, None],
    )
