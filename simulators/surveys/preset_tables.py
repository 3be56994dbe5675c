"""The tables inside the TOML file of a preset that describe the instrument, as dataclasses."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

from simulators.instruments.lsf import LineSpread, PolynomialLsf, ResolvingPower
from simulators.instruments.observed_pixels import (
    LinearObservedPixels,
    LogObservedPixels,
    ObservedPixels,
)
from simulators.noise.noise_model import NoiseConfig
from simulators.wavelengths.rest_grid import LinearRestGrid, LogRestGrid, RestGrid

_TOLERANCE = 1e-3


@dataclass(frozen=True, kw_only=True)
class RestFrameTable:
    """Table of the model's pixels."""

    start_aa: float
    stop_aa: float
    step_aa: float | None = None
    log_step: float | None = None

    def __post_init__(self) -> None:
        if not 0.0 < self.start_aa < self.stop_aa:
            raise ValueError(
                f"{self.start_aa:g}-{self.stop_aa:g} Å is no range; expected 0 < start_aa < stop_aa"
            )
        self.grid()

    def grid(self) -> RestGrid:
        """The pixels from start to stop."""
        step = _one_step(self.step_aa, self.log_step)
        if self.step_aa is not None:
            n_step = (self.stop_aa - self.start_aa) / step
            return LinearRestGrid(self.start_aa, step, math.floor(n_step + _TOLERANCE) + 1)
        n_step = math.log10(self.stop_aa / self.start_aa) / step
        return LogRestGrid(self.start_aa, step, math.floor(n_step + _TOLERANCE) + 1)


@dataclass(frozen=True, kw_only=True)
class ObservedFrameTable:
    """Table of the instrument's pixels."""

    start_aa: float
    step_aa: float | None = None
    log_step: float | None = None
    medium: str = "air"
    range_aa: tuple[float, float] | None = None
    sky_ranges_aa: tuple[tuple[float, float], ...] = ()

    def __post_init__(self) -> None:
        self.pixels()

    def pixels(self) -> ObservedPixels:
        """The pixels."""
        step = _one_step(self.step_aa, self.log_step)
        if self.step_aa is not None:
            return LinearObservedPixels(start_aa=self.start_aa, step_aa=step, medium=self.medium)
        return LogObservedPixels(start_aa=self.start_aa, log_step=step, medium=self.medium)


@dataclass(frozen=True, kw_only=True)
class ResolutionTable:
    """Table of the line spread function: one way of giving it."""

    fwhm_aa: float | None = None
    fwhm_coefficients_aa: tuple[float, ...] | None = None
    wave_aa: tuple[float, ...] | None = None
    resolving_power: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        self.lsf()

    def lsf(self) -> LineSpread:
        """The line spread function."""
        ways = (self.fwhm_aa, self.fwhm_coefficients_aa, self.resolving_power)
        if sum(way is not None for way in ways) != 1:
            raise ValueError(
                "expected one of fwhm_aa, fwhm_coefficients_aa, and resolving_power with wave_aa"
            )
        if self.resolving_power is not None:
            return ResolvingPower(wave_aa=self.wave_aa or (), power=self.resolving_power)
        if self.wave_aa is not None:
            raise ValueError("wave_aa belongs to resolving_power: leave it out")
        if self.fwhm_aa is not None:
            return PolynomialLsf(coefficients_aa=(self.fwhm_aa,))
        return PolynomialLsf(coefficients_aa=self.fwhm_coefficients_aa or ())


@dataclass(frozen=True, kw_only=True)
class RedshiftTable:
    """Table of redshifts."""

    min: float = 0.0
    max: float
    max_bands: float | None = None


def _one_step(step_aa: float | None, log_step: float | None) -> float:
    """The one of two steps that is given."""
    steps = [step for step in (step_aa, log_step) if step is not None]
    if len(steps) != 1 or not steps[0] > 0.0:
        raise ValueError(
            f"step_aa is {step_aa} and log_step is {log_step}; expected one of them, positive: Å "
            "or dex"
        )
    return steps[0]


def check_noise_of_bands(noise: NoiseConfig, bands: tuple[str, ...]) -> None:
    """Refuse sizes of errors that are negative, or not one for each band."""
    for key in fields(NoiseConfig):
        value = getattr(noise, key.name)
        sizes = value if isinstance(value, tuple) else (value,)
        if key.name.endswith(("_rms", "_mag", "_orders")) and any(size < 0 for size in sizes):
            raise ValueError(f"[noise]: {key.name} is {value}; expected no negative size")
    if bands and len(noise.template_mag) != len(bands):
        raise ValueError(
            f"[noise]: template_mag has {len(noise.template_mag)} values for {len(bands)} bands; "
            "expected one each"
        )
