"""The one noise model: what simulations draw and what every likelihood evaluates.

Gaussian at fixed hyperparameters. The spectrum has pixel noise, correlated by the instrument and by
the resampling to the rest frame, and residuals of sky subtraction; the bands have independent
noise. Everything multiplicative (flux calibration, zero points, template mismatch) is a few modes
over pixels and bands times the model's own light, so the likelihood stays Gaussian for every theta.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from priors.portable import Portable
from simulators.files.plain_values import PlainValues
from simulators.forward.simulator import ModelSpectra
from simulators.instruments.instrument import Instrument
from simulators.noise.correlation import overlap_taps
from simulators.noise.profile import NoiseProfile
from simulators.noise.template_mismatch import TemplateMismatch
from simulators.observations.conditions import Conditions
from simulators.observations.observation import Observation

_MAG = 0.4 * math.log(10.0)


@dataclass(frozen=True, kw_only=True)
class NoiseConfig(PlainValues):
    """Sizes of the errors that are not in the error bars.

    Parameters
    ----------
    calibration_rms
        Relative rms of the flux-calibration tilt and curvature (Legendre orders 1 and 2).
    template_rms
        Relative rms of the template mismatch of the spectrum, spread over `template_orders` higher
        Legendre orders. It is used, as the other fields that begin with `template`, where no
        mismatch was measured.
    template_orders
        Number of these higher Legendre orders.
    common_zero_point_mag
        Error of the common zero point of all bands relative to the spectrum, mag.
    band_zero_point_mag
        Independent error of the zero point of each band, mag.
    template_mag
        Template mismatch of each band relative to the spectrum, mag.
    template_correlation
        Correlation coefficient between the mismatches of the first two bands.
    """

    calibration_rms: tuple[float, float] = (0.02, 0.01)
    template_rms: float = 0.01
    template_orders: int = 8
    common_zero_point_mag: float = 0.04
    band_zero_point_mag: float = 0.03
    template_mag: tuple[float, ...] = (0.20, 0.10, 0.04, 0.03, 0.03)
    template_correlation: float = 0.7


class NoiseModel(Portable):
    """Draws noisy observations; `Likelihood` gives the probability of given ones.

    Parameters
    ----------
    instrument
        Instrument that sets pixels and bands.
    config
        Sizes of the errors that are not in the error bars; those of `NoiseConfig()` by default.
    mismatch
        Measured template mismatch, in place of that of `config`; none by default.
    profile
        Measured noise of the instrument: correlation along wavelength and sky residuals. White
        noise without residuals by default.

    Attributes
    ----------
    modes
        Relative errors of pixels, then bands, each one standard deviation of an independent
        error, shape (n_mode, n_pix + n_band).
    kernel
        Taps that correlate the noise of native pixels, shape (n_kernel,).
    """

    def __init__(
        self,
        instrument: Instrument,
        config: NoiseConfig | None = None,
        mismatch: TemplateMismatch | None = None,
        profile: NoiseProfile | None = None,
    ) -> None:
        self.instrument, self.mismatch, self.profile = instrument, mismatch, profile
        self.config = config or NoiseConfig()
        self.modes = _modes(instrument, self.config, mismatch)
        self.kernel = torch.tensor(profile.kernel if profile is not None else (1.0,))
        self._sky_first, self._sky = _sky_table(instrument, profile)

    @property
    def n_sky(self) -> int:
        """Number of modes of the residuals of sky subtraction."""
        return len(self._sky)

    def sky_modes(self, native: Tensor) -> Tensor:
        """Residuals of sky subtraction in units of the pixel noise.

        Parameters
        ----------
        native
            Numbers of native pixels as the `position` of observed pixels counts, int64, any shape.

        Returns
        -------
        Tensor
            One standard deviation of each mode, shape (n_sky, *shape); zero beyond the profile.
        """
        position = native - self._sky_first
        inside = (position >= 0) & (position < self._sky.shape[1])
        return torch.where(inside, self._sky[:, position * inside], 0.0)

    def observe(
        self,
        spectra: ModelSpectra,
        conditions: Conditions,
        generator: torch.Generator | None = None,
    ) -> Observation:
        """Draw noisy observations of model light.

        Parameters
        ----------
        spectra
            Noise-free light, `flux` (n, n_pix) and `phot` (n, n_band).
        conditions
            S/N, masks and redshift of each observation.
        generator
            Random generator on the device of `spectra`; torch's global one by default.

        Returns
        -------
        Observation
            Fluxes in units of the mean of each noise-free spectrum.
        """

        def normal(*shape: int) -> Tensor:
            return torch.randn(*shape, generator=generator, device=spectra.flux.device)

        n = len(spectra.flux)
        level = spectra.flux.mean(dim=1, keepdim=True)
        flux, phot = spectra.flux / level, spectra.phot / level
        index, weight = overlap_taps(self.instrument, conditions.redshift)
        native_sigma = conditions.relative_noise / conditions.snr[:, None]
        first = int(index.min())
        n_native = int(index.max()) - first + weight.shape[-1]
        white = normal(n, n_native + len(self.kernel) - 1)
        native = white.unfold(1, len(self.kernel), 1) @ self.kernel
        if self.n_sky:
            pixels = torch.arange(first, first + n_native, device=native.device)
            native = native + normal(n, self.n_sky) @ self.sky_modes(pixels)
        pixel_noise = sum(
            weight[..., k] * native.gather(1, index - first + k) for k in range(weight.shape[-1])
        )
        error = normal(n, len(self.modes)) @ self.modes
        smooth, band_error = error[:, : flux.shape[1]], error[:, flux.shape[1] :]
        phot_sigma = phot / conditions.phot_snr
        return Observation(
            flux=flux * (1.0 + smooth) + native_sigma * pixel_noise,
            sigma=native_sigma * weight.square().sum(-1).sqrt(),
            valid=conditions.valid,
            phot=phot * (1.0 + band_error) + phot_sigma * normal(*phot.shape),
            phot_sigma=phot_sigma,
            phot_valid=conditions.phot_valid,
            redshift=conditions.redshift,
        )


def _modes(
    instrument: Instrument, config: NoiseConfig, mismatch: TemplateMismatch | None
) -> Tensor:
    """Multiplicative errors of pixels and bands: calibration and zero points, then templates."""
    n_pix, n_band = instrument.grid.n_pix, len(instrument.bands)
    if mismatch is None:
        return torch.block_diag(_spectral_modes(n_pix, config), _band_modes(n_band, config))
    if mismatch.modes.shape[1] != n_pix + n_band:
        raise ValueError(
            f"mismatch modes are for {mismatch.modes.shape[1]} pixels and bands, expected {n_pix} "
            f"+ {n_band}: measure them with the same instrument"
        )
    known = replace(config, template_orders=0, template_mag=(0.0,) * n_band)
    own = torch.block_diag(_spectral_modes(n_pix, known), _band_modes(n_band, known))
    return torch.cat([own, mismatch.modes])


def _sky_table(instrument: Instrument, profile: NoiseProfile | None) -> tuple[int, Tensor]:
    """First native pixel and modes of all native pixels that spectra may reach."""
    if profile is None or not len(profile.sky_modes):
        return 0, torch.zeros(0, 1)
    ends = instrument.grid.centres_aa[[0, -1]]
    limits = torch.tensor([instrument.min_redshift, instrument.max_redshift], dtype=torch.float64)
    position = instrument.pixels.position(ends, limits)
    first, last = math.floor(float(position[0, 0])) - 4, math.ceil(float(position[1, 1])) + 4
    wave = instrument.native_wave_aa(torch.arange(first, last + 1))
    return first, torch.from_numpy(profile.sky_modes_at(wave.numpy())).float()


def _spectral_modes(n_pix: int, config: NoiseConfig) -> Tensor:
    """Legendre modes of unit rms times their sizes, shape (n_mode, n_pix)."""
    x = torch.linspace(-1.0, 1.0, n_pix, dtype=torch.float64)
    polynomials = [torch.ones_like(x), x]
    n_mode = len(config.calibration_rms) + config.template_orders
    for k in range(1, max(n_mode, 1)):
        polynomials.append(((2 * k + 1) * x * polynomials[k] - k * polynomials[k - 1]) / (k + 1))
    template = config.template_rms / math.sqrt(max(config.template_orders, 1))
    sizes = [*config.calibration_rms, *[template] * config.template_orders]
    modes = [
        size * p / p.square().mean().sqrt() for size, p in zip(sizes, polynomials[1:], strict=True)
    ]
    return torch.stack(modes).float()


def _band_modes(n_band: int, config: NoiseConfig) -> Tensor:
    """Relative errors of the bands, rows = modes, shape (n_band or 0, n_band)."""
    if n_band == 0:
        return torch.zeros(0, 0)
    if n_band != len(config.template_mag):
        raise ValueError(
            f"template_mag has {len(config.template_mag)} values for {n_band} bands: give one each"
        )
    template = torch.tensor(config.template_mag, dtype=torch.float64)
    covariance = torch.diag(template**2 + config.band_zero_point_mag**2)
    if n_band > 1:
        shared = config.template_correlation * template[0] * template[1]
        covariance[0, 1] = covariance[1, 0] = shared
    covariance = covariance + config.common_zero_point_mag**2
    return (_MAG * torch.linalg.cholesky(covariance)).T.contiguous().float()
