"""The likelihood of the noise model: log p(observation | theta), amplitude marginalised.

Everything that does not depend on theta (the banded Cholesky factor, the norm) is computed once per
batch of observations; the smooth multiplicative errors enter through Woodbury's identity.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from simulators.forward.simulator import ModelSpectra
from simulators.noise.correlation import (
    banded_cholesky,
    banded_correlation,
    overlap_taps,
    whiten,
    widen_taps,
)
from simulators.noise.noise_model import NoiseModel
from simulators.observations.observation import Observation

_LOG_2PI = math.log(2.0 * math.pi)


class Likelihood:
    """log p(observation | theta) for any model light, amplitude marginalised.

    The amplitude A has the prior 1/A, which makes the result independent of the normalisation of
    the model; its integral is done analytically at the amplitude that fits best, where the sizes of
    the multiplicative errors are taken.

    Parameters
    ----------
    noise
        Noise model of the observations; its kernel, sky residuals and multiplicative modes are
        used.
    observation
        Batch of n_obs observations, in any unit; masked pixels and bands may hold anything.

    Attributes
    ----------
    n_data
        Number of valid pixels and bands of each observation, shape (n_obs,).
    """

    def __init__(self, noise: NoiseModel, observation: Observation) -> None:
        self.noise, self.observation = noise, observation
        valid = observation.valid
        index, weight = overlap_taps(noise.instrument, observation.redshift)
        variance = weight.double().square().sum(-1)
        self._factor = banded_cholesky(
            banded_correlation(*widen_taps(index, weight, noise.kernel), valid)
        )
        # sigma holds the propagated error; the correlation is that of unit native noise
        native = observation.sigma.double() / variance.sqrt()
        self._inverse = torch.where(valid, 1.0 / torch.where(valid, native, 1.0), 0.0)
        band = observation.phot_valid
        self._band_inverse = torch.where(
            band, 1.0 / torch.where(band, observation.phot_sigma, 1.0).double(), 0.0
        )
        self.n_data = valid.sum(1) + band.sum(1)
        log_norm = _log_sum(self._inverse, valid) - _log_sum(self._factor[:, 0], valid)
        log_norm = log_norm + _log_sum(self._band_inverse, band)
        self._log_norm = log_norm - 0.5 * self.n_data * _LOG_2PI
        # what is masked may be anything, NaN too
        self._data = self._whitened(
            torch.where(valid, observation.flux, 0.0)[:, None],
            torch.where(band, observation.phot, 0.0)[:, None],
        )
        self._sky = self._whitened_sky(index, weight)

    def log_prob(self, spectra: ModelSpectra) -> Tensor:
        """Log-likelihood with the amplitude marginalised.

        Parameters
        ----------
        spectra
            Model light, `flux` (n_obs, n_draws, n_pix) and `phot` (n_obs, n_draws, n_band), in
            any unit.

        Returns
        -------
        Tensor
            Natural logarithm of the likelihood, shape (n_obs, n_draws), float64.
        """
        amplitude, precision, chi2, log_det = self._fit(spectra)
        # the integral over A > 0 of exp(-precision (A - best)**2 / 2) / A, to leading order
        log_prior = -torch.maximum(amplitude, precision.rsqrt()).log()
        gaussian = 0.5 * (_LOG_2PI - precision.log())
        return self._log_norm[:, None] - 0.5 * (chi2 + log_det) + gaussian + log_prior

    def chi2(self, spectra: ModelSpectra) -> Tensor:
        """Chi-square at the best amplitude, systematic errors marginalised, (n_obs, n_draws)."""
        return self.best_fit(spectra)[2]

    def amplitude(self, spectra: ModelSpectra) -> tuple[Tensor, Tensor]:
        """Best amplitude and its standard error, each (n_obs, n_draws)."""
        return self.best_fit(spectra)[:2]

    def best_fit(self, spectra: ModelSpectra) -> tuple[Tensor, Tensor, Tensor]:
        """Best amplitude, its standard error and chi-square from one fit, each (n_obs, n_draws)."""
        best, precision, chi2, _ = self._fit(spectra)
        return best, precision.rsqrt(), chi2

    def _whitened(self, flux: Tensor, phot: Tensor) -> Tensor:
        """Pixels and bands in units of independent unit normals."""
        spectrum = whiten(self._factor, flux.double() * self._inverse[:, None])
        return torch.cat([spectrum, phot.double() * self._band_inverse[:, None]], dim=-1)

    def _whitened_sky(self, index: Tensor, weight: Tensor) -> Tensor:
        """Modes of the sky residuals, whitened, shape (n_obs, n_sky, n_data)."""
        taps = torch.arange(weight.shape[-1], device=index.device)
        modes = self.noise.sky_modes(index[..., None] + taps)
        modes = (modes * weight).sum(-1).movedim(0, 1)
        modes = torch.where(self.observation.valid[:, None], modes, 0.0)
        white = whiten(self._factor, modes.double())
        return F.pad(white, (0, self.observation.phot.shape[1]))

    def _fit(self, spectra: ModelSpectra) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Amplitude, its precision, chi-square and log-determinant of the systematic part."""
        scale = spectra.flux.double().mean(-1, keepdim=True)
        flux, phot = spectra.flux / scale, spectra.phot / scale
        n_pix = flux.shape[-1]
        modes = torch.cat([torch.ones_like(self.noise.modes[:1]), self.noise.modes]).to(flux)
        pixels, bands = flux[:, :, None] * modes[:, :n_pix], phot[:, :, None] * modes[:, n_pix:]
        white = self._whitened(pixels.flatten(1, 2), bands.flatten(1, 2))
        white = white.unflatten(1, pixels.shape[1:3])
        # the size of the multiplicative errors follows the amplitude: two passes settle it
        amplitude = self._first_amplitude(white[:, :, 0], n_pix)
        for _ in range(2):
            precision, cross, total_sq, log_det = _project(white, self._data, self._sky, amplitude)
            precision = precision.clamp_min(1e-30)
            best = cross / precision
            amplitude = torch.maximum(best, precision.rsqrt()).detach()
        chi2 = total_sq - cross**2 / precision
        scale = scale[..., 0]
        return best / scale, precision * scale**2, chi2, log_det

    def _first_amplitude(self, model: Tensor, n_pix: int) -> Tensor:
        """Amplitude of the spectrum alone, without systematic errors; the bands if no spectrum."""
        parts = []
        for part in (slice(0, n_pix), slice(n_pix, None)):
            own, data = model[..., part], self._data[..., part]
            parts.append((own.square().sum(-1), (own * data).sum(-1)))
        (power, cross), (band_power, band_cross) = parts
        use_bands = power == 0.0
        power = torch.where(use_bands, band_power, power)
        cross = torch.where(use_bands, band_cross, cross)
        floor = power.clamp_min(1e-30).rsqrt()
        amplitude = torch.maximum(cross / power.clamp_min(1e-30), floor)
        return torch.where(power > 0.0, amplitude, 1.0).detach()


