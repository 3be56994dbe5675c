"""The tables of a survey's TOML file, one dataclass each."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

from simulators.files.toml_table import check_known, fill
from simulators.instruments.lsf import LineSpread, PolynomialLsf, ResolvingPower
from simulators.instruments.pixels import LinearPixels, LogPixels, ObservedPixels
from simulators.noise.noise_model import NoiseConfig
from simulators.observations.conditions import ConditionsPrior
from simulators.wavelengths.wavegrid import LogWaveGrid, PixelGrid, WaveGrid

__all__ = ["SurveyTables", "read_tables"]

_TOLERANCE = 1e-3


@dataclass(frozen=True, kw_only=True)
class TopKeys:
    """Keys outside any table."""

    name: str
    description: str = ""
    references: tuple[str, ...] = ()
    bands: tuple[str, ...]
    n_spectra: int


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

    def grid(self) -> PixelGrid:
        """The pixels from start to stop."""
        step = _one_step(self.step_aa, self.log_step)
        if self.step_aa is not None:
            n_step = (self.stop_aa - self.start_aa) / step
            return WaveGrid(self.start_aa, step, math.floor(n_step + _TOLERANCE) + 1)
        n_step = math.log10(self.stop_aa / self.start_aa) / step
        return LogWaveGrid(self.start_aa, step, math.floor(n_step + _TOLERANCE) + 1)


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
            return LinearPixels(start_aa=self.start_aa, step_aa=step, medium=self.medium)
        return LogPixels(start_aa=self.start_aa, log_step=step, medium=self.medium)


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


class SurveyTables(NamedTuple):
    """All of a file, value by value of the right type.

    Attributes
    ----------
    top
        Keys outside any table.
    rest_frame, observed_frame, resolution, redshift, noise, conditions
        The tables.
    """

    top: TopKeys
    rest_frame: RestFrameTable
    observed_frame: ObservedFrameTable
    resolution: ResolutionTable
    redshift: RedshiftTable
    noise: NoiseConfig
    conditions: ConditionsPrior


_TABLES: dict[str, type] = {
    "rest_frame": RestFrameTable,
    "observed_frame": ObservedFrameTable,
    "resolution": ResolutionTable,
    "redshift": RedshiftTable,
    "noise": NoiseConfig,
    "conditions": ConditionsPrior,
}


def read_tables(content: dict[str, Any], where: str) -> SurveyTables:
    """Check the keys and the types of the values of a survey's file.

    Parameters
    ----------
    content
        As `tomllib` reads it.
    where
        Name of the file, for messages.

    Returns
    -------
    SurveyTables
        All of it.

    Raises
    ------
    ValueError
        If a key is unknown or missing, or a value is of another type or makes no sense.
    """
    check_known(content, [*(field.name for field in fields(TopKeys)), *_TABLES], where)
    tables: dict[str, Any] = {}
    for name, kind in _TABLES.items():
        table = content.get(name, {})
        if not isinstance(table, dict):
            raise ValueError(f"{where}: {name} is {table!r}; expected a table [{name}]")
        tables[name] = fill(kind, table, f"{where} [{name}]")
    top = fill(TopKeys, {k: v for k, v in content.items() if k not in _TABLES}, where)
    if not top.bands and tables["redshift"].max_bands is not None:
        raise ValueError(f"{where} [redshift]: max_bands is given, but bands is []: leave it out")
    _check_noise(tables["noise"], top.bands, f"{where} [noise]")
    return SurveyTables(top, **tables)


def _one_step(step_aa: float | None, log_step: float | None) -> float:
    """The one of two steps that is given."""
    steps = [step for step in (step_aa, log_step) if step is not None]
    if len(steps) != 1 or not steps[0] > 0.0:
        raise ValueError(
            f"step_aa is {step_aa} and log_step is {log_step}; expected one of them, positive: Å "
            "or dex"
        )
    return steps[0]


def _check_noise(noise: NoiseConfig, bands: tuple[str, ...], where: str) -> None:
    """Sizes of errors are not negative, and there is one for each band."""
    for field in fields(NoiseConfig):
        value = getattr(noise, field.name)
        sizes = value if isinstance(value, tuple) else (value,)
        if field.name.endswith(("_rms", "_mag", "_orders")) and any(size < 0 for size in sizes):
            raise ValueError(f"{where}: {field.name} is {value}; expected no negative size")
    if bands and len(noise.template_mag) != len(bands):
        raise ValueError(
            f"{where}: template_mag has {len(noise.template_mag)} values for {len(bands)} bands; "
            "expected one each"
        )
