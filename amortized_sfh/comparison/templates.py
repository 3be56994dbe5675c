"""The populations of a model as templates for full spectral fitting."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from scipy.interpolate import make_interp_spline

from priors.families.nuisance import GAS_LOG_U
from simulators.forward.broadening import VelocityBroadening
from simulators.forward.simulator import Simulator
from simulators.populations.nebular_light import line_profiles
from simulators.populations.ssp_basis import MH_STEP

FIXED_LOG_U, FIXED_TAKEN = -3.0, 0.5


class Templates(NamedTuple):
    """Populations over (n_bins, n_met), per formed solar mass.

    Attributes
    ----------
    spectra
        Spectra on the model's log grid at the library's resolution, L☉/Å, shape
        (n_bins, n_met, n_pix).
    nodes
        Means in the sub-bands of the bands, L☉/Å, shape (n_bins, n_met, n_band, n_node).
    lum_v
        Mean luminosity in the V band, L☉/Å, shape (n_bins, n_met).
    log_age
        Mean log10(age / yr) of the bins, shape (n_bins,).
    mh
        [M/H] of the templates in dex, shape (n_met,).
    """

    spectra: np.ndarray
    nodes: np.ndarray
    lum_v: np.ndarray
    log_age: np.ndarray
    mh: np.ndarray

    def averages(self, mass: np.ndarray) -> dict[str, float]:
        """Mass- and light-weighted means, defined as those of `amortized_sfh.quantities`.

        Parameters
        ----------
        mass
            Formed masses in any unit, shape (n_bins, n_met).

        Returns
        -------
        dict of str to float
            Means of log10(age / yr), `log_age_mw` and `log_age_lw`, and of [M/H], `mh_mw` and
            `mh_lw`.
        """
        out = {}
        for kind, weight in (("mw", mass), ("lw", mass * self.lum_v)):
            total = weight.sum()
            out[f"log_age_{kind}"] = float(weight.sum(1) @ self.log_age / total)
            out[f"mh_{kind}"] = float(weight.sum(0) @ self.mh / total)
        return out


def model_templates(simulator: Simulator, stride: int = 2) -> Templates:
    """Take every `stride`-th of the [M/H] nodes between which a model interpolates.

    Where the model has gas, the young templates carry its light at `FIXED_LOG_U` with the share
    `FIXED_TAKEN` of the ionising photons, about the means of the prior: a fit of non-negative
    weights cannot vary them.

    Parameters
    ----------
    simulator
        Forward model whose populations become templates.
    stride
        Step from one [M/H] node to the next that is taken; 1 takes all of them.

    Returns
    -------
    Templates
        Populations at the [M/H] nodes taken, in double precision.

    Raises
    ------
    ValueError
        If the strides miss the most metal-rich node.
    """
    mh = [simulator.space.parameters[i] for i in range(simulator.space.n_param)[simulator.space.mh]]
    low, high = min(p.low for p in mh), max(p.high for p in mh)
    n_node = round((high - low) / MH_STEP) + 1
    if stride < 1 or (n_node - 1) % stride:
        raise ValueError(f"stride is {stride}; expected a divisor of {n_node - 1}")
    nodes = torch.linspace(low, high, n_node)[::stride]
    tables = {k: v.double().numpy() for k, v in simulator.basis.interpolated(nodes).items()}
    if GAS_LOG_U in simulator.space.names:
        _add_gas(tables, simulator, nodes)
    log_age = simulator.bins.log_age_yr.double().numpy()
    return Templates(
        tables["spectra"], tables["nodes"], tables["lum_v"], log_age, nodes.double().numpy()
    )


def _add_gas(tables: dict[str, np.ndarray], simulator: Simulator, mh: torch.Tensor) -> None:
    """Add the light of the gas to the spectra and sub-bands of the young bins, in place."""
    basis = simulator.basis
    if basis.nebular is None:
        raise ValueError(f"the model of {basis.library!r} has gas parameters but no nebular light")
    gas = {
        name: FIXED_TAKEN * value[:, :, 0].double().numpy()
        for name, value in basis.nebular.interpolated(mh, torch.tensor([FIXED_LOG_U])).items()
    }
    young = slice(0, basis.nebular.n_young)
    profiles = line_profiles(basis).double().numpy()
    tables["spectra"][young] += gas["continuum"] + gas["line_lum"] @ profiles
    edges = simulator.band_nodes.edges_aa.double().numpy()
    line = basis.nebular.line_wave_aa.double().numpy()
    inside = (line >= edges[:, :-1, None]) & (line < edges[:, 1:, None])
    # photon-weighted mean over the sub-band of a line of unit luminosity
    density = inside * line / (0.5 * np.diff(edges**2, axis=1))[..., None]
    tables["nodes"][young] += gas["nodes"] + np.einsum("bml,fnl->bmfn", gas["line_lum"], density)


class TemplateProjector:
    """Templates as an instrument sees them at a redshift, before any velocity and dust.

    Parameters
    ----------
    templates
        Templates at the library's resolution, from `model_templates`.
    simulator
        Forward model that supplies line spread function and bands.
    """

    def __init__(self, templates: Templates, simulator: Simulator) -> None:
        basis = simulator.basis
        self.templates = templates
        self._log_wave = np.log(basis.velocity_grid.wave_aa)
        self._broadening = VelocityBroadening(
            basis.velocity_grid, simulator.instrument, basis.fwhm_aa
        )
        self._band_nodes = simulator.band_nodes
        self.node_wave_aa = self._band_nodes.wave_aa.double().numpy()
        # mirrored, the spectra are periodic without a jump
        spectra = templates.spectra
        mirrored = np.concatenate([spectra, spectra[..., ::-1]], axis=-1)
        self._omega = 2.0 * np.pi * np.fft.rfftfreq(mirrored.shape[-1])
        self._transform = np.fft.rfft(mirrored)

    def spectra(self, redshift: torch.Tensor, log_lam: np.ndarray) -> np.ndarray:
        """Broaden the templates from the library's resolution to that of the instrument.

        Gaussians of four widths are interpolated cubically in the variance, as in the model.

        Parameters
        ----------
        redshift
            Redshift of the observation, shape (1,).
        log_lam
            Natural logarithm of the rest-frame wavelengths wanted, in Å, shape (n_lam,).

        Returns
        -------
        ndarray
            Spectra in L☉/Å, shape (n_bins, n_met, n_lam).
        """
        variance = self._broadening.lsf_variance(redshift)[0].double().numpy()
        n_pix = len(variance)
        nodes = np.linspace(0.0, max(float(variance.max()), 1e-6), 4)
        convolved = np.zeros_like(self.templates.spectra)
        for k, node in enumerate(nodes):
            others = np.delete(nodes, k)
            weight = np.prod((variance[:, None] - others) / (node - others), axis=1)
            smooth = np.fft.irfft(self._transform * np.exp(-0.5 * node * self._omega**2))
            convolved += weight * smooth[..., :n_pix]
        return make_interp_spline(self._log_wave, convolved, axis=-1)(log_lam)

    def bands(self, redshift: torch.Tensor) -> np.ndarray:
        """Contribution of every sub-band to its band; their sum is the band's mean.

        Parameters
        ----------
        redshift
            Redshift of the observation, shape (1,).

        Returns
        -------
        ndarray
            Contributions in L☉/Å, shape (n_bins, n_met, n_band, n_node).
        """
        return self.templates.nodes * self._band_nodes.weights(redshift)[0].double().numpy()
