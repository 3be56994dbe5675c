"""The posterior of a region, after its spectra were combined."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from torch import Tensor

from amortized_sfh.aggregation.population import Population
from amortized_sfh.aggregation.totals import RegionTotals
from amortized_sfh.quantities.quantity import QuantityInputs
from amortized_sfh.quantities.registry import FROM_HISTORY, PER_BIN, evaluate
from amortized_sfh.quantities.statistics import summarise_draws
from amortized_sfh.quantities.surface_densities import surface_densities
from priors.ages import AgeBins


@dataclass(frozen=True, repr=False)
class RegionPosterior:
    """Draws from the joint posterior of a region.

    Parameters
    ----------
    totals
        The region as a whole, and mean and scatter of its members, in n_draws draws.
    population
        Mean, covariance and members in prior coordinates along `axes`.
    axes
        Axes that the spectra inform, as columns in prior coordinates, shape (n_param, k).
    information
        Mean share of the prior variance that one spectrum removes along each axis, shape (k,).
    shared_shifts
        Shift along the axes by one standard deviation of each error that does not average down,
        shape (k, n_error).
    n_spectra
        Number of spectra (of spaxels or bins) that were combined.
    ess
        Median effective number of a spectrum's own draws if they were re-weighted to the population
        instead of moved; where it is small the answer rests on the Gaussian likelihoods.
    bins
        Age bins of the histories.
    notes
        Warnings that should be read before the numbers are used.
    """

    totals: RegionTotals
    population: Population
    axes: Tensor
    information: Tensor
    shared_shifts: Tensor
    n_spectra: int
    ess: float
    bins: AgeBins
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return (
            f"RegionPosterior({self.n_spectra} spectra combined, {self.n_draws} draws, "
            f"{self.bins.n_bins} age bins, {self.axes.shape[1]} informed axes, "
            f"ESS {self.ess:.1f}, {len(self.notes)} notes)"
        )

    @property
    def n_draws(self) -> int:
        """Number of draws from the posterior of the region."""
        return len(self.totals.log_mass)

    @property
    def mean(self) -> dict[str, Tensor]:
        """Mean over the members, each counted once, by product name, each (n_draws,)."""
        return self.totals.mean

    @property
    def scatter(self) -> dict[str, Tensor]:
        """Standard deviation over the members by product name, each (n_draws,)."""
        return self.totals.scatter

    @property
    def _inputs(self) -> QuantityInputs:
        """The summed history and its mass, that the products follow from."""
        return QuantityInputs(
            derived=self.totals.derived,
            log_mass=self.totals.log_mass,
            parameters={"mh": self.totals.mh},
            bins=self.bins,
        )

    def scalars(self) -> dict[str, Tensor]:
        """Scalars of the region as a whole by product name, each (n_draws,).

        Ages and metallicities are those of all its stars together, mass- or light-weighted; `AV`,
        `V` and `SIGMA` are light-weighted means of the members.
        """
        return {**evaluate(FROM_HISTORY, self._inputs), **self.totals.nuisance}

    def per_bin(self) -> dict[str, Tensor]:
        """Summed history by product name, each (n_draws, n_bins); `MH` is mass-weighted."""
        return evaluate(PER_BIN, self._inputs)

    def densities(self, area_kpc2: float) -> dict[str, Tensor]:
        """Surface densities by product name, each (n_draws,).

        Parameters
        ----------
        area_kpc2
            Area of all members together in the plane of the galaxy, in kpc².

        Returns
        -------
        dict of str to Tensor
            Draws of `SIGMA_SFR10`, `SIGMA_SFR100` and `SIGMA_STAR`, each (n_draws,).

        Raises
        ------
        ValueError
            If the area is not positive.
        """
        return surface_densities(self.totals.derived, self.totals.log_mass, area_kpc2)

    def summary(self) -> dict[str, np.ndarray]:
        """Mean, standard deviation and percentiles of the region as a whole.

        Returns
        -------
        dict of str to ndarray
            Scalars (5,), quantities per bin (n_bins, 5); the order is
            `amortized_sfh.quantities.statistics.STATISTICS`.
        """
        products = {**self.scalars(), **self.per_bin()}
        return {name: summarise_draws(v[None])[0].numpy() for name, v in products.items()}
