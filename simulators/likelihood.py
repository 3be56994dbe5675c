"""The likelihood of the noise model: log p(observation | theta), amplitude marginalised.

Everything that does not depend on theta (the banded Cholesky factor, the norm) is computed once per
batch of observations; the smooth multiplicative errors enter through Woodbury's identity.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from simulators.correlation import banded_cholesky, banded_correlation, overlap_taps, whiten
from simulators.observation import Observation
from simulators.simulator import Spectra

if TYPE_CHECKING:
    from simulators.noise import NoiseModel

_LOG_2PI = math.log(2.0 * math.pi)


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
