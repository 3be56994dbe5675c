"""From the members of a region to the region: sums of masses and light, draw by draw."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from amortized_sfh.quantities.derived import Composite, Derived, derive, derive_composite
from amortized_sfh.quantities.mass import ABSOLUTE_CALIBRATION, MassScale
from simulators.forward.simulator import Simulator
from simulators.wavelengths.doppler import add_velocities


class Members(NamedTuple):
    """Histories of the members of a region in one or several draws.

    Attributes
    ----------
    theta
        Parameters, shape (n_draw, n_obs, n_param).
    log_mass
        log10 of the formed mass in M☉, shape (n_draw, n_obs).
    """

    theta: Tensor
    log_mass: Tensor


class Totals(NamedTuple):
    """A region as a whole, and its members' mean and scatter, in n_draw draws.

    Attributes
    ----------
    derived
        Quantities of the summed history.
    log_mass
        log10 of the formed mass of all members, shape (n_draw,).
    mh
        Mass-weighted [M/H] of each bin, shape (n_draw, n_bins).
    nuisance
        Light-weighted means of the members' A_V, velocity and dispersion by product name, shape
        (n_draw,); their differences in velocity are no dispersion.
    mean, scatter
        Mean and standard deviation over the members, each counted once, of derived scalars and
        of A_V and kinematics by product name, shape (n_draw,).
    """

    derived: Derived
    log_mass: Tensor
    mh: Tensor
    nuisance: dict[str, Tensor]
    mean: dict[str, Tensor]
    scatter: dict[str, Tensor]

    def cpu(self) -> Totals:
        """The same on the CPU."""
        held = ({k: v.cpu() for k, v in d.items()} for d in self[3:])
        return Totals(
            Derived(*(v.cpu() for v in self.derived)), self.log_mass.cpu(), self.mh.cpu(), *held
        )

    @staticmethod
    def cat(parts: list[Totals]) -> Totals:
        """Join draws."""

        def join(name: str) -> dict[str, Tensor]:
            return {
                k: torch.cat([getattr(p, name)[k] for p in parts]) for k in getattr(parts[0], name)
            }

        columns = zip(*(p.derived for p in parts), strict=True)
        return Totals(
            Derived(*(torch.cat(c) for c in columns)),
            torch.cat([p.log_mass for p in parts]),
            torch.cat([p.mh for p in parts]),
            *(join(name) for name in ("nuisance", "mean", "scatter")),
        )


def weigh(
    simulator: Simulator, scale: MassScale, theta: Tensor, generator: torch.Generator
) -> Members:
    """Give members their masses.

    Parameters
    ----------
    simulator
        Supplies the level of the light.
    scale
        Of the n_obs spectra.
    theta
        Shape (n_draw, n_obs, n_param).
    generator
        Source of the errors: noise of each spectrum, and the absolute calibration once per draw.

    Returns
    -------
    Members
        With masses.
    """
    log_mass = scale.log_mass(simulator, theta.transpose(0, 1)).T

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, device=theta.device)

    error = scale.relative_noise * normal(*log_mass.shape)
    error = error + ABSOLUTE_CALIBRATION * normal(len(theta), 1)
    return Members(theta, log_mass + error / math.log(10.0))


def total(simulator: Simulator, members: Members, frame_kms: Tensor | None = None) -> Totals:
    """Add up a region.

    Parameters
    ----------
    simulator
        Supplies light and surviving mass.
    members
        All members in n_draw draws.
    frame_kms
        Velocity of the rest frame of each member, shape (n_obs,); one frame where None.

    Returns
    -------
    Totals
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
    each = _scalars(simulator, theta)
    share = light.sum(2) / light.sum((1, 2))[:, None]
    values = {name: value.unflatten(0, shape) for name, value in each.items()}
    if frame_kms is not None:
        values["V"] = add_velocities(frame_kms.to(mass), values["V"])
    return Totals(
        derive_composite(summed, simulator.bins),
        log_mean[:, 0],
        by_mass,
        {name: (share * values[name]).sum(1) for name in ("AV", "V", "SIGMA")},
        {name: value.mean(1) for name, value in values.items()},
        {name: value.std(1, correction=0) for name, value in values.items()},
    )


def _scalars(simulator: Simulator, theta: Tensor) -> dict[str, Tensor]:
    """Scalars of single members by product name, shape (n,)."""
    derived = derive(simulator, theta)
    space = simulator.space
    values = {
        name: getattr(derived, name.lower()) for name in ("MH_MW", "MH_LW", "T50", "T90", "ML_V")
    }
    values["LOGAGE_MW"], values["LOGAGE_LW"] = derived.log_age_mw, derived.log_age_lw
    values["AV"] = theta[:, space.index("av")]
    values["V"] = theta[:, space.index("velocity")]
    values["SIGMA"] = 10.0 ** theta[:, space.index("log_sigma")]
    return values
