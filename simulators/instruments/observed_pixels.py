"""The pixels that an instrument itself observes; resampling them correlates and blurs.

Use :class:`LinearObservedPixels` for cubes such as MUSE's and :class:`LogObservedPixels` for the
spectra of SDSS and MaNGA. Only the phase and the width of the pixels matter, so a start is enough,
and it may be any pixel's centre. The pixels that a model sees are in
`simulators.wavelengths.rest_grid`.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from simulators.wavelengths.air import check_medium, to_medium
from simulators.wavelengths.pixel_steps import LinearSteps, LogSteps


@dataclass(frozen=True, kw_only=True)
class LinearObservedPixels(LinearSteps):
    """Observed-frame pixels of equal width in wavelength; `index` and `wave_aa` are of `medium`.

    Parameters
    ----------
    start_aa
        Centre of any of the pixels, in Å.
    step_aa
        Width of every pixel, in Å.
    medium
        Medium in which the pixels are uniform, "air" or "vacuum".
    """

    start_aa: float = 4750.0
    step_aa: float = 1.25
    medium: str = "air"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_medium(self.medium)

    def position(self, wave_rest_aa: Tensor, redshift: Tensor) -> Tensor:
        """Return the places of rest-frame wavelengths on the observed pixels.

        Parameters
        ----------
        wave_rest_aa
            Rest-frame air wavelengths in Å, shape (n_wave,).
        redshift
            Redshift of each galaxy, shape (n,).

        Returns
        -------
        Tensor
            Fractional pixel, 0 at the pixel that starts the axis, shape (n, n_wave).
        """
        own = to_medium(wave_rest_aa, "air", self.medium)
        return self.index(own * (1.0 + redshift[:, None]))


@dataclass(frozen=True, kw_only=True)
class LogObservedPixels(LogSteps):
    """Observed-frame pixels of equal width in log10 of wavelength; else as the linear ones.

    Parameters
    ----------
    start_aa
        Centre of any of the pixels, in Å.
    log_step
        Width of every pixel, in dex.
    medium
        Medium in which the pixels are uniform, "air" or "vacuum".
    """

    start_aa: float
    log_step: float
    medium: str = "vacuum"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_medium(self.medium)

    def position(self, wave_rest_aa: Tensor, redshift: Tensor) -> Tensor:
        """Return the places of rest-frame wavelengths, as `LinearObservedPixels.position`."""
        index = self.index(to_medium(wave_rest_aa, "air", self.medium))
        return index + torch.log10(1.0 + redshift[:, None]) / self.log_step


ObservedPixels = LinearObservedPixels | LogObservedPixels
"""Either kind of observed pixels."""
