"""The noise model and its likelihood, measured noise profiles and template mismatch.

`NoiseModel` draws observations of noise-free spectra, and `Likelihood` gives the probability of
observations under it. Beyond error bars the noise is set by `NoiseConfig` (assumed sizes), by a
`NoiseProfile` measured on a cube, and by a `TemplateMismatch` measured between two SSP libraries.
"""

from __future__ import annotations

from simulators.noise.correlation import overlap_taps
from simulators.noise.likelihood import Likelihood
from simulators.noise.noise_model import NoiseConfig, NoiseModel
from simulators.noise.profile import NoiseProfile, read_noise_profile
from simulators.noise.template_mismatch import TemplateMismatch, read_mismatch

__all__ = [
    "Likelihood",
    "NoiseConfig",
    "NoiseModel",
    "NoiseProfile",
    "TemplateMismatch",
    "overlap_taps",
    "read_mismatch",
    "read_noise_profile",
]
