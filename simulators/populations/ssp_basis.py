"""The part of an SSP library that a model needs: age-bin averages on the model's wavelengths."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy.interpolate import PchipInterpolator
from torch import Tensor

from priors.ages import AgeBins
from simulators.instruments.filters import FilterCurve, read_filter
from simulators.instruments.instrument import Instrument
from simulators.populations.age_bin_average import age_bin_weights
from simulators.populations.band_nodes import BandNodes, at_wavelengths
from simulators.populations.nebular_basis import NebularBasis, build_nebular_basis
from simulators.populations.nebular_grid import NebularGrid
from simulators.populations.ssp_grid import MH_TOLERANCE, SSPGrid
from simulators.wavelengths.velocity_grid import VelocityGrid

MH_STEP = 0.1


@dataclass(frozen=True)
class SSPBasis:
    """Populations of constant SFR inside each age bin, at the metallicities of the library.

    Parameters
    ----------
    mh
        [M/H] of the library's metallicities, ascending, shape (n_met,).
    spectra
        Luminosity per formed mass on `velocity_grid`, L☉/Å/M☉, shape
        (n_bins, n_met, velocity_grid.n_pix).
    nodes
        The same averaged over the sub-bands of every band (`BandNodes`), shape
        (n_bins, n_met, n_band, n_node).
    lum_v
        Photon-counting mean of the luminosity in the V band, L☉/Å/M☉, shape (n_bins, n_met).
    mass_alive
        Surviving fraction of the formed mass, shape (n_bins, n_met).
    fwhm_aa
        Resolution of `spectra`, FWHM in Å, shape (velocity_grid.n_pix,).
    velocity_grid
        Wavelengths of `spectra`, uniform in their logarithm.
    library, sha256, mass_kind
        Name of the library, SHA-256 of its files, and the mass that `mass_alive` counts: "stars"
        or "stars+remnants".
    nebular
        Light of the gas around the young populations; None if there is none.
    """

    mh: Tensor
    spectra: Tensor
    nodes: Tensor
    lum_v: Tensor
    mass_alive: Tensor
    fwhm_aa: Tensor
    velocity_grid: VelocityGrid
    library: str
    sha256: str
    mass_kind: str
    nebular: NebularBasis | None = None

    def interpolated(self, mh_nodes: Tensor) -> dict[str, Tensor]:
        """Interpolate to other metallicities, by a monotone cubic in log luminosity.

        Parameters
        ----------
        mh_nodes
            [M/H], shape (n_node,), inside the range of the library; up to `MH_TOLERANCE` beyond
            it they take the last metallicity.

        Returns
        -------
        dict of str to Tensor
            `spectra`, `nodes`, `lum_v`, `mass_alive` with the second axis at `mh_nodes`.
        """
        low, high = float(self.mh[0]), float(self.mh[-1])
        if mh_nodes.min() < low - MH_TOLERANCE or mh_nodes.max() > high + MH_TOLERANCE:
            raise ValueError(
                f"[M/H] from {float(mh_nodes.min()):.2f} to {float(mh_nodes.max()):.2f} asked of "
                f"library {self.library!r}, which covers {low:.2f} to {high:.2f}: narrow the prior "
                "or splice in a library that covers it"
            )
        at = mh_nodes.double().clamp(low, high).numpy()
        out = {}
        for name in ("spectra", "nodes", "lum_v", "mass_alive"):
            values = getattr(self, name).double().numpy()
            if np.isnan(values).any():  # a library that does not give surviving masses
                out[name] = torch.full((len(values), len(at)), torch.nan)
                continue
            curve = PchipInterpolator(self.mh.double().numpy(), np.log(values), axis=1)
            out[name] = torch.from_numpy(np.exp(curve(at))).float()
        return out


def build_basis(
    grid: SSPGrid, bins: AgeBins, instrument: Instrument, nebular: NebularGrid | None = None
) -> SSPBasis:
    """Average a library over age bins and project it on an instrument.

    Parameters
    ----------
    grid
        The SSP library, whose ages must cover the bins.
    bins
        Age bins over which the populations are averaged at constant SFR.
    instrument
        Instrument whose wavelengths and bands the populations are projected on.
    nebular
        Light of the gas around young stars; none by default.

    Returns
    -------
    SSPBasis
        Float32 tensors, a few MB.

    Raises
    ------
    ValueError
        If the library is younger or older than the bins ask for.
    """
    weights = age_weights(grid.age_gyr, np.asarray(bins.edges_gyr))
    lum = np.maximum(grid.lum, 1e-30).astype(np.float64)
    averaged = np.einsum("ba,maw->bmw", weights, lum)
    alive = np.einsum("ba,ma->bm", weights, grid.mass_alive)
    velocity_grid = VelocityGrid.covering(instrument.grid)
    nodes = BandNodes(instrument)
    curve_v = read_filter("V")
    _check_covered(grid.wave_aa, velocity_grid.wave_aa, "the model")
    _check_covered(grid.wave_aa, curve_v.wave_aa, "the V band, in which light is weighed,")
    for band, edges in zip(instrument.bands, nodes.edges_aa.numpy(), strict=True):
        _check_covered(grid.wave_aa, edges, f"band {band}")
    wave = velocity_grid.wave_aa
    near = (grid.wave_aa > wave[0] - 50.0) & (grid.wave_aa < wave[-1] + 50.0)
    spectra = PchipInterpolator(grid.wave_aa[near], averaged[..., near], axis=-1)(wave)
    fwhm = np.interp(wave, grid.wave_aa, grid.lsf_fwhm_aa)
    return SSPBasis(
        mh=torch.from_numpy(grid.mh).float(),
        spectra=torch.from_numpy(spectra).float(),
        nodes=torch.from_numpy(nodes.project(grid.wave_aa, averaged)).float(),
        lum_v=torch.from_numpy(_photon_mean(grid.wave_aa, averaged, curve_v)).float(),
        mass_alive=torch.from_numpy(alive).float(),
        fwhm_aa=torch.from_numpy(fwhm).float(),
        velocity_grid=velocity_grid,
        library=grid.name,
        sha256=grid.sha256,
        mass_kind=grid.mass_kind,
        nebular=None if nebular is None else build_nebular_basis(nebular, bins, instrument),
    )


def age_weights(age_gyr: np.ndarray, edges_gyr: np.ndarray) -> np.ndarray:
    """Weights that average a library over age bins at constant SFR.

    The luminosity is taken linear in age between the ages of the library, and constant before its
    first positive age, so the average is the exact integral of that curve.

    Parameters
    ----------
    age_gyr
        Ages of the library in Gyr, ascending, shape (n_age,).
    edges_gyr
        Edges of the bins in Gyr, ascending, shape (n_bins + 1,).

    Returns
    -------
    np.ndarray
        Weights, shape (n_bins, n_age); each row sums to 1.

    Raises
    ------
    ValueError
        If the bins reach beyond the library.
    """
    tolerance = 1e-6
    if edges_gyr[-1] > age_gyr[-1] * (1 + tolerance) or edges_gyr[1] < age_gyr[0]:
        raise ValueError(
            f"age bins from {edges_gyr[0]:g} to {edges_gyr[-1]:g} Gyr, but the library covers "
            f"{age_gyr[0]:g} to {age_gyr[-1]:g} Gyr: change the bins or splice in another library"
        )
    if edges_gyr[0] < age_gyr[0] - tolerance and age_gyr[0] > 0.5 * edges_gyr[1]:
        raise ValueError(
            f"the first age bin ({edges_gyr[0]:g} to {edges_gyr[1]:g} Gyr) is younger than the "
            f"library, which starts at {age_gyr[0]:g} Gyr: splice in a young library"
        )
    return age_bin_weights(age_gyr, edges_gyr)


def _check_covered(wave_aa: np.ndarray, needed_aa: np.ndarray, what: str) -> None:
    """Refuse a library that lacks wavelengths."""
    if wave_aa[0] > needed_aa[0] or wave_aa[-1] < needed_aa[-1]:
        raise ValueError(
            f"library covers {wave_aa[0]:.0f}-{wave_aa[-1]:.0f} Å, {what} needs "
            f"{needed_aa[0]:.0f}-{needed_aa[-1]:.0f} Å: choose another library, fewer bands or a "
            "narrower grid"
        )


def _photon_mean(wave_aa: np.ndarray, lum: np.ndarray, curve: FilterCurve) -> np.ndarray:
    """Photon-counting band mean of spectra (..., n_wave)."""
    fine = np.arange(curve.wave_aa[0], curve.wave_aa[-1], 1.0)
    weight = np.interp(fine, curve.wave_aa, curve.throughput) * fine
    return at_wavelengths(fine, wave_aa, lum) @ weight / weight.sum()
