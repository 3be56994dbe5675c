"""Physical and mathematical constants that more than one module needs."""

from __future__ import annotations

import math

SPEED_OF_LIGHT_KMS = 299_792.458


FWHM_PER_SIGMA = 2.0 * math.sqrt(2.0 * math.log(2.0))


SPEED_OF_LIGHT_AA_S = 2.99792458e18
"""Speed of light in Angstrom per second."""


SOLAR_LUMINOSITY_CGS = 3.828e33


CM_PER_MPC = 3.0856775814913673e24
