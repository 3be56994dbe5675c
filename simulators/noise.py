"""The one noise model: what simulations draw and what every likelihood evaluates.

Gaussian at fixed hyperparameters. The spectrum has pixel noise, correlated by the resampling to the
rest frame, and smooth multiplicative errors (flux calibration, template mismatch); the bands have
independent noise, a zero point common to all of them relative to the spectrum, one of each band,
and template mismatch that is shared by neighbouring ultraviolet bands. Multiplicative errors are a
few modes times the model's own light, so the likelihood stays Gaussian for every theta.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor

from simulators.conditions import Conditions
from simulators.correlation import banded_cholesky, banded_correlation, overlap_taps, whiten
from simulators.instrument import Instrument
from simulators.observation import Observation
from simulators.simulator import Spectra

_LOG_2PI = math.log(2.0 * math.pi)
_MAG = 0.4 * math.log(10.0)


@dataclass(frozen=True, kw_only=True)
class NoiseConfig:
    """Sizes of the errors that are not in the error bars.

    Parameters
    ----------
    calibration_rms
        Relative rms of the flux-calibration tilt and curvature (Legendre orders 1 and 2).
    template_rms
        Relative rms of the template mismatch of the spectrum, spread over `template_orders` higher
        Legendre orders.
    template_orders
        How many of them.
    common_zero_point_mag
        Zero point of all bands relative to the spectrum.
    band_zero_point_mag
        Zero point of each band.
    template_mag
        Template mismatch of each band.
    template_correlation
        Correlation of the mismatch of the first two bands.
    """

    calibration_rms: tuple[float, float] = (0.02, 0.01)
    template_rms: float = 0.01
    template_orders: int = 8
    common_zero_point_mag: float = 0.04
    band_zero_point_mag: float = 0.03
    template_mag: tuple[float, ...] = (0.20, 0.10, 0.04, 0.03, 0.03)
    template_correlation: float = 0.7

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> NoiseConfig:
        """Inverse of `to_dict`."""
        fixed: dict[str, Any] = dict(values)
        for name in ("calibration_rms", "template_mag"):
            fixed[name] = tuple(values[name])
        return cls(**fixed)


class NoiseModel:
    """Draws noisy observations, and gives their probability.

    Parameters
    ----------
    instrument
        Wavelengths and bands.
    config
        Sizes of the errors.
    """

    def __init__(self, instrument: Instrument, config: NoiseConfig | None = None) -> None:
        self.instrument = instrument
        self.config = config or NoiseConfig()
        self.spectral_modes = _spectral_modes(instrument.grid.n_pix, self.config)
        self.band_modes = _band_modes(len(instrument.bands), self.config)

    def observe(
        self, spectra: Spectra, conditions: Conditions, generator: torch.Generator | None = None
    ) -> Observation:
        """Draw noisy observations of model light.

        Parameters
        ----------
        spectra
            Noise-free light, `flux` (n, n_pix) and `phot` (n, n_band).
        conditions
            Circumstances of each.
        generator
            Source of randomness, on the device of `spectra`.

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
        native_sigma = conditions.shape / conditions.snr[:, None]
        first = int(index.min())
        native = normal(n, int(index.max()) - first + 3)
        pixel_noise = sum(
            weight[..., k] * native.gather(1, index - first + k) for k in range(weight.shape[-1])
        )
        smooth = normal(n, len(self.spectral_modes)) @ self.spectral_modes
        band_error = normal(n, len(self.band_modes)) @ self.band_modes
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

    def likelihood(self, observation: Observation) -> Likelihood:
        """Likelihood of observations, with all that does not depend on theta computed once."""
        return Likelihood(self, observation)

    def to(self, device: torch.device | str) -> NoiseModel:
        """The same model on another device."""
        moved = NoiseModel(self.instrument, self.config)
        moved.spectral_modes = self.spectral_modes.to(device)
        moved.band_modes = self.band_modes.to(device)
        return moved


