"""Nebular light of a history: continuum and emission lines of the gas around its young stars.

The gas takes the ionising photons that do not escape, in the youngest bins, at the metallicity of
the stars. The table over (bin, [M/H], log U) is kept as a few principal spectra, which is exact to
a part in ten thousand, and the lines one by one, so that a band sees each at its own wavelength.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from priors.portable import Portable
from simulators.constants import FWHM_PER_SIGMA
from simulators.populations.ssp_basis import SSPBasis

_LOG_U_STEP = 0.125
_RANK = 16


class NebularAmounts(NamedTuple):
    """Nebular light before dust, in few numbers.

    Attributes
    ----------
    scores
        Amounts of the principal spectra, shape (n, n_component).
    lines
        Luminosity of every line, shape (n, n_line).
    """

    scores: Tensor
    lines: Tensor


class NebularLight(Portable):
    """Interpolates the nebular light of a basis in metallicity and ionisation parameter.

    The attributes `continuum`, shape (n_component, n_pix), and `nodes`, shape
    (n_component, n_band * n_node), hold the principal spectra on the log grid and in the sub-bands.

    Parameters
    ----------
    basis
        Populations with their nebular light.
    mh_nodes
        [M/H] nodes at which the simulator's populations lie, shape (n_met,).
    log_u_range
        Lowest and highest log U of the prior.
    scale
        Luminosity per Å and formed mass, in L☉/Å/M☉, that counts as 1 in all results.

    Raises
    ------
    ValueError
        If the basis has no nebular light.
    """

    def __init__(
        self, basis: SSPBasis, mh_nodes: Tensor, log_u_range: tuple[float, float], scale: float
    ) -> None:
        nebular = basis.nebular
        if nebular is None:
            raise ValueError(
                f"the prior has gas parameters, but the basis of {basis.library!r} has no nebular "
                "light: build it with a NebularGrid, or take nuisances without gas"
            )
        low, high = log_u_range
        self._n_u = round((high - low) / _LOG_U_STEP) + 1
        self._low, self._step = low, (high - low) / (self._n_u - 1)
        tables = nebular.interpolated(mh_nodes, torch.linspace(low, high, self._n_u))
        self.n_young = nebular.n_young
        n_pix = tables["continuum"].shape[-1]
        both = torch.cat([tables["continuum"], tables["nodes"].flatten(3)], dim=-1) / scale
        rows = both.flatten(0, 2).double()
        left, size, right = torch.linalg.svd(rows, full_matrices=False)
        rank = min(_RANK, len(size))
        scores = (left[:, :rank] * size[:rank]).float()
        lines = tables["line_lum"].flatten(0, 2) / scale
        # one row per (bin, [M/H], log U): principal components, then lines
        self._table = torch.cat([scores, lines], dim=1)
        self._rank, self._n_met = rank, len(mh_nodes)
        self.continuum = right[:rank, :n_pix].float().contiguous()
        self.nodes = right[:rank, n_pix:].float().contiguous()
        self.line_wave_aa = nebular.line_wave_aa
        self._profiles = line_profiles(basis)

    def amounts(
        self, mass: Tensor, met_low: Tensor, met_share: Tensor, log_u: Tensor
    ) -> NebularAmounts:
        """Amounts of the principal spectra and of the lines in the light of histories.

        Parameters
        ----------
        mass
            Formed mass of the young bins whose ionising photons the gas takes, shape (n, n_young).
        met_low, met_share
            Index of the [M/H] node below each young bin, int64, and the weight of the node above
            it, each of shape (n, n_young).
        log_u
            log10 of the ionisation parameter, shape (n,).

        Returns
        -------
        NebularAmounts
            Scores and line luminosities in units of `scale`.
        """
        position = (log_u - self._low) / self._step
        u_low = position.detach().long().clamp(0, self._n_u - 2)
        u_share = (position - u_low)[:, None]
        young = torch.arange(self.n_young, device=mass.device)
        total = mass.new_zeros(len(mass), self._table.shape[1])
        for met in (0, 1):
            met_weight = mass * (met_share if met else 1.0 - met_share)
            for u in (0, 1):
                weight = met_weight * (u_share if u else 1.0 - u_share)
                row = (young * self._n_met + met_low + met) * self._n_u + u_low[:, None] + u
                total = total + (self._table[row] * weight[..., None]).sum(1)
        return NebularAmounts(total[:, : self._rank], total[:, self._rank :])

    def line_spectrum(self, lines: Tensor) -> Tensor:
        """Lines at the library's resolution on the log grid, (n, n_line) to (n, n_pix)."""
        return lines @ self._profiles


def line_profiles(basis: SSPBasis) -> Tensor:
    """Gaussians of unit integral as wide as the library's resolution.

    Parameters
    ----------
    basis
        Populations with nebular light, which set lines, wavelengths and resolution.

    Returns
    -------
    Tensor
        Profiles in 1/Å on the log grid, shape (n_line, n_pix).
    """
    if basis.nebular is None:
        raise ValueError(f"the basis of {basis.library!r} has no nebular light and so no lines")
    line_wave_aa = basis.nebular.line_wave_aa
    wave = torch.from_numpy(basis.velocity_grid.wave_aa)
    sigma = basis.fwhm_aa.double() / FWHM_PER_SIGMA
    z = (wave - line_wave_aa.double()[:, None]) / sigma
    return (torch.exp(-0.5 * z**2) / (sigma * (2.0 * torch.pi) ** 0.5)).float()