def _log_sum(values: Tensor, use: Tensor) -> Tensor:
    """Sum of the logarithms of the values to be used, shape (n, m) -> (n,)."""
    return torch.where(use, values.clamp_min(1e-300).log(), 0.0).sum(1)


def _project(
    columns: Tensor, data: Tensor, additive: Tensor, amplitude: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Products under I + A**2 U U^T + V V^T (Woodbury): m.m, m.d, d.d and the log-determinant."""
    model, modes = columns[:, :, 0], columns[:, :, 1:] * amplitude[..., None, None]
    shared = additive[:, None].expand(-1, modes.shape[1], -1, -1)
    modes = torch.cat([modes, shared], dim=2)
    inner = torch.einsum("bdki,bdli->bdkl", modes, modes)
    factor = torch.linalg.cholesky(inner + torch.eye(modes.shape[2]).to(modes))
    both = torch.stack([model, data.expand_as(model)], dim=2)
    projected = torch.einsum("bdki,bdpi->bdkp", modes, both)
    solved = torch.linalg.solve_triangular(factor, projected, upper=False)
    gram = torch.einsum("bdpi,bdqi->bdpq", both, both)
    gram = gram - torch.einsum("bdkp,bdkq->bdpq", solved, solved)
    log_det = 2.0 * torch.diagonal(factor, dim1=-2, dim2=-1).log().sum(-1)
    return gram[..., 0, 0], gram[..., 0, 1], gram[..., 1, 1], log_det
