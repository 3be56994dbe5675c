"""The point network: the encoder with heads for best estimates, as in Galceran et al. (2026).

Trained on squared errors, its outputs estimate posterior means: 16 mass fractions, 16 metallicities
and the averages that astronomers quote. It has no uncertainties; compare it with the posterior.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from amortized_sfh.networks.encoder import ResidualBlock
from amortized_sfh.quantities.derived import Derived

AVERAGES = ("log_age_mw", "log_age_lw", "mh_mw", "mh_lw")
# typical spread under the prior: brings squared errors of all outputs to order one
_CENTRE = torch.tensor([9.5, 8.8, -0.3, -0.2])
_SPREAD = torch.tensor([0.4, 0.6, 0.4, 0.4])
_MH_SPREAD = 0.4
_FRACTION_SPREAD = 0.1


class PointEstimate(NamedTuple):
    """Best estimates of a history, without uncertainties.

    Attributes
    ----------
    mass_fraction
        Share of the formed mass per bin, shape (n, n_bins); sums to 1.
    mh
        [M/H] per bin, shape (n, n_bins).
    averages
        Mass- and light-weighted log10(age / yr) and [M/H] in the order of `AVERAGES`, shape (n, 4).
    """

    mass_fraction: Tensor
    mh: Tensor
    averages: Tensor


class PointHeads(nn.Module):
    """Small network from a latent vector to best estimates.

    Parameters
    ----------
    n_latent
        Width of the latent space.
    n_bins
        Number of age bins.
    """

    def __init__(self, n_latent: int, n_bins: int) -> None:
        super().__init__()
        self.n_bins = n_bins
        self.body = nn.Sequential(ResidualBlock(n_latent), nn.LayerNorm(n_latent))
        self.out = nn.Linear(n_latent, 2 * n_bins + len(AVERAGES))

    def forward(self, latent: Tensor) -> PointEstimate:
        """Estimate histories from latent vectors, shape (n, n_latent)."""
        sizes = [self.n_bins, self.n_bins, len(AVERAGES)]
        fraction, mh, averages = self.out(self.body(latent)).split(sizes, dim=1)
        return PointEstimate(
            mass_fraction=torch.softmax(fraction, dim=1),
            mh=_MH_SPREAD * mh - 0.3,
            averages=averages * _SPREAD.to(averages) + _CENTRE.to(averages),
        )


def point_targets(derived: Derived, mh: Tensor) -> PointEstimate:
    """Bring true histories into the form of the network's output.

    Parameters
    ----------
    derived
        Derived quantities of the n true histories.
    mh
        True [M/H] per bin, shape (n, n_bins).

    Returns
    -------
    PointEstimate
        Values that a perfect network would have given.
    """
    averages = torch.stack([getattr(derived, name) for name in AVERAGES], dim=1)
    return PointEstimate(derived.mass_fraction, mh, averages)


def point_loss(estimate: PointEstimate, target: PointEstimate) -> Tensor:
    """Squared errors in units of the prior's spread, averaged over each kind of output.

    Parameters
    ----------
    estimate, target
        Output of the network and truth of the same n spectra.

    Returns
    -------
    Tensor
        Loss of every spectrum, the sum over mass fractions, metallicities and, twice, averages;
        shape (n,).
    """
    fraction = ((estimate.mass_fraction - target.mass_fraction) / _FRACTION_SPREAD).square().mean(1)
    mh = ((estimate.mh - target.mh) / _MH_SPREAD).square().mean(1)
    spread = _SPREAD.to(estimate.averages)
    averages = ((estimate.averages - target.averages) / spread).square().mean(1)
    return fraction + mh + 2.0 * averages
