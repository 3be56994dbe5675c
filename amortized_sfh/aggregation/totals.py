"""Totals of a region: its members' draws moved to their population, masses and light added up."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from amortized_sfh.aggregation.population import Population
from amortized_sfh.aggregation.prior_coordinates import PriorCoordinates
from amortized_sfh.model.model import PosteriorModel
from amortized_sfh.quantities.derived import Composite, Derived, derive, derive_composite
from amortized_sfh.quantities.mass import (
    ABSOLUTE_CALIBRATION,
    MassScale,
    luminosity_distance_mpc,
    mass_scale,
)
from amortized_sfh.quantities.quantity import QuantityInputs, named_parameters
from amortized_sfh.quantities.registry import DUST_AND_KINEMATICS, INTENSIVE, evaluate
from simulators.forward.simulator import Simulator
from simulators.observations.observation import Observation

_HISTORIES_PER_CHUNK = 40_000


class MemberHistories(NamedTuple):
    """Histories of the members of a region in one or several draws.

    Attributes
    ----------
    theta
        Parameters of each member, shape (n_draws, n_obs, n_param).
    log_mass
        log10 of the formed mass in M☉, shape (n_draws, n_obs).
    """

    theta: Tensor
    log_mass: Tensor


class RegionTotals(NamedTuple):
    """A region as a whole, and its members' mean and scatter, in n_draws draws.

    Attributes
    ----------
    derived
        Quantities of the summed history, shape (n_draws, ...).
    log_mass
        log10 of the formed mass of all members, shape (n_draws,).
    mh
        Mass-weighted [M/H] of each bin, shape (n_draws, n_bins).
    nuisance
        Light-weighted means of the members' A_V, velocity and dispersion by product name, shape
        (n_draws,); their differences in velocity are no dispersion.
    mean, scatter
        Mean and standard deviation over the members, each counted once, of derived scalars and
        of A_V and kinematics by product name, shape (n_draws,).
    """

    derived: Derived
    log_mass: Tensor
    mh: Tensor
    nuisance: dict[str, Tensor]
    mean: dict[str, Tensor]
    scatter: dict[str, Tensor]

    @staticmethod
    def cat(parts: Sequence[RegionTotals]) -> RegionTotals:
        """Join the draws of parts that follow each other, on the CPU."""
        joined: RegionTotals = _cat(parts)
        return joined


def _cat(parts: Sequence[Any]) -> Any:
    """Tensors joined along their first dimension, on the CPU, and what holds such tensors."""
    first = parts[0]
    if isinstance(first, Tensor):
        return torch.cat(list(parts)).cpu()
    if isinstance(first, dict):
        return {name: _cat([part[name] for part in parts]) for name in first}
    return type(first)(*map(_cat, zip(*parts, strict=True)))


def _with_masses(
    simulator: Simulator, scale: MassScale, theta: Tensor, generator: torch.Generator
) -> MemberHistories:
    """Give members their masses.

    Parameters
    ----------
    simulator
        Simulator of the model, which supplies the level of the light.
    scale
        Observed level of the n_obs spectra in luminosity.
    theta
        Histories of the members, shape (n_draws, n_obs, n_param).
    generator
        Source of the errors: noise of each spectrum, and the absolute calibration once per draw.

    Returns
    -------
    MemberHistories
        The same histories with the masses that the observed levels demand.
    """
    log_mass = scale.log_mass(simulator, theta.transpose(0, 1)).T
    own = torch.randn(log_mass.shape, generator=generator, device=theta.device)
    common = torch.randn(len(theta), 1, generator=generator, device=theta.device)
    error = scale.relative_noise * own + ABSOLUTE_CALIBRATION * common
    return MemberHistories(theta, log_mass + error / math.log(10.0))


def add_up_members(
    simulator: Simulator, members: MemberHistories, frame_kms: Tensor | None = None
) -> RegionTotals:
    """Add up masses and light of the members of a region.

    Parameters
    ----------
    simulator
        Simulator of the model, which supplies light and surviving mass.
    members
        Histories and masses of all members in n_draws draws.
    frame_kms
        Velocity of the rest frame of each member, shape (n_obs,); one frame where None.

    Returns
    -------
    RegionTotals
        Masses and light are summed; ages and metallicities are those of the sum.
    """
    theta = members.theta.flatten(0, 1)
    shape = members.log_mass.shape
    stars = simulator.populations(theta)
    # masses relative to the mean of the draw, so that single precision is enough
    log_mean = torch.logsumexp(members.log_mass * math.log(10.0), 1, keepdim=True) / math.log(10.0)
    weight = 10.0 ** (members.log_mass - log_mean)
    mass = weight[..., None] * stars.mass_fraction.unflatten(0, shape)
    light = mass * stars.lum_v.unflatten(0, shape)
    alive = mass * stars.mass_alive.unflatten(0, shape)
    mh = theta[:, simulator.space.mh].unflatten(0, shape)
    by_mass, by_light = (((w * mh).sum(1) / w.sum(1).clamp_min(1e-30)) for w in (mass, light))
    summed = Composite(mass.sum(1), light.sum(1), alive.sum(1), by_mass, by_light)
    share = light.sum(2) / light.sum((1, 2))[:, None]
    derived = Derived(*(value.unflatten(0, shape) for value in derive(simulator, theta)))
    parameters = named_parameters(members.theta, simulator.space, frame_kms)
    inputs = QuantityInputs(derived=derived, log_mass=members.log_mass, parameters=parameters)
    values = evaluate(INTENSIVE, inputs)
    return RegionTotals(
        derive_composite(summed, simulator.bins),
        log_mean[:, 0],
        by_mass,
        {name: (share * values[name]).sum(1) for name in DUST_AND_KINEMATICS},
        {name: value.mean(1) for name, value in values.items()},
        {name: value.std(1, correction=0) for name, value in values.items()},
    )


class MemberPosteriors(NamedTuple):
    """Posteriors of the members of a region: their own, and under their population.

    Attributes
    ----------
    z
        Draws of their own posteriors in prior coordinates, shape (n_obs, n_draws, n_param).
    axes
        Axes that the spectra inform, as columns, shape (n_param, k).
    population
        Their population, and their coordinates along the axes under it.
    frame_kms
        Velocities of their rest frames, shape (n_obs,); None if they have one.
    """

    z: Tensor
    axes: Tensor
    population: Population
    frame_kms: Tensor | None


def region_totals(
    model: PosteriorModel,
    coordinates: PriorCoordinates,
    posteriors: MemberPosteriors,
    observation: Observation,
    distance_mpc: float | None,
    seed: int,
) -> RegionTotals:
    """Move every spectrum's draws to the population, and add them up.

    Parameters
    ----------
    model
        Trained model that made the posteriors.
    coordinates
        Coordinates in which the prior of the model is a standard normal.
    posteriors
        Posteriors of the n_obs members.
    observation
        Data of the members, masked.
    distance_mpc
        Luminosity distance; from the redshift where it is not given.
    seed
        Source of randomness; the same seed gives the same draws.

    Returns
    -------
    RegionTotals
        As many draws as the population has, on the CPU; masses are NaN without a distance.
    """
    z, axes, population, frame_kms = posteriors
    simulator = model.generative.simulator
    redshift = observation.redshift.cpu().double().numpy()
    known = bool(np.isfinite(luminosity_distance_mpc(redshift, distance_mpc)).all())
    # without a distance members still weigh relative to each other
    scale = mass_scale(simulator, observation.to(z.device), distance_mpc if known else 1.0)
    generator = torch.Generator(z.device).manual_seed(seed)
    size = max(1, _HISTORIES_PER_CHUNK // len(z))
    parts = []
    for first in range(0, len(population.mean), size):
        along = population.members[first : first + size]
        moved = _move(z, axes, along, coordinates.prior_draws, generator)
        theta = coordinates.to_theta(moved)
        members = _with_masses(simulator, scale, theta, generator)
        parts.append(add_up_members(simulator, members, frame_kms))
    totals = RegionTotals.cat(parts)
    if known:
        return totals
    return totals._replace(log_mass=torch.full_like(totals.log_mass, torch.nan))


def _move(
    z: Tensor, axes: Tensor, members: Tensor, prior: Tensor, generator: torch.Generator
) -> Tensor:
    """Draw all members: along the axes as inferred, elsewhere from their own posteriors.

    Shape (n_draws, n_obs, n_param). With the share rho of the variance common to all members, a
    draw is sqrt(rho) times one prior draw plus sqrt(1 - rho) times the member's own.
    """
    n_draws, n_obs = members.shape[:2]

    def choose(n: int, *shape: int) -> Tensor:
        return torch.randint(n, shape, generator=generator, device=z.device)

    own = z[torch.arange(n_obs, device=z.device), choose(z.shape[1], n_draws, n_obs)]
    common = prior[choose(len(prior), n_draws, 1)]
    rho = torch.rand(n_draws, 1, 1, generator=generator, device=z.device, dtype=z.dtype)
    mixed = rho.sqrt() * common + (1.0 - rho).sqrt() * own
    return mixed + (members - mixed @ axes) @ axes.T
