"""Stellar velocities and dispersions measured elsewhere, imposed on posteriors.

The flow knows v and σ jointly with the history, so conditioning on them is a matter of weights:
draws near the measured values are kept, others dropped (importance resampling). `fixed` conditions
the posterior on the values, with a Gaussian kernel as narrow as an effective sample size of
`MIN_ESS` allows, and sets v and σ of the draws that it keeps to the values themselves; `prior`
multiplies the posterior by Gaussians of the measured errors. Where the posterior has few draws near
the values, more are drawn; nothing loops over spectra.

The history is left as it was drawn: spectra confine it to a thin, curved sheet, from which a
regression on the offsets of v and σ would push it.

Values measured from the same spectra are no new information. `fixed` takes over the answer of
another code; `prior` counts the data twice, so that v and σ come out too sure by up to √2, and with
them, slightly, what depends on them. Use `prior` with measurements of other data.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace
from typing import Any, Protocol

import torch
from torch import Tensor

from amortized_sfh.inference.sampler import FlowSampler
from amortized_sfh.quantities.flags import MIN_ESS
from priors.bijections import Bijection
from priors.portable import Portable
from priors.space import ParameterSpace

_NARROWEST, _NARROW, _WIDE = 0.01, 0.3, 1.0
"""Widths of the kernel of `fixed` in posterior standard deviations: the least, one that is enough,
and the largest."""
_FIRST_POOL, _GROWTH, _N_POOLS = 2000, 4, 3
"""Draws of each posterior at first, factor by which more are drawn next time, and times at most."""
_DRAWS_AT_ONCE = 64_000
_BISECTIONS = 16


class Pool(Protocol):
    """Posteriors that can be drawn from as often as needed."""

    def draw(self, index: Tensor, n_draws: int) -> tuple[Tensor, Tensor, Tensor]:
        """Draw from the posteriors of some observations.

        Parameters
        ----------
        index : Tensor
            Indices of n of the observations, int64, shape (n,).
        n_draws : int
            Number of draws from the posterior of each.

        Returns
        -------
        values : Tensor
            Draws that are to be weighted and resampled, shape (n, n_draws, n_param).
        velocity, sigma : Tensor
            Velocity and dispersion of each draw in km/s, shape (n, n_draws) each.
        """

    def coordinates(self, velocity: Tensor, sigma: Tensor) -> Tensor:
        """Transform velocities and dispersions in km/s so that posteriors are about Gaussian.

        The result has the shape (..., 2); it is not finite where no posterior can go.
        """

    def with_kinematics(self, values: Tensor, velocity: Tensor, sigma: Tensor) -> Tensor:
        """Return draws (n, n_draws, n_param) with velocity and dispersion, (n,), replaced."""


@dataclass(frozen=True, kw_only=True)
class ImposedKinematics(Portable):
    """Measured stellar kinematics that the posteriors of n_obs observations must keep to.

    Parameters
    ----------
    mode : {"fixed", "prior"}
        "fixed" conditions on the values, "prior" multiplies by Gaussians of their errors.
    velocity_kms : Tensor
        Velocity in the rest frame of each observation, shape (n_obs,); NaN where it is not known.
    sigma_kms : Tensor
        Velocity dispersion of each observation, shape (n_obs,); NaN where it is not known.
    velocity_error_kms, sigma_error_kms : Tensor, optional
        Standard errors of both, shape (n_obs,); needed by ``prior``, ignored by ``fixed``.

    Raises
    ------
    ValueError
        If the mode is unknown, shapes differ, or ``prior`` has no errors.
    """

    mode: str
    velocity_kms: Tensor
    sigma_kms: Tensor
    velocity_error_kms: Tensor | None = None
    sigma_error_kms: Tensor | None = None

    def __post_init__(self) -> None:
        if self.mode not in ("fixed", "prior"):
            raise ValueError(f"kinematics are {self.mode!r}; expected 'fixed' or 'prior'")
        if self.mode == "prior" and len(self._errors()) < 2:
            raise ValueError("kinematics as a prior have no errors; give those of both v and sigma")
        shapes = {name: tuple(value.shape) for name, value in self._tensors().items()}
        if self.velocity_kms.ndim != 1 or len(set(shapes.values())) > 1:
            raise ValueError(f"kinematics have the shapes {shapes}; expected (n_obs,) for all")

    def __len__(self) -> int:
        """Number of observations."""
        return len(self.velocity_kms)

    def __getitem__(self, key: slice | Tensor) -> ImposedKinematics:
        """The kinematics of some observations."""
        return replace(self, **{name: value[key] for name, value in self._tensors().items()})

    @property
    def known(self) -> Tensor:
        """True where there is all that is to be imposed, bool, shape (n_obs,)."""
        known = torch.isfinite(self.velocity_kms) & (self.sigma_kms > 0)
        if self.mode == "prior":
            for error in self._errors():
                known &= torch.isfinite(error) & (error > 0)
        return known

    def _tensors(self) -> dict[str, Any]:
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        return {name: value for name, value in values.items() if isinstance(value, Tensor)}

    def offsets(self, velocity: Tensor, sigma: Tensor, pool: Pool) -> Tensor:
        """Offsets of draws from the measured values, in units of errors or posterior widths.

        Parameters
        ----------
        velocity, sigma : Tensor
            Velocity and dispersion of the draws in km/s, shape (n_obs, n_draws) each.
        pool : Pool
            Posteriors, which supply the coordinates in which ``fixed`` measures offsets.

        Returns
        -------
        Tensor
            Offsets of velocity and dispersion, shape (n_obs, n_draws, 2), float64; NaN where the
            values are not known or out of reach.
        """
        goals = (self.velocity_kms.double()[:, None], self.sigma_kms.double()[:, None])
        draws = (velocity.double(), sigma.double())
        if self.mode == "prior":
            scales = [error.double()[:, None] for error in self._errors()]
            pairs = zip(draws, goals, scales, strict=True)
            both = torch.stack([(x - goal) / scale for x, goal, scale in pairs], dim=-1)
        else:
            x, goal = pool.coordinates(*draws), pool.coordinates(*goals)
            both = (x - goal) / x.std(1, keepdim=True)
        usable = self.known & torch.isfinite(both).all(dim=2).all(dim=1)
        return torch.where(usable[:, None, None], both, torch.nan)

    def _errors(self) -> list[Tensor]:
        return [e for e in (self.velocity_error_kms, self.sigma_error_kms) if e is not None]


def impose(
    kinematics: ImposedKinematics, pool: Pool, n_draws: int, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Draw from posteriors on which kinematics are imposed.

    Parameters
    ----------
    kinematics : ImposedKinematics
        Measured values of n_obs observations.
    pool : Pool
        Posteriors of the same observations.
    n_draws : int
        Number of draws to return per observation; they repeat where the posterior has few near the
        values.
    generator : torch.Generator
        Source of randomness of the resampling.

    Returns
    -------
    values : Tensor
        Draws as the pool gives them, shape (n_obs, n_draws, n_param).
    ess : Tensor
        Effective sample size, shape (n_obs,), float32; NaN where the kinematics are not known, or
        outside the bounds of the parameters, and the draws are those of the posterior itself. Below
        `MIN_ESS` do not trust them: the measured values are far from the posterior.

    Raises
    ------
    ValueError
        If there are no observations.
    """
    n_obs = len(kinematics)
    if n_obs == 0:
        raise ValueError("there are no observations to impose kinematics on; expected at least one")
    values = torch.empty(0)
    ess = torch.full((n_obs,), torch.nan, device=kinematics.velocity_kms.device)
    todo = torch.arange(n_obs, device=ess.device)
    size = max(_FIRST_POOL, n_draws)
    for _ in range(_N_POOLS):
        if len(todo) == 0:
            break
        unfinished = []
        for index in todo.split(max(1, _DRAWS_AT_ONCE // size)):
            drawn, velocity, sigma = pool.draw(index, size)
            part = kinematics[index]
            offsets = part.offsets(velocity, sigma, pool)
            known = torch.isfinite(offsets[:, 0, 0])
            offsets = torch.where(known[:, None, None], offsets, 0.0)
            log_weight, good = _log_weights(part, offsets.square().sum(-1))
            found = torch.where(known, _ess(log_weight), torch.nan).float()
            picked = _resample(log_weight, n_draws, generator)
            chosen = drawn.gather(1, picked[..., None].expand(-1, -1, drawn.shape[-1]))
            if part.mode == "fixed":
                exact = pool.with_kinematics(chosen, part.velocity_kms, part.sigma_kms)
                chosen = torch.where((found >= MIN_ESS)[:, None, None], exact, chosen)
            if len(values) == 0:
                values = chosen.new_empty(n_obs, *chosen.shape[1:])
            values[index] = chosen
            ess[index] = found
            unfinished.append(index[~good & known])
        todo, size = torch.cat(unfinished), size * _GROWTH
    return values, ess


def _log_weights(kinematics: ImposedKinematics, distance_sq: Tensor) -> tuple[Tensor, Tensor]:
    """Log weights (n, n_pool); and, (n,), true where they are so good that no more are drawn."""
    if kinematics.mode == "prior":
        log_weight = -0.5 * distance_sq
        return log_weight, _ess(log_weight) >= MIN_ESS
    low = torch.full_like(distance_sq[:, 0], math.log(_NARROWEST))
    high = torch.full_like(low, math.log(_WIDE))
    # the effective sample size grows with the width: close in on the narrowest that is enough
    for _ in range(_BISECTIONS):
        middle = 0.5 * (low + high)
        enough = _ess(_kernel(distance_sq, middle)) >= MIN_ESS
        low, high = torch.where(enough, low, middle), torch.where(enough, middle, high)
    log_weight = _kernel(distance_sq, high)
    return log_weight, (high <= math.log(_NARROW)) & (_ess(log_weight) >= MIN_ESS)


def _kernel(distance_sq: Tensor, log_width: Tensor) -> Tensor:
    return -0.5 * distance_sq * torch.exp(-2.0 * log_width)[:, None]


def _ess(log_weight: Tensor) -> Tensor:
    """Kish's effective sample size of log weights (n, n_pool), shape (n,)."""
    return torch.exp(2.0 * log_weight.logsumexp(1) - (2.0 * log_weight).logsumexp(1))


def _resample(log_weight: Tensor, n_draws: int, generator: torch.Generator) -> Tensor:
    """Systematic resampling: indices into the pool, shape (n, n_draws)."""
    cumulative = torch.softmax(log_weight, dim=1).cumsum(1)
    start = torch.rand(
        len(log_weight), 1, generator=generator, device=generator.device, dtype=torch.float64
    )
    steps = torch.arange(n_draws, device=generator.device, dtype=torch.float64)
    position = (start + steps) / n_draws * cumulative[:, -1:]
    index = torch.searchsorted(cumulative, position.contiguous())
    return index.clamp(max=log_weight.shape[1] - 1)


@dataclass(frozen=True)
class FlowPool:
    """Posteriors of n_obs observations, as :func:`impose` asks for them.

    Parameters
    ----------
    space : ParameterSpace
        Parameters of the model, which tell the columns of velocity and dispersion.
    sampler : FlowSampler
        Sampler of the flow of the model.
    latent : Tensor
        Latent vectors of the observations, shape (n_obs, n_latent).
    generator : torch.Generator
        Source of randomness, on the device of the model.
    """

    space: ParameterSpace
    sampler: FlowSampler
    latent: Tensor
    generator: torch.Generator

    @property
    def _bijections(self) -> dict[int, Bijection]:
        """Bijections of velocity and log dispersion by their columns of u."""
        columns = (self.space.index("velocity"), self.space.index("log_sigma"))
        return {j: self.space.parameters[j].bijection for j in columns}

    def draw(self, index: Tensor, n_draws: int) -> tuple[Tensor, Tensor, Tensor]:
        """Draw u, with velocity and dispersion in km/s.

        Parameters
        ----------
        index : Tensor
            Indices of n of the observations, int64, shape (n,).
        n_draws : int
            Number of draws from the posterior of each.

        Returns
        -------
        u : Tensor
            Draws, shape (n, n_draws, n_param).
        velocity, sigma : Tensor
            Velocity and dispersion of each draw in km/s, shape (n, n_draws) each.
        """
        u = self.sampler.sample(self.latent[index], n_draws, self.generator)
        velocity, log_sigma = (
            bijection.inverse(u[..., j : j + 1].double())[..., 0]
            for j, bijection in self._bijections.items()
        )
        return u, velocity, 10.0**log_sigma

    def coordinates(self, velocity: Tensor, sigma: Tensor) -> Tensor:
        """Return the columns of u that belong to velocities and dispersions in km/s.

        Parameters
        ----------
        velocity, sigma : Tensor
            Velocities and dispersions in km/s, both of any one shape (...).

        Returns
        -------
        Tensor
            Both columns of u, shape (..., 2); not finite beyond the bounds of the parameters.
        """
        pairs = zip(self._bijections.values(), (velocity, torch.log10(sigma)), strict=True)
        return torch.cat([bijection.forward(x[..., None]) for bijection, x in pairs], dim=-1)

    def with_kinematics(self, values: Tensor, velocity: Tensor, sigma: Tensor) -> Tensor:
        """Return draws of u with other velocities and dispersions.

        Parameters
        ----------
        values : Tensor
            Draws of u for n observations, shape (n, n_draws, n_param).
        velocity, sigma : Tensor
            Velocity and dispersion in km/s for all draws of an observation, shape (n,) each.

        Returns
        -------
        Tensor
            The same draws with two columns replaced, of the shape of ``values``.
        """
        place = self.coordinates(velocity.double(), sigma.double()).to(values)
        moved = values.clone()
        moved[..., list(self._bijections)] = place[:, None].expand(-1, values.shape[1], -1)
        return moved
