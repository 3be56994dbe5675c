"""The instrument that a model is made for: wavelengths, resolution, bands and redshifts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import torch
from torch import Tensor

from simulators.files.plain_values import PlainValues, as_tuples
from simulators.instruments.filters import HST_BANDS
from simulators.instruments.lsf import LineSpread, PolynomialLsf, ResolvingPower
from simulators.instruments.observed_pixels import (
    LinearObservedPixels,
    LogObservedPixels,
    ObservedPixels,
)
from simulators.wavelengths.air import to_medium
from simulators.wavelengths.rest_grid import LinearRestGrid, LogRestGrid, RestGrid

#: Observed-frame air ranges in Å: bright sky lines and the telluric O2 B band.
MUSE_SKY_RANGES_AA = ((5572.0, 5584.0), (6294.0, 6306.0), (6358.0, 6370.0), (6867.0, 6944.0))


@dataclass(frozen=True, kw_only=True)
class Instrument(PlainValues):
    """The spectrograph and the photometric bands that a model is made for.

    The default is PHANGS: a VLT/MUSE spectrum and the five HST WFC3/UVIS bands. Other surveys are
    described by presets, see `simulators.surveys.preset`.

    Parameters
    ----------
    name
        Name of the instrument, which products state.
    grid
        Rest-frame pixels of the spectra that the model sees, in air.
    bands
        Names of the photometric bands, in the order of every array over bands; none is allowed.
    lsf
        Line spread function of the spectrograph, in the observed frame.
    pixels
        Pixels of the observed-frame spectrum. They set how the resampling to the rest frame
        correlates and blurs neighbouring pixels.
    observed_range_aa
        Observed air wavelengths, first and last, beyond which there are no data; None where the
        instrument sees the whole of `grid` at every redshift.
    sky_ranges_aa
        Observed-frame air ranges in Å that are not used: sky lines, telluric bands.
    min_redshift, max_redshift
        Range of the redshifts of the spectra.
    max_redshift_bands
        Largest redshift at which the bands are used.

    Raises
    ------
    ValueError
        If the redshifts are out of order or a range of wavelengths is none.
    """

    name: str = "phangs-muse-hst"
    grid: RestGrid = field(default_factory=LinearRestGrid)
    bands: tuple[str, ...] = HST_BANDS
    lsf: LineSpread = field(default_factory=PolynomialLsf)
    pixels: ObservedPixels = field(default_factory=LinearObservedPixels)
    observed_range_aa: tuple[float, float] | None = None
    sky_ranges_aa: tuple[tuple[float, float], ...] = MUSE_SKY_RANGES_AA
    min_redshift: float = 0.0
    max_redshift: float = 0.1
    max_redshift_bands: float = 0.02

    def __post_init__(self) -> None:
        if not 0.0 <= self.min_redshift <= self.max_redshift_bands <= self.max_redshift:
            raise ValueError(
                f"redshift limits {self.min_redshift} (smallest), {self.max_redshift_bands} "
                f"(bands) and {self.max_redshift} (spectrum) are out of order: expected "
                "0 <= min_redshift <= max_redshift_bands <= max_redshift"
            )
        for low, high in (*self.sky_ranges_aa, *filter(None, [self.observed_range_aa])):
            if not 0.0 < low < high:
                raise ValueError(
                    f"wavelength range {low:g}-{high:g} Å is none: expected 0 < first < last"
                )

    def __repr__(self) -> str:
        """Say in one line which wavelengths, bands and redshifts the instrument has."""
        grid, bands = self.grid, " ".join(self.bands) or "no bands"
        return (
            f"Instrument({self.name!r}, {grid.start_aa:.0f}-{grid.end_aa:.0f} Å in {grid.n_pix} "
            f"pixels, {bands}, z = {self.min_redshift:g}-{self.max_redshift:g})"
        )

    def native_wave_aa(self, pixel: Tensor) -> Tensor:
        """Observed air wavelengths of the centres of observed pixels in Å, any shape."""
        return to_medium(self.pixels.wave_aa(pixel), self.pixels.medium, "air")

    def pixel_ratio(self, redshift: float) -> tuple[float, float]:
        """Return the smallest and largest width of the rest-frame pixels in observed pixels.

        Below one, more pixels would be made than were observed.

        Parameters
        ----------
        redshift
            Redshift of the galaxy.

        Returns
        -------
        tuple of float
            Smallest and largest number of observed pixels in one rest-frame pixel.
        """
        z = torch.tensor([redshift], dtype=torch.float64)
        width = torch.diff(self.pixels.position(self.grid.edges_aa, z))
        return float(width.min()), float(width.max())

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Rebuild an instrument from its `to_dict`, or from that of version 0.1 (MUSE only)."""
        fixed = as_tuples(values)
        if "lsf_coefficients_aa" in fixed:
            fixed["lsf"] = {"coefficients_aa": fixed.pop("lsf_coefficients_aa")}
            fixed["pixels"] = {
                "start_aa": fixed.pop("native_start_aa"),
                "step_aa": fixed.pop("native_step_aa"),
            }
        grid, pixels, lsf = fixed["grid"], fixed["pixels"], fixed["lsf"]
        in_logs = "log_step" in pixels
        fixed["grid"] = LogRestGrid(**grid) if "log_step" in grid else LinearRestGrid(**grid)
        fixed["pixels"] = LogObservedPixels(**pixels) if in_logs else LinearObservedPixels(**pixels)
        fixed["lsf"] = ResolvingPower(**lsf) if "power" in lsf else PolynomialLsf(**lsf)
        return cls(**fixed)
