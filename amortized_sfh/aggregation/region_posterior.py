"""What is known of a region after its spectra were combined."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from amortized_sfh.aggregation.population import Population
from amortized_sfh.aggregation.totals import Totals
from amortized_sfh.inference.samples import history_scalars, statistics
from amortized_sfh.quantities.surface_densities import history_densities
from priors.ages import AgeBins


@dataclass(frozen=True)
class RegionPosterior:
    """Draws from the joint posterior of a region.

    Parameters
    ----------
    totals
        The region as a whole, and mean and scatter of its members, in n_draw draws.
    population
        Mean, covariance and members in prior coordinates along `axes`.
    axes
        Axes that the spectra inform, as columns in prior coordinates, shape (n_param, k).
    information
        Mean share of the prior variance that one spectrum removes along each axis, shape (k,).
    shared
        Shift along the axes by one standard deviation of each error that does not average down,
        shape (k, n_error).
    n_spaxels
        Spectra (spaxels or bins) that were combined.
    ess
        Median effective number of a spectrum's own draws if they were re-weighted to the population
        instead of moved; where it is small the answer rests on the Gaussian likelihoods.
    bins
        Age bins.
    notes
        What should be known before the numbers are used.
    """

    totals: Totals
    population: Population
    axes: Tensor
    information: Tensor
    shared: Tensor
    n_spaxels: int
    ess: float
    bins: AgeBins
    notes: tuple[str, ...] = field(default=())

    @property
    def n_draws(self) -> int:
        """Draws."""
        return len(self.totals.log_mass)

    @property
    def mean(self) -> dict[str, Tensor]:
        """Mean over the members, each counted once, by product name, each (n_draw,)."""
        return self.totals.mean

    @property
    def scatter(self) -> dict[str, Tensor]:
        """Standard deviation over the members by product name, each (n_draw,)."""
        return self.totals.scatter

    def scalars(self) -> dict[str, Tensor]:
        """Scalars of the region as a whole by product name, each (n_draw,).

        Ages and metallicities are those of all its stars together, mass- or light-weighted; `AV`,
        `V` and `SIGMA` are light-weighted means of the members.
        """
        history = history_scalars(self.totals.derived, self.totals.log_mass)
        return {**history, **self.totals.nuisance}

    def per_bin(self) -> dict[str, Tensor]:
        """Summed history by product name, each (n_draw, n_bins); `MH` is mass-weighted."""
        mass = 10.0 ** self.totals.log_mass[:, None] * self.totals.derived.mass_fraction
        return {
            "MASSFRAC": self.totals.derived.mass_fraction,
            "SFR": mass / self.bins.widths_yr.to(mass),
            "MH": self.totals.mh,
        }

    def densities(self, area_kpc2: float) -> dict[str, Tensor]:
        """Surface densities by product name, each (n_draw,).

        Parameters
        ----------
        area_kpc2
            Area of all members in the plane of the galaxy.

        Returns
        -------
        dict of str to Tensor
            `SIGMA_SFR10`, `SIGMA_SFR100`, `SIGMA_STAR`.

        Raises
        ------
        ValueError
            If the area is not positive.
        """
        if not area_kpc2 > 0:
            raise ValueError(f"area_kpc2 is {area_kpc2}; expected a positive area")
        area = torch.tensor(float(area_kpc2))
        return history_densities(self.totals.derived, self.totals.log_mass, area)

    def summary(self) -> dict[str, np.ndarray]:
        """Mean, standard deviation and percentiles of the region as a whole.

        Returns
        -------
        dict of str to ndarray
            Scalars (5,), quantities per bin (n_bins, 5); the order is
            `amortized_sfh.inference.samples.STATISTICS`.
        """
        products = {**self.scalars(), **self.per_bin()}
        return {name: statistics(v[None])[0].numpy() for name, v in products.items()}
