"""Posterior draws and their summaries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from amortized_sfh.quantities.derived import Derived
from priors.ages import AgeBins
from priors.space import ParameterSpace
from simulators.wavelengths.doppler import add_velocities

if TYPE_CHECKING:
    import arviz

STATISTICS = ("mean", "std", "p16", "p50", "p84")
_QUANTILES = (0.16, 0.50, 0.84)


def check_draws(n_draws: int) -> None:
    """Refuse numbers of draws that have no spread.

    Parameters
    ----------
    n_draws
        Draws per observation.

    Raises
    ------
    ValueError
        If there are fewer than two.
    """
    if n_draws < 2:
        raise ValueError(f"{n_draws} draws were asked for; expected at least 2")


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
        Age bins.
    frame_kms
        Velocity of the rest frame of each observation relative to the redshift of the galaxy in
        km/s, shape (n_obs,); None for 0. The product V is relative to the galaxy; theta is not.
    ess
        Effective number of draws behind each observation after importance resampling, shape
        (n_obs,); None without.
    band_pull
        Residual of every band against the posterior predictive in standard deviations, see
        :func:`~amortized_sfh.inference.band_pulls.band_pulls`, shape (n_obs, n_band); None where
        it was not computed.
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

    def scalars(self) -> dict[str, Tensor]:
        """Scalars by product name, each (n_obs, n_draws); units as in `cubes.maps.UNITS`."""

        def parameter(name: str) -> Tensor:
            return self.theta[..., self.space.index(name)]

        velocity = parameter("velocity")
        if self.frame_kms is not None:
            velocity = add_velocities(self.frame_kms[:, None].to(velocity), velocity)
        return {
            **history_scalars(self.derived, self.log_mass),
            "AV": parameter("av"),
            "V": velocity,
            "SIGMA": 10.0 ** parameter("log_sigma"),
        }

    def per_bin(self) -> dict[str, Tensor]:
        """Quantities per age bin by product name, each (n_obs, n_draws, n_bins)."""
        mass = 10.0 ** self.log_mass[..., None] * self.derived.mass_fraction
        return {
            "MASSFRAC": self.derived.mass_fraction,
            "SFR": mass / self.bins.widths_yr.to(mass),
            "MH": self.theta[..., self.space.mh],
        }

    def __getitem__(self, key: slice | Tensor) -> PosteriorSamples:
        """The draws of some observations."""
        part: dict[str, Any] = {name: getattr(self, name)[key] for name in self._per_observation()}
        return replace(self, derived=Derived(*(value[key] for value in self.derived)), **part)

    def _per_observation(self) -> list[str]:
        """Fields that are tensors with one entry or more per observation."""
        return [f.name for f in fields(self) if isinstance(getattr(self, f.name), Tensor)]

    def summary(self, further: Mapping[str, Tensor] | None = None) -> dict[str, np.ndarray]:
        """Mean, standard deviation and 16th, 50th and 84th percentile of every product.

        Parameters
        ----------
        further
            Draws of more scalars, each (n_obs, n_draws), to be summarised with them.

        Returns
        -------
        dict of str to ndarray
            Scalars (n_obs, 5), quantities per bin (n_obs, n_bins, 5); the order is `STATISTICS`.
            NaN for observations without data.
        """
        results = {}
        for name, values in {**self.scalars(), **(further or {}), **self.per_bin()}.items():
            results[name] = statistics(values).numpy()
            results[name][~self.has_data.numpy()] = np.nan
        return results

    def to_arviz(self) -> arviz.InferenceData:
        """The draws as ArviZ data, one chain, with dimensions `spaxel` and `age_bin`.

        Returns
        -------
        arviz.InferenceData
            Group `posterior` with every parameter block and product.
        """
        from amortized_sfh.inference.arviz_data import to_inference_data  # noqa: PLC0415

        return to_inference_data(self)


def history_scalars(derived: Derived, log_mass: Tensor) -> dict[str, Tensor]:
    """Scalars that follow from a history and its mass, by product name.

    Parameters
    ----------
    derived
        Derived quantities.
    log_mass
        log10 of the formed mass, the shape of the derived scalars.

    Returns
    -------
    dict of str to Tensor
        Each of that shape.
    """
    log_alive = torch.log10(derived.alive)
    return {
        "LOGAGE_MW": derived.log_age_mw,
        "LOGAGE_LW": derived.log_age_lw,
        "MH_MW": derived.mh_mw,
        "MH_LW": derived.mh_lw,
        "T50": derived.t50,
        "T90": derived.t90,
        "LOGMASS": log_mass + log_alive,
        "LOGMASS_FORMED": log_mass,
        "ML_V": derived.ml_v,
        # per mass of living stars, as observed rates are quoted
        "LOG_SSFR10": derived.log_ssfr_10 - log_alive,
        "LOG_SSFR100": derived.log_ssfr_100 - log_alive,
    }


def statistics(values: Tensor) -> Tensor:
    """Summarise draws.

    Parameters
    ----------
    values
        Draws along dimension 1, shape (n, n_draws, ...).

    Returns
    -------
    Tensor
        `STATISTICS` stacked last, shape (n, ..., 5).
    """
    ordered = values.sort(dim=1).values
    last = values.shape[1] - 1
    quantiles = []
    for q in _QUANTILES:
        low = int(q * last)
        share = q * last - low
        high = min(low + 1, last)
        quantiles.append(ordered[:, low] * (1.0 - share) + ordered[:, high] * share)
    return torch.stack([values.mean(1), values.std(1), *quantiles], dim=-1)