class Likelihood:
    """log p(observation | theta) for any model light, amplitude marginalised.

    The amplitude A has the prior 1/A, which makes the result independent of the normalisation of
    the model; its integral is done analytically at the amplitude that fits best, where the sizes of
    the multiplicative errors are taken.

    Parameters
    ----------
    noise
        The noise model.
    observation
        Batch of observations.
    """

    def __init__(self, noise: NoiseModel, observation: Observation) -> None:
        self.noise, self.observation = noise, observation
        valid = observation.valid
        index, weight = overlap_taps(noise.instrument, observation.redshift)
        variance = weight.double().square().sum(-1)
        self._factor = banded_cholesky(banded_correlation(index, weight, valid))
        # sigma holds the propagated error; the correlation is that of unit native noise
        native = observation.sigma.double() / variance.sqrt()
        self._inverse = torch.where(valid, 1.0 / torch.where(valid, native, 1.0), 0.0)
        band = observation.phot_valid
        self._band_inverse = torch.where(
            band, 1.0 / torch.where(band, observation.phot_sigma, 1.0).double(), 0.0
        )
        self.n_data = valid.sum(1) + band.sum(1)
        log_norm = torch.where(valid, self._inverse.clamp_min(1e-300).log(), 0.0).sum(1)
        log_norm = log_norm - torch.where(valid, self._factor[:, 0].log(), 0.0).sum(1)
        log_norm = log_norm + torch.where(
            band, self._band_inverse.clamp_min(1e-300).log(), 0.0
        ).sum(1)
        self._log_norm = log_norm - 0.5 * self.n_data * _LOG_2PI
        # what is masked may be anything, NaN too
        self._data = self._whitened(
            torch.where(valid, observation.flux, 0.0)[:, None],
            torch.where(band, observation.phot, 0.0)[:, None],
        )

    def log_prob(self, spectra: Spectra) -> Tensor:
        """Log-likelihood with the amplitude marginalised.

        Parameters
        ----------
        spectra
            Model light, `flux` (n_obs, n_draw, n_pix) and `phot` (n_obs, n_draw, n_band).

        Returns
        -------
        Tensor
            Shape (n_obs, n_draw), float64.
        """
        amplitude, precision, chi2, log_det = self._fit(spectra)
        # the integral over A > 0 of exp(-precision (A - best)**2 / 2) / A, to leading order
        log_prior = -torch.maximum(amplitude, precision.rsqrt()).log()
        gaussian = 0.5 * (_LOG_2PI - precision.log())
        return self._log_norm[:, None] - 0.5 * (chi2 + log_det) + gaussian + log_prior

    def chi2(self, spectra: Spectra) -> Tensor:
        """Chi-square at the best amplitude, systematic errors marginalised, as `log_prob`."""
        return self._fit(spectra)[2]

    def amplitude(self, spectra: Spectra) -> tuple[Tensor, Tensor]:
        """Best amplitude and its standard error, each (n_obs, n_draw)."""
        best, precision, _, _ = self._fit(spectra)
        return best, precision.rsqrt()

    def _whitened(self, flux: Tensor, phot: Tensor) -> tuple[Tensor, Tensor]:
        """Both parts in units of independent unit normals."""
        spectrum = whiten(self._factor, flux.double() * self._inverse[:, None])
        return spectrum, phot.double() * self._band_inverse[:, None]

    def _fit(self, spectra: Spectra) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Amplitude, its precision, chi-square and log-determinant of the systematic part."""
        scale = spectra.flux.double().mean(-1, keepdim=True)
        flux, phot = spectra.flux / scale, spectra.phot / scale
        modes = self.noise.spectral_modes.to(flux)
        columns = torch.cat([flux[:, :, None], flux[:, :, None] * modes], dim=2)
        white = whiten_columns(self._factor, columns * self._inverse[:, None, None])
        bands = torch.cat([phot[:, :, None], phot[:, :, None] * self.noise.band_modes.to(phot)], 2)
        bands = bands * self._band_inverse[:, None, None]
        n_mode, n_band_mode = modes.shape[0], bands.shape[2] - 1
        # the size of the multiplicative errors follows the amplitude: two passes settle it
        amplitude = self._first_amplitude(white, bands)
        for _ in range(2):
            spectral = _project(white, self._data[0], amplitude, n_mode)
            band = _project(bands, self._data[1], amplitude, n_band_mode)
            precision, cross, total_sq, log_det = (
                a + b for a, b in zip(spectral, band, strict=True)
            )
            precision = precision.clamp_min(1e-30)
            best = cross / precision
            amplitude = torch.maximum(best, precision.rsqrt()).detach()
        chi2 = total_sq - cross**2 / precision
        scale = scale[..., 0]
        return best / scale, precision * scale**2, chi2, log_det

    def _first_amplitude(self, white: Tensor, bands: Tensor) -> Tensor:
        """Amplitude of the spectrum alone, without systematic errors; the bands if no spectrum."""
        model, band_model = white[:, :, 0], bands[:, :, 0]
        power, band_power = model.square().sum(-1), band_model.square().sum(-1)
        use_bands = power == 0.0
        power = torch.where(use_bands, band_power, power)
        cross = torch.where(
            use_bands, (band_model * self._data[1]).sum(-1), (model * self._data[0]).sum(-1)
        )
        floor = power.clamp_min(1e-30).rsqrt()
        amplitude = torch.maximum(cross / power.clamp_min(1e-30), floor)
        return torch.where(power > 0.0, amplitude, 1.0).detach()


def whiten_columns(factor: Tensor, values: Tensor) -> Tensor:
    """`whiten` for values of shape (n, m, k, n_pix)."""
    n, m, k, n_pix = values.shape
    return whiten(factor, values.reshape(n, m * k, n_pix)).view(n, m, k, n_pix)


def _project(
    columns: Tensor, data: Tensor, amplitude: Tensor, n_mode: int
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Inner products under I + A**2 U U^T (Woodbury): m.m, m.d, d.d and the log-determinant."""
    model, modes = columns[:, :, 0], columns[:, :, 1:] * amplitude[..., None, None]
    inner = torch.einsum("bdki,bdli->bdkl", modes, modes) + torch.eye(
        n_mode, dtype=modes.dtype, device=modes.device
    )
    factor = torch.linalg.cholesky(inner)
    both = torch.stack([model, data.expand_as(model)], dim=2)
    projected = torch.einsum("bdki,bdpi->bdkp", modes, both)
    solved = torch.linalg.solve_triangular(factor, projected, upper=False)
    gram = torch.einsum("bdpi,bdqi->bdpq", both, both) - torch.einsum(
        "bdkp,bdkq->bdpq", solved, solved
    )
    log_det = 2.0 * torch.diagonal(factor, dim1=-2, dim2=-1).log().sum(-1)
    return gram[..., 0, 0], gram[..., 0, 1], gram[..., 1, 1], log_det


def _spectral_modes(n_pix: int, config: NoiseConfig) -> Tensor:
    """Legendre modes of unit rms times their sizes, shape (n_mode, n_pix)."""
    x = torch.linspace(-1.0, 1.0, n_pix, dtype=torch.float64)
    polynomials = [torch.ones_like(x), x]
    n_mode = len(config.calibration_rms) + config.template_orders
    for k in range(1, n_mode):
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
