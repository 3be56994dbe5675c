"""Physical, mathematical and shared constants, each of them written down here only."""

from __future__ import annotations

import math

__all__ = [
    "CM_PER_MPC",
    "FWHM_PER_SIGMA",
    "LINE_HALF_WIDTH_KMS",
    "SOLAR_LUMINOSITY_CGS",
    "SPEED_OF_LIGHT_AA_S",
    "SPEED_OF_LIGHT_KMS",
]

SPEED_OF_LIGHT_KMS = 299_792.458
"""Speed of light in km/s."""

SPEED_OF_LIGHT_AA_S = 2.99792458e18
"""Speed of light in Å/s."""

SOLAR_LUMINOSITY_CGS = 3.828e33
"""Nominal luminosity of the Sun in erg/s (IAU 2015 Resolution B3)."""

CM_PER_MPC = 3.0856775814913673e24
"""Length of a megaparsec in cm."""

FWHM_PER_SIGMA = 2.0 * math.sqrt(2.0 * math.log(2.0))
"""Full width at half maximum of a normal distribution over its standard deviation, 2.3548."""

LINE_HALF_WIDTH_KMS = 400.0
"""Half width in km/s of the masks of emission lines that models are trained with."""
