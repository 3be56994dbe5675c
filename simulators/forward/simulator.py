"""The forward model: from theta to noise-free spectra and bands, batched and differentiable.

One matrix product sums the age bins (each at its own metallicity), the gas around young stars adds
its light where the prior has gas parameters, the Calzetti law with a free slope attenuates, one
Fourier transform moves and broadens, and a cubic B-spline samples the pixels.
Luminosities are per formed solar mass; the amplitude is left to the data.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from priors.ages import AgeBins, mass_fractions
from priors.families.nuisance import ESCAPE_FRACTION, GAS_LOG_U
from priors.portable import Portable
from priors.space import ParameterSpace
from simulators.forward.broadening import VelocityBroadening
from simulators.forward.dust import CalzettiSlope
from simulators.instruments.instrument import Instrument
from simulators.populations.band_nodes import BandLines, BandNodes
from simulators.populations.nebular_light import NebularLight
from simulators.populations.ssp_basis import MH_STEP, SSPBasis

_N_WINDOW = 16


class ModelSpectra(NamedTuple):
    """Noise-free spectra and band fluxes of a model.

    Attributes
    ----------
    flux
        L☉/Å per formed M☉ on the rest-frame grid, shape (n, n_pix).
    phot
        Photon-counting band means in the same unit, shape (n, n_band).
    """

    flux: Tensor
    phot: Tensor

    def __getitem__(self, key: Tensor | slice) -> ModelSpectra:  # type: ignore[override]
        """Rows `key` of spectra and bands."""
        return ModelSpectra(self.flux[key], self.phot[key])


class Populations(NamedTuple):
    """Mass and light of the age bins before dust; all of shape (n, n_bins).

    Attributes
    ----------
    mass_fraction
        Share of the bin in the formed mass of the galaxy; the bins sum to 1.
    lum_v
        V-band luminosity per formed mass of the bin, L☉/Å/M☉.
    mass_alive
        Surviving share of the bin's formed mass; NaN where the library does not say.
    """

    mass_fraction: Tensor
    lum_v: Tensor
    mass_alive: Tensor


class Simulator(Portable):
    """Forward model of one library, parameter space and instrument.

    Parameters
    ----------
    basis
        Light of the populations of each age bin.
    space
        Order and bounds of the parameters theta.
    bins
        Age bins, those that the basis was built with.
    instrument
        Instrument that sets wavelengths, resolution and bands.
    """

    def __init__(
        self, basis: SSPBasis, space: ParameterSpace, bins: AgeBins, instrument: Instrument
    ) -> None:
        if basis.spectra.shape[0] != bins.n_bins:
            raise ValueError(
                f"the basis has {basis.spectra.shape[0]} age bins, expected {bins.n_bins}: "
                "build it with the same AgeBins"
            )
        self.basis, self.space, self.bins, self.instrument = basis, space, bins, instrument
        mh = [space.parameters[i] for i in range(space.n_param)[space.mh]]
        low, high = min(p.low for p in mh), max(p.high for p in mh)
        self._n_met = round((high - low) / MH_STEP) + 1
        mh_nodes = torch.linspace(low, high, self._n_met)
        tables = basis.interpolated(mh_nodes)
        self._mh_low, self._mh_step = low, (high - low) / (self._n_met - 1)
        self._scale = float(tables["spectra"].mean())
        self._spectra = tables["spectra"].flatten(0, 1) / self._scale
        self._nodes = tables["nodes"].flatten(0, 1).flatten(1) / self._scale
        self._lum_v, self._alive = tables["lum_v"], tables["mass_alive"]
        self.window_edges_aa, window_mean = self._windows()
        self._window = (tables["spectra"] @ window_mean).flatten(0, 1) / self._scale
        self.band_nodes = BandNodes(instrument)
        self._node_shape = tuple(basis.nodes.shape[2:])
        self._dust = CalzettiSlope(torch.from_numpy(basis.velocity_grid.wave_aa))
        self._dust_nodes = CalzettiSlope(self.band_nodes.wave_aa.flatten())
        self._broadening = VelocityBroadening(basis.velocity_grid, instrument, basis.fwhm_aa)
        self._index = {n: space.index(n) for n in ("av", "delta", "velocity", "log_sigma")}
        self.wave_aa = instrument.grid.centres_aa
        self._nebular: NebularLight | None = None
        if GAS_LOG_U in space.names:
            self._add_nebular(mh_nodes, window_mean)

    @property
    def device(self) -> torch.device:
        """Device on which the model computes."""
        return self._spectra.device

    def __call__(self, theta: Tensor, redshift: Tensor) -> ModelSpectra:
        """Noise-free light of histories.

        Parameters
        ----------
        theta
            Bounded parameters, shape (n, n_param).
        redshift
            Redshift of each galaxy, shape (n,).

        Returns
        -------
        ModelSpectra
            `flux` (n, n_pix) and `phot` (n, n_band), in L☉/Å per formed M☉.

        Raises
        ------
        ValueError
            If `theta` has another number of parameters.
        """
        if theta.ndim != 2 or theta.shape[1] != self.space.n_param:
            raise ValueError(
                f"theta has shape {tuple(theta.shape)}, expected (n, {self.space.n_param}): one "
                "column per parameter of the space"
            )
        weight = self._weights(theta)
        av, delta = theta[:, self._index["av"]], theta[:, self._index["delta"]]
        intrinsic, nodes = weight @ self._spectra, weight @ self._nodes
        nebular, gas = self._nebular, None
        if nebular is not None:
            gas = nebular.amounts(*self._ionising(theta, nebular.n_young))
            continuum, lines = gas.scores @ nebular.continuum, nebular.line_spectrum(gas.lines)
            intrinsic = intrinsic + continuum + lines
            nodes = nodes + gas.scores @ nebular.nodes
        intrinsic = intrinsic * self._dust.transmission(av, delta)
        sigma = torch.pow(10.0, theta[:, self._index["log_sigma"]])
        flux = self._broadening(intrinsic, theta[:, self._index["velocity"]], sigma, redshift)
        nodes = nodes * self._dust_nodes.transmission(av, delta)
        nodes = nodes.view(len(theta), *self._node_shape)
        phot = (nodes * self.band_nodes.weights(redshift)).sum(-1)
        if gas is not None:
            lines = gas.lines * self._dust_lines.transmission(av, delta)
            phot = phot + (lines[:, None] * self._band_lines.weights(redshift)).sum(-1)
        return ModelSpectra(flux * self._scale, phot * self._scale)

    def window_means(self, theta: Tensor) -> Tensor:
        """Mean attenuated light in 16 equal parts of the spectrum, no kinematics.

        Emission lines are left out. A cheap stand-in for `flux` where only the level of the
        spectrum matters.

        Parameters
        ----------
        theta
            Bounded parameters, shape (n, n_param).

        Returns
        -------
        Tensor
            L☉/Å per formed M☉, shape (n, 16).
        """
        av, delta = theta[:, self._index["av"]], theta[:, self._index["delta"]]
        light = self._weights(theta) @ self._window
        nebular = self._nebular
        if nebular is not None:
            gas = nebular.amounts(*self._ionising(theta, nebular.n_young))
            light = light + gas.scores @ self._window_gas
        return light * self._dust_window.transmission(av, delta) * self._scale

    def populations(self, theta: Tensor) -> Populations:
        """Mass, light and surviving mass of the age bins.

        Parameters
        ----------
        theta
            Bounded parameters, shape (n, n_param).

        Returns
        -------
        Populations
            Each field has the shape (n, n_bins).
        """
        low, share = self._met_position(theta[:, self.space.mh])
        bins = torch.arange(self.bins.n_bins, device=theta.device)

        def at(table: Tensor) -> Tensor:
            return table[bins, low] * (1.0 - share) + table[bins, low + 1] * share

        fraction = mass_fractions(theta[:, self.space.sfh], self.bins)
        return Populations(fraction, at(self._lum_v), at(self._alive))

    def _windows(self) -> tuple[Tensor, Tensor]:
        """Edges of equal parts of the spectrum, and the matrix that averages over each part."""
        grid = self.instrument.grid
        edges = torch.linspace(float(grid.edges_aa[0]), float(grid.edges_aa[-1]), _N_WINDOW + 1)
        self._dust_window = CalzettiSlope(0.5 * (edges[1:] + edges[:-1]))
        wave = torch.from_numpy(self.basis.velocity_grid.wave_aa).float()
        parts = torch.bucketize(wave, edges) - 1
        inside = torch.stack([parts == k for k in range(_N_WINDOW)], dim=1).float()
        return edges, inside / inside.sum(0)

    def _add_nebular(self, mh_nodes: Tensor, window_mean: Tensor) -> None:
        """Prepare the light of the gas: its tables, its dust and its lines in the bands."""
        log_u = self.space.parameters[self.space.index(GAS_LOG_U)]
        self._nebular = NebularLight(self.basis, mh_nodes, (log_u.low, log_u.high), self._scale)
        self._index |= {name: self.space.index(name) for name in (GAS_LOG_U, ESCAPE_FRACTION)}
        self._window_gas = self._nebular.continuum @ window_mean
        self._dust_lines = CalzettiSlope(self._nebular.line_wave_aa)
        self._band_lines = BandLines(self.instrument, self._nebular.line_wave_aa)

    def _ionising(self, theta: Tensor, n_young: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Young stars whose photons the gas takes, and its log U, as `NebularLight` asks."""
        young = slice(0, n_young)
        fraction = mass_fractions(theta[:, self.space.sfh], self.bins)[:, young]
        low, share = self._met_position(theta[:, self.space.mh][:, young])
        taken = 1.0 - theta[:, self._index[ESCAPE_FRACTION]]
        return fraction * taken[:, None], low, share, theta[:, self._index[GAS_LOG_U]]

    def _met_position(self, mh: Tensor) -> tuple[Tensor, Tensor]:
        """Lower metallicity node of every bin, and the share of the next one."""
        position = (mh - self._mh_low) / self._mh_step
        low = position.detach().long().clamp(0, self._n_met - 2)
        return low, position - low

    def _weights(self, theta: Tensor) -> Tensor:
        """Formed mass on every (bin, metallicity node), shape (n, n_bins * n_met)."""
        fraction = mass_fractions(theta[:, self.space.sfh], self.bins)
        low, share = self._met_position(theta[:, self.space.mh])
        weight = theta.new_zeros(len(theta), self.bins.n_bins, self._n_met)
        weight = weight.scatter(2, low[..., None], (fraction * (1.0 - share))[..., None])
        weight = weight.scatter(2, low[..., None] + 1, (fraction * share)[..., None])
        return weight.flatten(1)
