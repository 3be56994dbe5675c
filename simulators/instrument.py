"""The instrument a model is made for: wavelength grid, resolution, bands and redshift range."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from simulators.filters import HST_BANDS
from simulators.wavegrid import WaveGrid

SPEED_OF_LIGHT_KMS = 299_792.458
FWHM_PER_SIGMA = 2.0 * math.sqrt(2.0 * math.log(2.0))


@dataclass(frozen=True, kw_only=True)
class Instrument:
    """What a spectrum and its bands are measured with.

    The default is PHANGS: a VLT/MUSE spectrum and the five HST WFC3/UVIS bands.

    Parameters
    ----------
    name
        Name written in products.
    grid
        Rest-frame air wavelengths of the spectrum.
    bands
        Names of the photometric bands, in the order of every array over bands.
    lsf_coefficients_aa
        (a, b, c) of FWHM(wave) = a wave**2 + b wave + c, in Å of the observed frame. The default
        is the MUSE line spread function of [1]_.
    max_redshift
        Largest redshift of the spectra.
    max_redshift_bands
        Largest redshift at which the bands are used.
    native_start_aa, native_step_aa
        Centre of the first pixel and pixel of the observed-frame spectrum, in Å. They set how the
        resampling to the rest frame correlates and blurs neighbouring pixels.

    References
    ----------
    .. [1] Bacon et al. 2017, A&A 608, A1, eq. 8 (UDF-10).
    """

    name: str = "phangs-muse-hst"
    grid: WaveGrid = field(default_factory=WaveGrid)
    bands: tuple[str, ...] = HST_BANDS
    lsf_coefficients_aa: tuple[float, float, float] = (5.866e-8, -9.187e-4, 6.040)
    max_redshift: float = 0.1
    max_redshift_bands: float = 0.02
    native_start_aa: float = 4750.0
    native_step_aa: float = 1.25

    def __post_init__(self) -> None:
        if not 0.0 <= self.max_redshift_bands <= self.max_redshift:
            raise ValueError(
                f"redshift limits {self.max_redshift_bands} (bands) and {self.max_redshift} "
                "(spectrum) are out of order: expected 0 <= max_redshift_bands <= max_redshift"
            )

    def lsf_fwhm_aa(self, wave_obs_aa: Tensor) -> Tensor:
        """Line spread function.

        Parameters
        ----------
        wave_obs_aa
            Observed air wavelengths in Å, any shape.

        Returns
        -------
        Tensor
            FWHM in Å of the observed frame, the same shape.
        """
        a, b, c = self.lsf_coefficients_aa
        return (a * wave_obs_aa + b) * wave_obs_aa + c

    def native_position(self, wave_rest_aa: Tensor, redshift: Tensor) -> Tensor:
        """Where rest-frame wavelengths fall on the observed-frame pixels.

        Parameters
        ----------
        wave_rest_aa
            Shape (n_wave,), in Å.
        redshift
            Shape (n,).

        Returns
        -------
        Tensor
            Fractional pixel, 0 at the centre of the first one, shape (n, n_wave).
        """
        wave = wave_rest_aa * (1.0 + redshift[:, None])
        return (wave - self.native_start_aa) / self.native_step_aa

    def native_wave_aa(self, pixel: Tensor) -> Tensor:
        """Observed wavelengths of the centres of native pixels, Å, the inverse of the above."""
        return self.native_start_aa + self.native_step_aa * pixel.double()

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Instrument:
        """Inverse of `to_dict`."""
        fixed: dict[str, Any] = dict(values)
        fixed["grid"] = WaveGrid(**values["grid"])
        for name in ("bands", "lsf_coefficients_aa"):
            fixed[name] = tuple(values[name])
        return cls(**fixed)


@dataclass(frozen=True)
class LogGrid:
    """Uniform grid in ln(wavelength), on which velocities are convolutions.

    Parameters
    ----------
    start_aa, stop_aa
        First and last wavelength in Å.
    n_pix
        Number of pixels; products of small primes are fast to transform.
    """

    start_aa: float
    stop_aa: float
    n_pix: int

    @classmethod
    def covering(cls, grid: WaveGrid, margin: float = 0.0085, step_kms: float = 40.0) -> LogGrid:
        """Grid that covers `grid` and a relative `margin` on each side for the widest kernels."""
        edges = np.asarray(grid.edges_aa)
        start, stop = float(edges[0]) * (1.0 - margin), float(edges[-1]) * (1.0 + margin)
        wanted = math.log(stop / start) * SPEED_OF_LIGHT_KMS / step_kms
        return cls(start, stop, 256 * math.ceil(wanted / 256))

    @property
    def step(self) -> float:
        """Step in ln(wavelength)."""
        return math.log(self.stop_aa / self.start_aa) / (self.n_pix - 1)

    @property
    def wave_aa(self) -> np.ndarray:
        """Wavelengths in Å, shape (n_pix,)."""
        return self.start_aa * np.exp(self.step * np.arange(self.n_pix))

    def fractional_index(self, wave_aa: Tensor) -> Tensor:
        """Position of wavelengths on the grid in pixels, float64."""
        return torch.log(wave_aa.double() / self.start_aa) / self.step
