"""The bit mask of the FLAG map: why a spaxel should be doubted, or why it has no result.

Readers set the bits that concern the data, inference adds those that concern the posterior. A
spaxel without any bit is good.
"""

from __future__ import annotations

from enum import IntFlag

import numpy as np
import torch

from simulators.observations.observation import Observation

__all__ = ["Flag", "describe_flags", "observation_flags"]

MIN_COVERAGE = 0.5
"""Below this share of usable pixels a spectrum is flagged as LOW_COVERAGE."""


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
    """The posterior predictive does not fit the data (CHI2 far from 1)."""
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
    flags[coverage < MIN_COVERAGE] |= Flag.LOW_COVERAGE
    flags[~bands] |= Flag.NO_PHOTOMETRY
    return flags
