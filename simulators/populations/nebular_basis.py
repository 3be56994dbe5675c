"""Nebular light averaged over the age bins that have ionising stars, on a model's wavelengths."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy.interpolate import PchipInterpolator
from torch import Tensor

from priors.ages import AgeBins
from simulators.instruments.instrument import Instrument
from simulators.populations.age_bin_average import age_bin_weights
from simulators.populations.band_nodes import BandNodes
from simulators.populations.nebular_grid import NebularGrid
from simulators.populations.ssp_grid import MH_TOLERANCE
from simulators.wavelengths.velocity_grid import VelocityGrid

_TINY = 1e-30


@dataclass(frozen=True)
class NebularBasis:
    """Nebular light of constant SFR inside each of the youngest age bins.

    Parameters
    ----------
    mh
        [M/H] nodes, ascending, shape (n_met,).
    log_u
        Nodes of log10 of the ionisation parameter, ascending, shape (n_u,).
    continuum
        Nebular continuum per formed mass on the spectrum's log grid, L☉/Å/M☉, shape
        (n_young, n_met, n_u, velocity_grid.n_pix).
    nodes
        The same averaged over the sub-bands of every band (`BandNodes`), shape
        (n_young, n_met, n_u, n_band, n_node).
    line_wave_aa
        Wavelengths of the lines in air, Å, shape (n_line,).
    line_lum
        Luminosity of the lines per formed mass, L☉/M☉, shape (n_young, n_met, n_u, n_line).
    name, sha256
        Name of the nebular grid, and SHA-256 of the files that it was read from.
    """

    mh: Tensor
    log_u: Tensor
    continuum: Tensor
    nodes: Tensor
    line_wave_aa: Tensor
    line_lum: Tensor
    name: str
    sha256: str

    @property
    def n_young(self) -> int:
        """Number of the youngest age bins, those that have nebular light."""
        return self.continuum.shape[0]

    def interpolated(self, mh: Tensor, log_u: Tensor) -> dict[str, Tensor]:
        """Interpolate the light to other nodes, by monotone cubics in log luminosity.

        Parameters
        ----------
        mh, log_u
            New nodes, shapes (n_mh,) and (n_log_u,), at most `MH_TOLERANCE` outside those of the
            basis.

        Returns
        -------
        dict of str to Tensor
            `continuum`, `nodes`, `line_lum` with second and third axis at the new nodes.

        Raises
        ------
        ValueError
            If a node lies outside the grid.
        """
        out = {}
        for name in ("continuum", "nodes", "line_lum"):
            values = np.log(getattr(self, name).double().numpy() + _TINY)
            for axis, own, wanted in ((1, self.mh, mh), (2, self.log_u, log_u)):
                own_nodes, at = own.double().numpy(), wanted.double().numpy()
                low, high = own_nodes[0] - MH_TOLERANCE, own_nodes[-1] + MH_TOLERANCE
                if at.min() < low or at.max() > high:
                    raise ValueError(
                        f"nebular grid {self.name!r} covers {own_nodes[0]:.2f} to "
                        f"{own_nodes[-1]:.2f} on its axis {('[M/H]', 'log U')[axis - 1]}, asked "
                        f"for {at.min():.2f} to {at.max():.2f}: narrow the prior"
                    )
                at = at.clip(own_nodes[0], own_nodes[-1])
                values = PchipInterpolator(own_nodes, values, axis=axis)(at)
            out[name] = torch.from_numpy(np.exp(values)).float()
        return out


def build_nebular_basis(grid: NebularGrid, bins: AgeBins, instrument: Instrument) -> NebularBasis:
    """Average nebular light over age bins and project it on an instrument.

    Parameters
    ----------
    grid
        Nebular light at the ages and metallicities of a library.
    bins
        Age bins; those that start beyond the grid's last age have no nebular light.
    instrument
        Instrument whose wavelengths and bands the light is projected on.

    Returns
    -------
    NebularBasis
        Float32 tensors; lines outside every band and the spectrum are left out.
    """
    edges = np.asarray(bins.edges_gyr)
    n_young = int((edges[:-1] < grid.age_gyr[-1]).sum())
    weights = age_bin_weights(grid.age_gyr, edges[: n_young + 1], grid.age_gyr[-1])
    continuum = np.einsum("ba,umaw->bmuw", weights, grid.continuum.astype(np.float64))
    lines = np.einsum("ba,umal->bmul", weights, grid.line_lum.astype(np.float64))
    velocity_grid, nodes = VelocityGrid.covering(instrument.grid), BandNodes(instrument)
    used = _reach(grid.line_wave_aa, velocity_grid, nodes)
    near = PchipInterpolator(grid.wave_aa, continuum, axis=-1)(velocity_grid.wave_aa)
    return NebularBasis(
        mh=torch.from_numpy(grid.mh.astype(np.float32)),
        log_u=torch.from_numpy(grid.log_u.astype(np.float32)),
        continuum=torch.from_numpy(near).float(),
        nodes=torch.from_numpy(nodes.project(grid.wave_aa, continuum)).float(),
        line_wave_aa=torch.from_numpy(grid.line_wave_aa[used].astype(np.float32)),
        line_lum=torch.from_numpy(lines[..., used]).float(),
        name=grid.name,
        sha256=grid.sha256,
    )


def _reach(wave_aa: np.ndarray, velocity_grid: VelocityGrid, nodes: BandNodes) -> np.ndarray:
    """Lines that fall into the spectrum or a band."""
    ranges = [(velocity_grid.start_aa, velocity_grid.stop_aa)]
    ranges += [(float(edges[0]), float(edges[-1])) for edges in nodes.edges_aa]
    return np.any([(wave_aa >= low) & (wave_aa <= high) for low, high in ranges], axis=0)
