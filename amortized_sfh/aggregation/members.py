"""The members of a region under its population: every spectrum's draws, moved and added up."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from amortized_sfh.aggregation.population import Population
from amortized_sfh.aggregation.prior_coordinates import PriorCoordinates
from amortized_sfh.aggregation.totals import Totals, total, weigh
from amortized_sfh.model.model import PosteriorModel
from amortized_sfh.quantities.mass import luminosity_distance_mpc, mass_scale
from simulators.observations.observation import Observation

_HISTORIES_PER_CHUNK = 40_000


class Inferred(NamedTuple):
    """What is known of the members of a region.

    Attributes
    ----------
    x
        Draws of their own posteriors in prior coordinates, shape (n_obs, n_draw, n_param).
    axes
        Axes that the spectra inform, as columns, shape (n_param, k).
    population
        Their population, and their coordinates along the axes under it.
    frame_kms
        Velocities of their rest frames, shape (n_obs,); None if they have one.
    """

    x: Tensor
    axes: Tensor
    population: Population
    frame_kms: Tensor | None


def region_totals(
    model: PosteriorModel,
    coordinates: PriorCoordinates,
    inferred: Inferred,
    observation: Observation,
    distance_mpc: float | None,
    seed: int,
) -> Totals:
    """Move every spectrum's draws to the population, and add them up.

    Parameters
    ----------
    model
        Trained model.
    coordinates
        Prior coordinates.
    inferred
        The members.
    observation
        Their data, masked.
    distance_mpc
        Luminosity distance; from the redshift where it is not given.
    seed
        Source of randomness.

    Returns
    -------
    Totals
        As many draws as the population has, on the CPU; masses are NaN without a distance.
    """
    x, axes, population, frame_kms = inferred
    simulator = model.generative.simulator
    redshift = observation.redshift.cpu().double().numpy()
    known = bool(np.isfinite(luminosity_distance_mpc(redshift, distance_mpc)).all())
    # without a distance members still weigh relative to each other
    scale = mass_scale(simulator, observation.to(x.device), distance_mpc if known else 1.0)
    generator = torch.Generator(x.device).manual_seed(seed)
    size = max(1, _HISTORIES_PER_CHUNK // len(x))
    parts = []
    for first in range(0, len(population.mean), size):
        along = population.members[first : first + size]
        moved = _move(x, axes, along, coordinates.prior_draws, generator)
        theta = coordinates.to_theta(moved)
        members = weigh(simulator, scale, theta, generator)
        parts.append(total(simulator, members, frame_kms))
    totals = Totals.cat(parts).cpu()
    return (
        totals if known else totals._replace(log_mass=torch.full_like(totals.log_mass, torch.nan))
    )


def _move(
    x: Tensor, axes: Tensor, members: Tensor, prior: Tensor, generator: torch.Generator
) -> Tensor:
    """Draws of all members: along the axes as inferred, elsewhere their own posteriors'.

    Shape (n_draw, n_obs, n_param). With the share rho of the variance common to all members, a draw
    is sqrt(rho) times one prior draw plus sqrt(1 - rho) times the member's own.
    """
    n_draw, n_obs = members.shape[:2]

    def choose(n: int, *shape: int) -> Tensor:
        return torch.randint(n, shape, generator=generator, device=x.device)

    own = x[torch.arange(n_obs, device=x.device), choose(x.shape[1], n_draw, n_obs)]
    common = prior[choose(len(prior), n_draw, 1)]
    rho = torch.rand(n_draw, 1, 1, generator=generator, device=x.device, dtype=x.dtype)
    mixed = rho.sqrt() * common + (1.0 - rho).sqrt() * own
    return mixed + (members - mixed @ axes) @ axes.T
