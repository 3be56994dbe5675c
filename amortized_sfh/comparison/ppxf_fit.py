"""pPXF with the templates, bands, resolution and dust law of a model (needs the extra `ppxf`).

What pPXF leaves open is chosen in its favour: templates have the resolution of each observation,
bands are attenuated through the model's sub-bands (pPXF's own way is one wavelength per band), the
error of a band includes its systematic part, and pixel errors keep the information that the
observed pixels had before they were resampled.

References
----------
Cappellari 2017, MNRAS 466, 798; Cappellari 2023, MNRAS 526, 3273.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from ppxf.ppxf import ppxf

from amortized_sfh.comparison.templates import TemplateProjector, model_templates
from simulators.constants import SPEED_OF_LIGHT_KMS
from simulators.forward.dust import PIVOT_AA, calzetti_curve
from simulators.generative import GenerativeModel
from simulators.noise.correlation import overlap_taps
from simulators.observations.observation import Observation
from simulators.wavelengths.resample import apply_weights, resample_matrix

_MAX_VELOCITY_KMS = 450.0
# pPXF wants 900 km/s of templates beyond the bounds of the velocity
_MARGIN_KMS = _MAX_VELOCITY_KMS + 1000.0
_MAX_MISSING = 0.02


@dataclass(frozen=True, kw_only=True)
class PPXFConfig:
    """Choices of a pPXF fit.

    Parameters
    ----------
    regul
        Strength of the regularisation, pPXF's `regul`; 0 for none.
    mdegree
        Degree of the multiplicative polynomial of the spectrum; 0 for none.
    weights
        "mass" or "light": the weights that regularisation smooths are formed masses or V-band
        luminosities.
    mh_stride
        Templates are taken at every `mh_stride`-th [M/H] node of the model.
    dust_slope
        If true, the slope of the attenuation law is free (it is fixed where there are no bands).
    """

    regul: float = 0.0
    mdegree: int = 6
    weights: str = "mass"
    mh_stride: int = 2
    dust_slope: bool = True

    def __post_init__(self) -> None:
        if self.weights not in ("mass", "light"):
            raise ValueError(f"weights is {self.weights!r}; expected 'mass' or 'light'")
        if self.regul < 0 or self.mdegree < 0:
            raise ValueError(f"regul {self.regul}, mdegree {self.mdegree}; expected >= 0")


class PPXFFitter:
    """Fits observations by pPXF, one after another.

    Parameters
    ----------
    generative
        Model of the observations; its prior is not used.
    config
        Choices of the fits; those of `PPXFConfig()` by default.
    """

    def __init__(self, generative: GenerativeModel, config: PPXFConfig | None = None) -> None:
        self.config = config or PPXFConfig()
        self.templates = model_templates(generative.simulator, self.config.mh_stride)
        self._projector = TemplateProjector(self.templates, generative.simulator)
        self._instrument = generative.instrument
        n_pix = self._instrument.grid.n_pix
        modes = generative.noise.modes[:, n_pix:].double().numpy()
        self._band_systematic = np.sqrt((modes**2).sum(0))
        edges = np.asarray(self._instrument.grid.edges_aa, dtype=float)
        # as many log pixels as there are linear ones: pPXF's habit
        log_edges = np.linspace(np.log(edges[0]), np.log(edges[-1]), n_pix + 1)
        step = log_edges[1] - log_edges[0]
        self._velscale = SPEED_OF_LIGHT_KMS * step
        self._lam = np.exp(log_edges[:-1] + 0.5 * step)
        self._width_aa = np.diff(np.exp(log_edges))
        self._matrix = resample_matrix(torch.from_numpy(edges), torch.from_numpy(np.exp(log_edges)))
        margin = int(_MARGIN_KMS / self._velscale) + 2
        pixels = np.arange(n_pix + 2 * margin) - margin
        self._log_lam_temp = log_edges[0] + step * (pixels + 0.5)

    def fit(self, observation: Observation) -> dict[str, float]:
        """Fit one observation.

        Parameters
        ----------
        observation
            Batch of one observation, on the CPU.

        Returns
        -------
        dict of str to float
            The averages of `Templates.averages`, `av` (mag), `delta`, `velocity` and `sigma`
            (km/s), the reduced `chi2`, and the `seconds` of processor time.

        Raises
        ------
        ValueError
            If there is not exactly one observation, or it has no usable pixel.
        """
        start = time.process_time()
        if len(observation) != 1:
            raise ValueError(f"{len(observation)} observations; expected one: fit them in a loop")
        flux, sigma, use = self._log_rebinned(observation)
        level = float(np.median(flux[use]))
        band = observation.phot_valid[0].numpy()
        nodes = self._projector.bands(observation.redshift)[:, :, band]
        templates = self._projector.spectra(observation.redshift, self._log_lam_temp)
        # weights in these units are of order one
        typical = np.full(templates.shape[:2], np.median(templates))
        unit = self.templates.lum_v if self.config.weights == "light" else typical
        result = ppxf(
            np.moveaxis(templates / unit[..., None], -1, 0),
            flux / level,
            sigma / level,
            self._velscale,
            [0.0, 100.0],
            bounds=[[-_MAX_VELOCITY_KMS, _MAX_VELOCITY_KMS], [1.0, 500.0]],
            degree=-1,
            mdegree=self.config.mdegree,
            lam=self._lam,
            lam_temp=np.exp(self._log_lam_temp),
            mask=use,
            regul=self.config.regul,
            # the same minimum as the default; faster where few weights are zero
            linear_method="nnls" if self.config.regul else "lsq_box",
            dust=[self._dust(nodes, band)],
            phot=self._phot(observation, nodes / unit[..., None, None], level),
            quiet=True,
        )
        dust = result.dust[0]["sol"]
        return self.templates.averages(result.weights.reshape(unit.shape) / unit) | {
            "av": float(dust[0]),
            "delta": float(dust[1]) if len(dust) > 1 else 0.0,
            "velocity": float(result.sol[0]),
            "sigma": float(result.sol[1]),
            "chi2": float(result.chi2),
            "seconds": time.process_time() - start,
        }

    def _dust(self, nodes: np.ndarray, band: np.ndarray) -> dict[str, Any]:
        """Calzetti law with a free slope and no bump, in the form that pPXF wants."""
        wave = self._projector.node_wave_aa[band]
        share = nodes.reshape(nodes.shape[0] * nodes.shape[1], *nodes.shape[2:])
        share = share / share.sum(-1, keepdims=True)

        def law(lam: np.ndarray, av: float, delta: float = 0.0) -> np.ndarray:
            if lam.ndim == 1:
                return _transmission(lam, av, delta)
            # the bands, (n_band, n_template)
            return (share * _transmission(wave, av, delta)).sum(-1).T

        n_free = 2 if self.config.dust_slope and band.any() else 1
        return {
            "start": [0.5, 0.0][:n_free],
            "bounds": [[0.0, 4.0], [-0.7, 0.4]][:n_free],
            "component": np.ones(len(share), dtype=bool),
            "func": law,
        }

    def _phot(
        self, observation: Observation, nodes: np.ndarray, level: float
    ) -> dict[str, np.ndarray] | None:
        """Bands in the form that pPXF wants, None if there are none."""
        band = observation.phot_valid[0].numpy()
        if not band.any():
            return None
        flux = observation.phot[0].double().numpy()[band] / level
        sigma = observation.phot_sigma[0].double().numpy()[band] / level
        wave = self._projector.node_wave_aa[band].mean(-1)
        return {
            "templates": np.moveaxis(nodes.sum(-1), -1, 0),
            "galaxy": flux,
            "noise": np.hypot(sigma, flux * self._band_systematic[band]),
            "lam": np.repeat(wave[:, None], int(np.prod(nodes.shape[:2])), axis=1),
        }

    def _log_rebinned(self, observation: Observation) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Flux, error and mask on log pixels, each (n_pix,).

        Resampling correlates pixels. The error is that of as many independent observed pixels as
        fit into a log pixel, so that the sum over pixels weighs the spectrum rightly against the
        bands.
        """
        _, taps = overlap_taps(self._instrument, observation.redshift)
        native = (observation.sigma / taps.square().sum(-1).sqrt())[0].double()
        valid = observation.valid[0] & torch.isfinite(native) & (native > 0)
        if not bool(valid.any()):
            raise ValueError("the spectrum has no usable pixel; pPXF needs some")
        wave = np.asarray(self._instrument.grid.centres_aa, dtype=float)
        good = valid.numpy()
        filled = [
            torch.from_numpy(np.interp(wave, wave[good], values[valid].numpy()))
            for values in (observation.flux[0].double(), native)
        ]
        flux, native_log = (apply_weights(self._matrix, values).numpy() for values in filled)
        missing = apply_weights(self._matrix, (~valid).double()).numpy()
        stretch = 1.0 + float(observation.redshift[0])
        observed = torch.from_numpy(self._lam * stretch)
        pixel = self._instrument.pixels.width_aa(observed).numpy() / stretch
        sigma = native_log * np.sqrt(pixel / self._width_aa)
        return flux, sigma, missing < _MAX_MISSING


def _transmission(wave_aa: np.ndarray, av: float, delta: float) -> np.ndarray:
    """Dust law of the model in double precision, as differences of a fit need it."""
    curve = calzetti_curve(torch.from_numpy(wave_aa)).numpy()
    return np.power(10.0, -0.4 * av * curve * (wave_aa / PIVOT_AA) ** delta)
