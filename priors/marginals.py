"""One-dimensional densities on an interval: the priors of dust and kinematics.

Each has a density, a distribution function **seen from both ends** (`cdf` and `sf`, with inverses
`icdf` and `isf`), because 1 - F loses all digits in the upper tail, and samples strictly inside its
interval. Methods keep the precision of their input; callers who need the tails pass float64.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor
from torch.special import ndtr, ndtri

from priors.intervals import check_interval, check_positive, round_inside

LOG_SQRT_2PI = 0.5 * math.log(2.0 * math.pi)


@runtime_checkable
class Marginal(Protocol):
    """A density on the open interval (`low`, `high`)."""

    @property
    def low(self) -> float:
        """Lower bound."""

    @property
    def high(self) -> float:
        """Upper bound."""

    def sample(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        """Draw `n` values, shape (n,), float32, strictly inside."""

    def log_prob(self, x: Tensor) -> Tensor:
        """Log density, -inf outside."""

    def cdf(self, x: Tensor) -> Tensor:
        """Probability below `x`, accurate where it is small."""

    def sf(self, x: Tensor) -> Tensor:
        """Probability above `x`, accurate where it is small."""

    def icdf(self, p: Tensor) -> Tensor:
        """Value with probability `p` below it."""

    def isf(self, q: Tensor) -> Tensor:
        """Value with probability `q` above it."""

    def to_dict(self) -> dict[str, Any]:
        """JSON-able description; `marginal_from_dict` reads it back."""


def _inside(marginal: Marginal, x: Tensor) -> Tensor:
    """True where values lie strictly inside the bounds of a marginal."""
    return (x > marginal.low) & (x < marginal.high)


def _sample(marginal: Marginal, n: int, generator: torch.Generator | None = None) -> Tensor:
    """Draw `n` values by inverting F from the nearer end: float32, strictly inside, shape (n,)."""
    device = "cpu" if generator is None else generator.device
    z = torch.randn(n, generator=generator, dtype=torch.float64, device=device)
    tail = ndtr(-z.abs())
    x = torch.where(z < 0, marginal.icdf(tail), marginal.isf(tail))
    return round_inside(x.to(torch.float32), marginal.low, marginal.high)


@dataclass(frozen=True)
class Uniform:
    """Constant density on (low, high).

    Parameters
    ----------
    low, high : float
        Lower and upper bound, in the unit of the parameter.

    Raises
    ------
    ValueError
        If the bounds are not finite and increasing.
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        check_interval(self.low, self.high)

    def log_prob(self, x: Tensor) -> Tensor:
        """Log density, -inf outside, the shape of `x`."""
        inside = _inside(self, x)
        return torch.where(inside, x * 0.0 - math.log(self.high - self.low), -math.inf)

    def cdf(self, x: Tensor) -> Tensor:
        """Probability below `x`."""
        return (x - self.low) / (self.high - self.low)

    def sf(self, x: Tensor) -> Tensor:
        """Probability above `x`."""
        return (self.high - x) / (self.high - self.low)

    def icdf(self, p: Tensor) -> Tensor:
        """Value with probability `p` below it."""
        return self.low + p * (self.high - self.low)

    def isf(self, q: Tensor) -> Tensor:
        """Value with probability `q` above it."""
        return self.high - q * (self.high - self.low)

    def sample(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        """Draw `n` values, shape (n,)."""
        return _sample(self, n, generator)

    def to_dict(self) -> dict[str, Any]:
        """JSON-able description."""
        return {"kind": "uniform", "low": self.low, "high": self.high}


@dataclass(frozen=True)
class TruncatedExponential:
    """Density proportional to ``exp(-x / scale)`` on (0, high).

    Parameters
    ----------
    scale : float
        Mean of the exponential before truncation.
    high : float
        Upper bound, in the unit of the parameter.
    low : float
        Lower bound, which is always 0.

    Raises
    ------
    ValueError
        If `scale` or `high` is not finite and positive.
    """

    scale: float
    high: float
    low: float = 0.0

    def __post_init__(self) -> None:
        check_positive("scale", self.scale)
        check_interval(self.low, self.high)
        if self.low != 0.0:
            raise ValueError(f"low = {self.low}; a TruncatedExponential starts at 0.")

    @property
    def _mass(self) -> float:
        return -math.expm1(-self.high / self.scale)

    def log_prob(self, x: Tensor) -> Tensor:
        """Log density, -inf outside, the shape of `x`."""
        value = -x / self.scale - math.log(self.scale * self._mass)
        return torch.where(_inside(self, x), value, -math.inf)

    def cdf(self, x: Tensor) -> Tensor:
        """Probability below `x`."""
        return -torch.expm1(-x / self.scale) / self._mass

    def sf(self, x: Tensor) -> Tensor:
        """Probability above `x`."""
        left = -torch.expm1((x - self.high) / self.scale)
        return torch.exp(-x / self.scale) * left / self._mass

    def icdf(self, p: Tensor) -> Tensor:
        """Value with probability `p` below it."""
        return -self.scale * torch.log1p(-p * self._mass)

    def isf(self, q: Tensor) -> Tensor:
        """Value with probability `q` above it."""
        return self.high - self.scale * torch.log1p(q * math.expm1(self.high / self.scale))

    def sample(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        """Draw `n` values, shape (n,)."""
        return _sample(self, n, generator)

    def to_dict(self) -> dict[str, Any]:
        """JSON-able description."""
        return {"kind": "truncated_exponential", "scale": self.scale, "high": self.high}


@dataclass(frozen=True)
class TruncatedNormal:
    """Normal density of mean `loc` and deviation `scale`, cut to (low, high).

    Parameters
    ----------
    loc, scale : float
        Mean and standard deviation before truncation.
    low, high : float
        Lower and upper bound, in the unit of the parameter.

    Raises
    ------
    ValueError
        If a number is not finite, `scale` is not positive, or the bounds do not increase.
    """

    loc: float
    scale: float
    low: float
    high: float

    def __post_init__(self) -> None:
        check_positive("scale", self.scale)
        check_interval(self.low, self.high)
        if not math.isfinite(self.loc):
            raise ValueError(f"loc = {self.loc}; expected a finite number.")

    @staticmethod
    def _below(z: float) -> float:
        return 0.5 * math.erfc(-z / math.sqrt(2.0))

    @property
    def _below_low(self) -> float:
        return self._below((self.low - self.loc) / self.scale)

    @property
    def _above_high(self) -> float:
        return self._below((self.loc - self.high) / self.scale)

    @property
    def _mass(self) -> float:
        return 1.0 - self._below_low - self._above_high

    def log_prob(self, x: Tensor) -> Tensor:
        """Log density, -inf outside, the shape of `x`."""
        z = (x - self.loc) / self.scale
        value = -0.5 * z.square() - LOG_SQRT_2PI - math.log(self.scale * self._mass)
        return torch.where(_inside(self, x), value, -math.inf)

    def cdf(self, x: Tensor) -> Tensor:
        """Probability below `x`."""
        return (ndtr((x - self.loc) / self.scale) - self._below_low) / self._mass

    def sf(self, x: Tensor) -> Tensor:
        """Probability above `x`."""
        return (ndtr((self.loc - x) / self.scale) - self._above_high) / self._mass

    def icdf(self, p: Tensor) -> Tensor:
        """Value with probability `p` below it."""
        return self.loc + self.scale * ndtri(self._below_low + p * self._mass)

    def isf(self, q: Tensor) -> Tensor:
        """Value with probability `q` above it."""
        return self.loc - self.scale * ndtri(self._above_high + q * self._mass)

    def sample(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        """Draw `n` values, shape (n,)."""
        return _sample(self, n, generator)

    def to_dict(self) -> dict[str, Any]:
        """JSON-able description."""
        bounds = {"low": self.low, "high": self.high}
        return {"kind": "truncated_normal", "loc": self.loc, "scale": self.scale, **bounds}


_KINDS: dict[str, type] = {
    "uniform": Uniform,
    "truncated_exponential": TruncatedExponential,
    "truncated_normal": TruncatedNormal,
}


def marginal_from_dict(described: dict[str, Any]) -> Marginal:
    """Rebuild a marginal from its `to_dict`.

    Parameters
    ----------
    described : dict
        Description of the marginal, as its `to_dict` returns it.

    Returns
    -------
    Marginal
        A marginal that is equal to the one described.

    Raises
    ------
    ValueError
        If the kind or a field is unknown.
    """
    fields = dict(described)
    kind = fields.pop("kind", None)
    if kind not in _KINDS:
        raise ValueError(f"marginal kind {kind!r} is unknown; expected one of {sorted(_KINDS)}.")
    try:
        return _KINDS[kind](**fields)
    except TypeError as error:
        raise ValueError(f"marginal {described!r} does not fit {_KINDS[kind].__name__}.") from error
