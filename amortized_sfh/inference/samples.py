"""Posterior draws of a batch of observations, their products and summaries."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from amortized_sfh.quantities.derived import Derived
from amortized_sfh.quantities.quantity import QuantityInputs, named_parameters
from amortized_sfh.quantities.registry import PER_BIN, PRODUCT_PARAMETERS, SCALARS, evaluate
from amortized_sfh.quantities.statistics import summarise_draws
from amortized_sfh.quantities.surface_densities import surface_densities
from priors.ages import AgeBins
from priors.space import ParameterSpace

if TYPE_CHECKING:
    import arviz


@dataclass(frozen=True)
class PosteriorSamples:
    """Draws from the posterior of every observation.

    Parameters
    ----------
    theta
        Parameters, shape (n_obs, n_draws, n_param).
    derived
        Derived quantities, each (n_obs, n_draws) or (n_obs, n_draws, n_bins).
    log_mass
        log10 of the formed stellar mass in M☉, shape (n_obs, n_draws); NaN without a distance.
    chi2
        Reduced chi-square of the data about the mean of the posterior predictive, systematic errors
        and amplitude marginalised, shape (n_obs,); NaN without data.
    out_of_range
        True where S/N or redshift lie outside what the model was trained on, shape (n_obs,).
    has_data
        False where nothing was observed: such draws are draws from the prior. Shape (n_obs,).
    space
        Names, units and order of theta.
    bins
        Age bins of the histories.
    frame_kms
        Velocity of the rest frame of each observation relative to the redshift of the galaxy in
        km/s, shape (n_obs,); None for 0. The product V is relative to the galaxy; theta is not.
    ess
        Effective number of draws behind each observation after importance resampling, shape
        (n_obs,); None without.
    band_pull
        Residual of every band against the posterior predictive in standard deviations, see
        :func:`~amortized_sfh.inference.predictive_checks.band_pulls`, shape (n_obs, n_band); None
        where it was not computed.
    """

    theta: Tensor
    derived: Derived
    log_mass: Tensor
    chi2: Tensor
    out_of_range: Tensor
    has_data: Tensor
    space: ParameterSpace
    bins: AgeBins
    frame_kms: Tensor | None = None
    ess: Tensor | None = None
    band_pull: Tensor | None = None

    def __len__(self) -> int:
        """Number of observations."""
        return len(self.theta)

    def __repr__(self) -> str:
        frame = "the redshift" if self.frame_kms is None else "their own velocities"
        return (
            f"PosteriorSamples({len(self)} observations x {self.n_draws} draws, "
            f"{len(SCALARS)} scalars and {len(PER_BIN)} quantities in {self.bins.n_bins} age bins, "
            f"{int(self.has_data.sum())} with data, in the frame of {frame})"
        )

    @property
    def n_draws(self) -> int:
        """Draws per observation."""
        return self.theta.shape[1]

    @staticmethod
    def cat(parts: list[PosteriorSamples]) -> PosteriorSamples:
        """Join batches of observations."""
        names = parts[0]._per_observation()
        joined: dict[str, Any] = {n: torch.cat([getattr(p, n) for p in parts]) for n in names}
        derived = Derived(
            *(torch.cat(column) for column in zip(*(p.derived for p in parts), strict=True))
        )
        return replace(parts[0], derived=derived, **joined)

    @property
    def _inputs(self) -> QuantityInputs:
        """Histories and parameters that the products follow from."""
        frame = None if self.frame_kms is None else self.frame_kms[:, None]
        parameters = named_parameters(self.theta, self.space, frame)
        return QuantityInputs(
            derived=self.derived, log_mass=self.log_mass, parameters=parameters, bins=self.bins
        )

    def scalars(self) -> dict[str, Tensor]:
        """Scalars by product name, each (n_obs, n_draws), in the units of the registry."""
        return evaluate(SCALARS, self._inputs)

    def per_bin(self) -> dict[str, Tensor]:
        """Quantities per age bin by product name, each (n_obs, n_draws, n_bins)."""
        return evaluate(PER_BIN, self._inputs)

    def __getitem__(self, key: slice | Tensor) -> PosteriorSamples:
        """The draws of some observations."""
        part: dict[str, Any] = {name: getattr(self, name)[key] for name in self._per_observation()}
        return replace(self, derived=Derived(*(value[key] for value in self.derived)), **part)

    def _per_observation(self) -> list[str]:
        """Fields that are tensors with one entry or more per observation."""
        return [f.name for f in fields(self) if isinstance(getattr(self, f.name), Tensor)]

    def summary(self, area_kpc2: np.ndarray | None = None) -> dict[str, np.ndarray]:
        """Compute mean, standard deviation and 16th, 50th and 84th percentile of every product.

        Parameters
        ----------
        area_kpc2
            Area of each observation in the plane of the galaxy, in kpc², shape (n_obs,); adds
            surface densities.

        Returns
        -------
        dict of str to ndarray
            Scalars (n_obs, 5), quantities per bin (n_obs, n_bins, 5); the order is `STATISTICS`.
            NaN for observations without data.
        """
        densities = {}
        if area_kpc2 is not None:
            densities = surface_densities(self.derived, self.log_mass, area_kpc2)
        results = {}
        for name, values in {**self.scalars(), **densities, **self.per_bin()}.items():
            results[name] = summarise_draws(values).numpy()
            results[name][~self.has_data.numpy()] = np.nan
        return results

    def to_arviz(self) -> arviz.InferenceData:
        """Return the draws as ArviZ data, one chain.

        Returns
        -------
        arviz.InferenceData
            Group `posterior`, dimensions (chain, draw, spaxel[, age_bin]): the steps of log SFR,
            every parameter that is no product (slope of the dust law, gas) and every product.
        """
        import arviz  # noqa: PLC0415 (slow to import)

        names = self.space.names[self.space.nuisance]
        others = [name for name in names if name not in PRODUCT_PARAMETERS]
        steps = self.theta[..., self.space.sfh]
        scalars = {name: self.theta[..., self.space.index(name)] for name in others}
        scalars |= self.scalars()
        per_bin = self.per_bin()
        blocks = {"dlogsfr": steps, **scalars, **per_bin}
        dims = {name: ["spaxel"] for name in scalars}
        dims |= {name: ["spaxel", "age_bin"] for name in per_bin}
        return arviz.from_dict(
            posterior={name: v.transpose(0, 1)[None].numpy() for name, v in blocks.items()},
            dims={"dlogsfr": ["spaxel", "age_step"], **dims},
            coords={
                "spaxel": np.arange(len(self)),
                "age_bin": np.arange(1, steps.shape[2] + 2),
                "age_step": np.arange(1, steps.shape[2] + 1),
            },
        )
