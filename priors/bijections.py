"""Monotone one-parameter maps theta -> u that make a prior marginal look like N(0, 1).

A network learns u: unbounded and of order one. Three maps cover all parameters: `StudentTScore` for
log-SFR steps (heavy tails), `SoftClip` for metallicities (smooth walls), `NormalScore` for anything
with a known marginal on an interval. Increasing, closed form both ways, finite in float32 for every
draw of the prior.

Parameters may be floats (one parameter) or tensors of shape (n,): `stack_bijections` fuses n
maps of one kind into one that acts on (..., n).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, runtime_checkable

import torch
from torch import Tensor
from torch.nn.functional import softplus
from torch.special import log_ndtr, ndtr, ndtri

from priors.intervals import check_positive, round_inside
from priors.marginals import LOG_SQRT_2PI, Marginal, at_normal_score, marginal_from_dict, rebuilt

_SQRT2 = math.sqrt(2.0)


@runtime_checkable
class Bijection(Protocol):
    """An increasing map of a parameter onto the real line."""

    def forward(self, theta: Tensor) -> Tensor:
        """Return the unbounded coordinate u of `theta`."""

    def inverse(self, u: Tensor) -> Tensor:
        """Return the parameter at `u`, strictly inside its bounds."""

    def log_abs_det(self, theta: Tensor) -> Tensor:
        """Return log |du/dtheta| at `theta`."""

    def to_dict(self) -> dict[str, Any]:
        """JSON-able description; `bijection_from_dict` reads it back."""


def _as(value: Tensor | float, like: Tensor) -> Tensor:
    """A number as a tensor of the type and on the device of another."""
    return torch.as_tensor(value, dtype=like.dtype, device=like.device)


class _Numbers:
    """Base of maps whose description is their kind and the numbers that are their fields."""

    kind: ClassVar[str]

    def to_dict(self) -> dict[str, Any]:
        """JSON-able description; `bijection_from_dict` reads it back."""
        return {"kind": self.kind, **{name: float(value) for name, value in vars(self).items()}}


@dataclass(frozen=True)
class StudentTScore(_Numbers):
    """u = Phi^-1(T2(theta / scale)), with T2 the Student-t distribution of 2 degrees of freedom.

    With t = theta/scale and s = sqrt(2 + t^2) the tail probability is ``1 / (s (s + |t|))``:
    no cancellation, so both tails are exact in float32 up to |t| ~ 1e18 (|u| ~ 12.9). Near zero
    ``u = sqrt(2) erfinv(t / s)`` keeps relative accuracy and a gradient. The inverse works with
    the log of the tail probability and is finite for |u| < 18.

    Parameters
    ----------
    scale : float
        Scale of the Student-t in the units of theta.

    Raises
    ------
    ValueError
        If `scale` is not finite and positive.
    """

    scale: Tensor | float
    kind: ClassVar[str] = "student_t_score"

    def __post_init__(self) -> None:
        check_positive("scale", self.scale)

    def forward(self, theta: Tensor) -> Tensor:
        """Return the unbounded coordinate u of `theta`."""
        t = theta / _as(self.scale, theta)
        s = torch.hypot(t, torch.full_like(t, _SQRT2))
        ratio = t / s
        near = ratio.abs() < 0.5
        middle = _SQRT2 * torch.erfinv(torch.where(near, ratio, 0.0))
        far_t = torch.where(near, 1.0, t.abs())
        far_s = torch.where(near, 2.0, s)
        tail = -ndtri(1.0 / far_s / (far_s + far_t))
        return torch.where(near, middle, torch.where(t < 0, -tail, tail))

    def inverse(self, u: Tensor) -> Tensor:
        """Return the parameter at `u`."""
        log_tail = log_ndtr(-u.abs())
        above_half = ndtr(u.abs())
        t = torch.erf(u / _SQRT2) * torch.exp(-0.5 * log_tail) / torch.sqrt(2.0 * above_half)
        return t * _as(self.scale, u)

    def log_abs_det(self, theta: Tensor) -> Tensor:
        """Return log |du/dtheta| at `theta`."""
        scale = _as(self.scale, theta)
        t = theta / scale
        log_s = torch.log(torch.hypot(t, torch.full_like(t, _SQRT2)))
        return -3.0 * log_s + 0.5 * self.forward(theta).square() + LOG_SQRT_2PI - scale.log()


@dataclass(frozen=True)
class SoftClip(_Numbers):
    """theta = low + s [softplus((w - low)/s) - softplus((w - high)/s)], u = (w - loc)/scale.

    Between the bounds theta is w but for a rounding of width `softness` at each wall. The inverse
    is closed: with t = (theta - low)/s and r = (high - theta)/s,

        w = theta + s [log(1 - exp(-t)) - log(1 - exp(-r))],
        log dw/dtheta = log(1 - exp(-(high - low)/s)) - log(1 - exp(-t)) - log(1 - exp(-r)).

    t and r are differences of close floats near a wall, hence exact, and theta is computed as a
    distance from the nearer wall, so the round trip theta -> u -> theta is exact to the last digit
    there. What float32 cannot hold is a theta closer to a wall than one spacing of floats (w beyond
    the wall by more than about 15 softness): `clip` rounds those inside, see `round_inside`.

    Parameters
    ----------
    low, high : float
        Walls of theta, in its unit, which it never reaches.
    softness : float
        Width s of the rounding, in the units of theta.
    loc, scale : float
        Centre of w, from which u is measured, and the width of w that is 1 in u.

    Raises
    ------
    ValueError
        If softness or scale is not positive, or low is not below high.
    """

    low: Tensor | float
    high: Tensor | float
    softness: Tensor | float
    loc: Tensor | float = 0.0
    scale: Tensor | float = 1.0
    kind: ClassVar[str] = "soft_clip"

    def __post_init__(self) -> None:
        check_positive("softness", self.softness)
        check_positive("scale", self.scale)
        check_positive("high - low", self.high - self.low)

    def clip(self, w: Tensor) -> Tensor:
        """Return the bounded theta of an unclipped coordinate `w`."""
        low, high, soft = (_as(value, w) for value in (self.low, self.high, self.softness))
        from_low = soft * (softplus((w - low) / soft) - softplus((w - high) / soft))
        from_high = soft * (softplus((high - w) / soft) - softplus((low - w) / soft))
        theta = torch.where(w < 0.5 * (low + high), low + from_low, high - from_high)
        return round_inside(theta, low, high)

    def _logs(self, theta: Tensor) -> tuple[Tensor, Tensor]:
        """log(1 - exp(-t)) and log(1 - exp(-r)) of the docstring of the class."""
        low, high, soft = (_as(value, theta) for value in (self.low, self.high, self.softness))
        above = torch.log(-torch.expm1((low - theta) / soft))
        below = torch.log(-torch.expm1((theta - high) / soft))
        return above, below

    def unclip(self, theta: Tensor) -> Tensor:
        """Return the coordinate w of a `theta` strictly between the walls."""
        above, below = self._logs(theta)
        return theta + _as(self.softness, theta) * (above - below)

    def log_unclip_slope(self, theta: Tensor) -> Tensor:
        """Return log dw/dtheta at `theta`."""
        above, below = self._logs(theta)
        low, high, soft = (_as(value, theta) for value in (self.low, self.high, self.softness))
        return torch.log(-torch.expm1((low - high) / soft)) - above - below

    def forward(self, theta: Tensor) -> Tensor:
        """Return the unbounded coordinate u of `theta`."""
        return (self.unclip(theta) - _as(self.loc, theta)) / _as(self.scale, theta)

    def inverse(self, u: Tensor) -> Tensor:
        """Return the parameter at `u`, strictly inside its bounds."""
        return self.clip(_as(self.loc, u) + _as(self.scale, u) * u)

    def log_abs_det(self, theta: Tensor) -> Tensor:
        """Return log |du/dtheta| at `theta`."""
        return self.log_unclip_slope(theta) - _as(self.scale, theta).log()


@dataclass(frozen=True)
class NormalScore:
    """u = Phi^-1(F(theta)) with F the distribution function of a marginal.

    Under that marginal u is exactly N(0, 1). Probabilities are counted from the nearer end, in
    float64 inside, so theta -> u -> theta is exact to the last float32 digit in both tails.

    Parameters
    ----------
    marginal : Marginal
        The density whose distribution function is used.
    """

    marginal: Marginal
    kind: ClassVar[str] = "normal_score"

    def forward(self, theta: Tensor) -> Tensor:
        """Return the unbounded coordinate u of `theta`."""
        return self._forward64(theta.to(torch.float64)).to(theta.dtype)

    def _forward64(self, x: Tensor) -> Tensor:
        """Coordinate u of float64 values."""
        below, above = self.marginal.cdf(x), self.marginal.sf(x)
        lower = below < above
        score = ndtri(torch.where(lower, below, above))
        return torch.where(lower, score, -score)

    def inverse(self, u: Tensor) -> Tensor:
        """Return the parameter at `u`, strictly inside its bounds."""
        return at_normal_score(self.marginal, u, u.dtype)

    def log_abs_det(self, theta: Tensor) -> Tensor:
        """Return log |du/dtheta| at `theta`."""
        x = theta.to(torch.float64)
        half_square = 0.5 * self._forward64(x).square()
        return (self.marginal.log_prob(x) + half_square + LOG_SQRT_2PI).to(theta.dtype)

    def to_dict(self) -> dict[str, Any]:
        """JSON-able description."""
        return {"kind": self.kind, "marginal": self.marginal.to_dict()}


def bijection_from_dict(described: dict[str, Any]) -> Bijection:
    """Rebuild a bijection from its `to_dict`.

    Parameters
    ----------
    described : dict
        Description of the bijection, as its `to_dict` returns it.

    Returns
    -------
    Bijection
        A bijection that is equal to the one described.

    Raises
    ------
    ValueError
        If the kind or a field is unknown.
    """
    fields = dict(described)
    if fields.get("kind") == NormalScore.kind and "marginal" in fields:
        fields["marginal"] = marginal_from_dict(fields["marginal"])
    return rebuilt("bijection", fields, (StudentTScore, SoftClip, NormalScore))


def stack_bijections(bijections: Sequence[Bijection]) -> Bijection | None:
    """Fuse n maps of one kind into one acting on the last dimension, for speed.

    Parameters
    ----------
    bijections : sequence of Bijection
        Map of each of the n parameters, in their order.

    Returns
    -------
    Bijection or None
        A map of (..., n), or None when the kinds differ or cannot be fused.
    """
    kind = type(bijections[0])
    if kind not in (StudentTScore, SoftClip) or any(type(item) is not kind for item in bijections):
        return None
    columns = {
        name: [float(vars(item)[name]) for item in bijections] for name in vars(bijections[0])
    }
    return kind(**{name: torch.tensor(v, dtype=torch.float64) for name, v in columns.items()})
