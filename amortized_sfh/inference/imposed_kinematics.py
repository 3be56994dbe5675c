"""Stellar velocities and dispersions measured elsewhere, imposed on posteriors.

The flow knows v and σ jointly with the history, so conditioning on them is a matter of weights:
draws near the measured values are kept, others dropped (importance resampling). `fixed` conditions
the posterior on the values, with a Gaussian kernel as narrow as an effective sample size of
:data:`MIN_ESS` allows, and sets v and σ of the draws that it keeps to the values themselves;
`prior` multiplies the posterior by Gaussians of the measured errors. Where the posterior has few
draws near the values, more are drawn; nothing loops over spectra.

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
from priors.bijections import Bijection
from priors.space import ParameterSpace

__all__ = ["MIN_ESS", "FlowPool", "ImposedKinematics", "Pool", "impose"]

MIN_ESS = 100.0
"""Smallest effective sample size that is trusted."""

_NARROW, _WIDE = 0.3, 1.0
"""Widths of the kernel of `fixed` in posterior standard deviations: enough, and the limit."""
_NARROWEST = 0.01
_FIRST_POOL, _GROWTH, _N_POOLS = 2000, 4, 3
_DRAWS_AT_ONCE = 64_000
_BISECTIONS = 16


class Pool(Protocol):
    """Posteriors that can be drawn from as often as needed."""

    def draw(self, rows: Tensor, n: int) -> tuple[Tensor, Tensor, Tensor]:
        """Draw n times from the posteriors of some observations.

        Parameters
        ----------
        rows : Tensor
            Which observations, int64, shape (n_rows,).
        n : int
            Draws of each.

        Returns
        -------
        values : Tensor
            What is resampled, shape (n_rows, n, n_param).
        velocity, sigma : Tensor
            Of the draws in km/s, shape (n_rows, n) each.
        """

    def coordinates(self, velocity: Tensor, sigma: Tensor) -> Tensor:
        """Return where velocities and dispersions in km/s lie, one posterior being about Gaussian.

        Shape (..., 2); not finite where the posterior cannot go.
        """

    def with_kinematics(self, values: Tensor, velocity: Tensor, sigma: Tensor) -> Tensor:
        """Return values (n_rows, n, n_param) with velocity and dispersion (n_rows,) replaced."""


@dataclass(frozen=True, kw_only=True)
class ImposedKinematics:
    """Measured stellar kinematics of n_obs observations.

    Parameters
    ----------
    mode : {"fixed", "prior"}
        Condition on the values, or multiply by Gaussians of their errors.
    velocity_kms : Tensor
        Velocity in the rest frame of each observation, shape (n_obs,); NaN where it is not known.
    sigma_kms : Tensor
        Velocity dispersion, shape (n_obs,); NaN where it is not known.
    velocity_error_kms, sigma_error_kms : Tensor, optional
        Standard errors, shape (n_obs,); needed by ``prior``, ignored by ``fixed``.

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

    def to(self, device: torch.device | str) -> ImposedKinematics:
        """The same on another device."""
        return replace(self, **{name: value.to(device) for name, value in self._tensors().items()})

    @property
    def known(self) -> Tensor:
        """Whether there is all that is to be imposed, bool, shape (n_obs,)."""
        known = torch.isfinite(self.velocity_kms) & (self.sigma_kms > 0)
        if self.mode == "prior":
            for error in self._errors():
                known &= torch.isfinite(error) & (error > 0)
        return known

    def _tensors(self) -> dict[str, Any]:
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        return {name: value for name, value in values.items() if isinstance(value, Tensor)}

    def offsets(self, velocity: Tensor, sigma: Tensor, pool: Pool) -> Tensor:
        """Offsets of draws from the values, in units of the errors or of the posterior.

        Parameters
        ----------
        velocity, sigma : Tensor
            Draws in km/s, shape (n_obs, n_draws).
        pool : Pool
            Supplies the coordinates in which ``fixed`` measures them.

        Returns
        -------
        Tensor
            Shape (n_obs, n_draws, 2), float64; NaN where the values are not known or out of reach.
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
        Of n_obs observations.
    pool : Pool
        The posteriors.
    n_draws : int
        Draws to return per observation; they repeat where the posterior has few near the values.
    generator : torch.Generator
        Source of randomness of the resampling.

    Returns
    -------
    values : Tensor
        Shape (n_obs, n_draws, n_param).
    ess : Tensor
        Effective sample size, shape (n_obs,), float32; NaN where the kinematics are not known, or
        outside the bounds of the parameters, and the draws are those of the posterior itself. Below
        :data:`MIN_ESS` do not trust them: the measured values are far from the posterior.

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
        left = []
        for rows in todo.split(max(1, _DRAWS_AT_ONCE // size)):
            drawn, velocity, sigma = pool.draw(rows, size)
            part = kinematics[rows]
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
            values[rows] = chosen
            ess[rows] = found
            left.append(rows[~good & known])
        todo, size = torch.cat(left), size * _GROWTH
    return values, ess


def _log_weights(kinematics: ImposedKinematics, distance_sq: Tensor) -> tuple[Tensor, Tensor]:
    """Log weights (n, n_pool), and whether they are good enough not to draw more (n,)."""
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
    """Kish's effective sample size of weights, shape (n,)."""
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
        Of the model.
    sampler : FlowSampler
        Of its flow.
    latent : Tensor
        Latent vectors, shape (n_obs, n_latent).
    generator : torch.Generator
        Source of randomness, on the device of the model.
    """

    space: ParameterSpace
    sampler: FlowSampler
    latent: Tensor
    generator: torch.Generator

    @property
    def _columns(self) -> tuple[int, int]:
        return self.space.index("velocity"), self.space.index("log_sigma")

    def _bijections(self) -> list[Bijection]:
        return [self.space.parameters[j].bijection for j in self._columns]

    def draw(self, rows: Tensor, n: int) -> tuple[Tensor, Tensor, Tensor]:
        """Draw u, with velocity and dispersion in km/s.

        Parameters
        ----------
        rows : Tensor
            Which observations, int64, shape (n_rows,).
        n : int
            Draws of each.

        Returns
        -------
        tuple of Tensor
            (n_rows, n, n_param), and (n_rows, n) twice.
        """
        u = self.sampler.sample(self.latent[rows], n, self.generator)
        velocity, log_sigma = (
            bijection.inverse(u[..., j : j + 1].double())[..., 0]
            for j, bijection in zip(self._columns, self._bijections(), strict=True)
        )
        return u, velocity, 10.0**log_sigma

    def coordinates(self, velocity: Tensor, sigma: Tensor) -> Tensor:
        """Return the columns of u that belong to velocities and dispersions in km/s.

        Parameters
        ----------
        velocity, sigma : Tensor
            Any shape.

        Returns
        -------
        Tensor
            Shape (..., 2); not finite beyond the bounds of the parameters.
        """
        pairs = zip(self._bijections(), (velocity, torch.log10(sigma)), strict=True)
        return torch.cat([bijection.forward(x[..., None]) for bijection, x in pairs], dim=-1)

    def with_kinematics(self, values: Tensor, velocity: Tensor, sigma: Tensor) -> Tensor:
        """Return draws of u with other velocities and dispersions.

        Parameters
        ----------
        values : Tensor
            u, shape (n_rows, n, n_param).
        velocity, sigma : Tensor
            In km/s, one for all draws of a row, shape (n_rows,).

        Returns
        -------
        Tensor
            The shape of ``values``.
        """
        place = self.coordinates(velocity.double(), sigma.double()).to(values)
        moved = values.clone()
        moved[..., list(self._columns)] = place[:, None].expand(-1, values.shape[1], -1)
        return moved
