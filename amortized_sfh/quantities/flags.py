"""The bit mask of the FLAG map: why a spaxel should be doubted, or why it has no result.

Readers set the bits that concern the data, inference adds those that concern the posterior. A
spaxel without any bit is good.
"""

from __future__ import annotations

from enum import IntFlag

import numpy as np
import torch
from torch import Tensor

from simulators.observations.observation import Observation

_MIN_COVERAGE = 0.5
"""Below this share of usable pixels a spectrum is flagged as LOW_COVERAGE."""

_POOR_FIT_CHI2 = (0.5, 2.0)
"""Reduced chi-square over that of a perfect fit: outside these limits the fit is poor."""

MAX_BAND_PULL = 5.0
"""Beyond this many standard deviations from the posterior predictive a band does not fit."""

MIN_ESS = 100.0
"""Effective draws below which imposed kinematics are not trusted."""


class Flag(IntFlag):
    """Bits of the FLAG map; they add up."""

    NO_DATA = 1
    """No usable spectral pixel: outside the field, NaN, or fully masked. No result."""
    BAD_VARIANCE = 2
    """Some flux came with a zero, negative or not finite variance; those pixels were not used."""
    LOW_COVERAGE = 4
    """Less than half of the model's wavelength pixels are usable."""
    OUT_OF_TRAINING_RANGE = 8
    """S/N or redshift outside what the model was trained on: do not trust the posterior."""
    NO_PHOTOMETRY = 16
    """None of the model's bands is usable: the posterior rests on the spectrum alone."""
    POOR_FIT = 32
    """The posterior predictive does not fit the data: its reduced chi-square is below 0.5 or above
    2 times that of a perfect fit. A perfect fit has 1 on the model's own pixels, which those of a
    cube are (CHI2), and less where a single spectrum was resampled onto them."""
    NO_WCS = 64
    """The cube has no celestial WCS: maps are in pixel coordinates."""
    BAND_MISSING = 128
    """An HST band that was given has no data in more than 10 % of the footprint here (edge of the
    image, gap, saturated or masked pixels), and was left out."""
    MASKED_REGION = 256
    """Inside a region that was to be left out, such as a foreground star. No result."""
    KINEMATICS = 512
    """Velocity and dispersion of a map could not be imposed: there is no value, or too few draws of
    the posterior are near it (see ESS)."""
    BAND_MISFIT = 1024
    """A band is more than 5 standard deviations, systematic errors included, from the posterior
    predictive: its unit, aperture, zero point or position may be wrong. CHI2 does not show it."""


def describe_flags() -> dict[int, str]:
    """Return the meaning of each bit, for headers and documentation.

    Examples
    --------
    >>> describe_flags()[1]
    'NO_DATA'
    """
    return {int(flag): str(flag.name) for flag in Flag}


def observation_flags(observation: Observation) -> np.ndarray:
    """Return the flags that can be read off the data themselves.

    Parameters
    ----------
    observation : Observation
        A batch of n_obs spectra with photometry.

    Returns
    -------
    ndarray
        Sum of the bits NO_DATA, LOW_COVERAGE and NO_PHOTOMETRY, shape (n_obs,), int32.
    """
    # Piece by piece: a float copy of the mask of a large cube would take half a gigabyte.
    pieces = [part.float().mean(dim=1) for part in observation.valid.split(4096)]
    coverage = torch.cat(pieces).cpu().numpy()
    # a model without bands misses none
    bands = observation.phot_valid.any(dim=1).cpu().numpy() | (observation.n_band == 0)
    flags = np.zeros(len(observation), dtype=np.int32)
    flags[coverage == 0.0] |= Flag.NO_DATA
    flags[coverage < _MIN_COVERAGE] |= Flag.LOW_COVERAGE
    flags[~bands] |= Flag.NO_PHOTOMETRY
    return flags


def posterior_flags(
    chi2: np.ndarray | Tensor,
    out_of_range: np.ndarray | Tensor,
    band_pull: np.ndarray | Tensor | None = None,
    ess: np.ndarray | Tensor | None = None,
    expected_chi2: float = 1.0,
) -> np.ndarray:
    """Return the flags that concern the posterior, of cubes and single spectra alike.

    Parameters
    ----------
    chi2 : ndarray or Tensor
        Reduced chi-square about the mean of the posterior predictive, shape (n_obs,). NaN, without
        data, is no poor fit.
    out_of_range : ndarray or Tensor
        True where S/N or redshift lie outside what the model was trained on, shape (n_obs,).
    band_pull : ndarray or Tensor, optional
        Residual of every band in standard deviations, shape (n_obs, n_band), NaN for bands that are
        not used.
    ess : ndarray or Tensor, optional
        Effective number of draws behind imposed kinematics, shape (n_obs,).
    expected_chi2 : float
        Reduced chi-square of a perfect fit: 1 for data on the model's own pixels, less for spectra
        that were resampled onto them.

    Returns
    -------
    ndarray
        Sum of the bits OUT_OF_TRAINING_RANGE, POOR_FIT, BAND_MISFIT and KINEMATICS, shape (n_obs,),
        int32.

    Examples
    --------
    >>> posterior_flags(np.array([1.0, 2.1, 0.4]), np.array([False, False, True])).tolist()
    [0, 32, 40]
    """
    lowest, highest = _POOR_FIT_CHI2
    ratio = np.asarray(chi2, dtype=np.float64) / expected_chi2
    flags = np.zeros(len(ratio), dtype=np.int32)
    flags[np.asarray(out_of_range)] |= Flag.OUT_OF_TRAINING_RANGE
    flags[(ratio < lowest) | (ratio > highest)] |= Flag.POOR_FIT
    if band_pull is not None:
        flags[(np.abs(np.asarray(band_pull)) > MAX_BAND_PULL).any(1)] |= Flag.BAND_MISFIT
    if ess is not None:
        flags[~(np.asarray(ess) >= MIN_ESS)] |= Flag.KINEMATICS
    return flags
