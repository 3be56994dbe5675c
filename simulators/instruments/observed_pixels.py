"""The pixels that an instrument itself observes; resampling them correlates and blurs.

Use :class:`LinearObservedPixels` for cubes such as MUSE's and :class:`LogObservedPixels` for the
spectra of SDSS and MaNGA. Only the phase and the width of the pixels matter, so a start is enough,
and it may be any pixel's centre. The pixels that a model sees are in
`simulators.wavelengths.rest_grid`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from simulators.wavelengths.air import air_to_vacuum, check_medium


@dataclass(frozen=True, kw_only=True)
class LinearObservedPixels:
    """Observed-frame pixels of equal width in wavelength.

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
        _check(self.start_aa, self.medium)
        if not (math.isfinite(self.step_aa) and self.step_aa > 0):
            raise ValueError(f"step_aa is {self.step_aa!r}; expected a positive step in Å")

    def index(self, wave_aa: Tensor) -> Tensor:
        """Return the fractional pixel of observed wavelengths in Å of the pixels' own medium."""
        return (wave_aa - self.start_aa) / self.step_aa

    def wave_aa(self, pixel: Tensor) -> Tensor:
        """Return wavelengths of fractional pixels in Å of their own medium; inverts `index`."""
        return self.start_aa + self.step_aa * pixel.double()

    def width_aa(self, wave_obs_aa: Tensor) -> Tensor:
        """Return the width of the pixels in Å at observed wavelengths in Å, the same shape."""
        return torch.full_like(wave_obs_aa, self.step_aa)

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
        return self.index(_in_medium(wave_rest_aa, self.medium) * (1.0 + redshift[:, None]))


@dataclass(frozen=True, kw_only=True)
class LogObservedPixels:
    """Observed-frame pixels of equal width in log10 of wavelength.

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
        _check(self.start_aa, self.medium)
        if not (math.isfinite(self.log_step) and self.log_step > 0):
            raise ValueError(f"log_step is {self.log_step!r}; expected a positive step in dex")

    def index(self, wave_aa: Tensor) -> Tensor:
        """Return the fractional pixel of observed wavelengths in Å of the pixels' own medium."""
        return torch.log10(wave_aa / self.start_aa) / self.log_step

    def wave_aa(self, pixel: Tensor) -> Tensor:
        """Return wavelengths of fractional pixels in Å of their own medium; inverts `index`."""
        return self.start_aa * 10.0 ** (self.log_step * pixel.double())

    def width_aa(self, wave_obs_aa: Tensor) -> Tensor:
        """Return the width of the pixels in Å at observed wavelengths in Å, the same shape."""
        return wave_obs_aa * (math.log(10.0) * self.log_step)

    def position(self, wave_rest_aa: Tensor, redshift: Tensor) -> Tensor:
        """Return the places of rest-frame wavelengths, as `LinearObservedPixels.position`."""
        index = self.index(_in_medium(wave_rest_aa, self.medium))
        return index + torch.log10(1.0 + redshift[:, None]) / self.log_step


ObservedPixels = LinearObservedPixels | LogObservedPixels
"""Either kind of observed pixels."""


def observed_pixels_from_dict(values: dict[str, Any]) -> ObservedPixels:
    """Rebuild either kind of pixels from its `dataclasses.asdict`.

    Parameters
    ----------
    values
        Fields of the pixels: with `log_step` for logarithmic ones, `step_aa` for linear ones.

    Returns
    -------
    LinearObservedPixels or LogObservedPixels
        Pixels that are equal to those described.
    """
    return LogObservedPixels(**values) if "log_step" in values else LinearObservedPixels(**values)


def _in_medium(wave_air_aa: Tensor, medium: str) -> Tensor:
    """Air wavelengths in Å, in the medium of the pixels."""
    # the shift to the observed frame follows; in vacuum it is exact
    return air_to_vacuum(wave_air_aa) if medium == "vacuum" else wave_air_aa


def _check(start_aa: float, medium: str) -> None:
    """Refuse a start that is no wavelength, and a medium that is none."""
    if not (math.isfinite(start_aa) and start_aa > 0):
        raise ValueError(f"start_aa is {start_aa!r}; expected a positive wavelength in Å")
    check_medium(medium)
