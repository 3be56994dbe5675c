"""One-dimensional densities on an interval: the priors of dust and kinematics.

Each has a density, a distribution function **seen from both ends** (`cdf` and `sf`, with inverses
`icdf` and `isf`), because 1 - F loses all digits in the upper tail, and samples strictly inside its
interval. Methods keep the precision of their input; callers who need the tails pass float64.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, runtime_checkable

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


def at_normal_score(marginal: Marginal, score: Tensor, dtype: torch.dtype) -> Tensor:
    """Value of a marginal that has the same probability below it as a standard normal score.

    Parameters
    ----------
    marginal : Marginal
        The density; its distribution function is inverted from the nearer end.
    score : Tensor
        Scores under N(0, 1), any shape.
    dtype : torch.dtype
        Floating type of the result.

    Returns
    -------
    Tensor
        Values strictly inside the bounds of the marginal, the shape of `score`.
    """
    z = score.to(torch.float64)
    tail = ndtr(-z.abs())
    x = torch.where(z < 0, marginal.icdf(tail), marginal.isf(tail))
    return round_inside(x.to(dtype), marginal.low, marginal.high)


class _Interval:
    """Bounds, samples and description that all marginals have in common.

    Subclasses are dataclasses, whose fields and `kind` are their description.
    """

    kind: ClassVar[str]

    def _where_inside(self: Marginal, x: Tensor, log_density: Tensor) -> Tensor:
        """Log density where values lie strictly inside the bounds, -inf elsewhere."""
        return torch.where((x > self.low) & (x < self.high), log_density, -math.inf)

    def sample(self: Marginal, n: int, generator: torch.Generator | None = None) -> Tensor:
        """Draw `n` values, shape (n,), float32, strictly inside."""
        device = "cpu" if generator is None else generator.device
        z = torch.randn(n, generator=generator, dtype=torch.float64, device=device)
        return at_normal_score(self, z, torch.float32)

    def to_dict(self) -> dict[str, Any]:
        """JSON-able description; `marginal_from_dict` reads it back."""
        return {"kind": self.kind, **vars(self)}


@dataclass(frozen=True)
class Uniform(_Interval):
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
    kind: ClassVar[str] = "uniform"

    def __post_init__(self) -> None:
        check_interval(self.low, self.high)

    def log_prob(self, x: Tensor) -> Tensor:
        """Log density, -inf outside, the shape of `x`."""
        return self._where_inside(x, x * 0.0 - math.log(self.high - self.low))

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


@dataclass(frozen=True)
class TruncatedExponential(_Interval):
    """Density proportional to ``exp(-x / scale)`` on (0, high).

    Parameters
    ----------
    scale : float
        Mean of the exponential before truncation.
    high : float
        Upper bound, in the unit of the parameter.

    Raises
    ------
    ValueError
        If `scale` or `high` is not finite and positive.
    """

    scale: float
    high: float
    low: ClassVar[float] = 0.0
    kind: ClassVar[str] = "truncated_exponential"

    def __post_init__(self) -> None:
        check_positive("scale", self.scale)
        check_interval(self.low, self.high)

    @property
    def _mass(self) -> float:
        return -math.expm1(-self.high / self.scale)

    def log_prob(self, x: Tensor) -> Tensor:
        """Log density, -inf outside, the shape of `x`."""
        return self._where_inside(x, -x / self.scale - math.log(self.scale * self._mass))

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


@dataclass(frozen=True)
class TruncatedNormal(_Interval):
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
    kind: ClassVar[str] = "truncated_normal"

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
        return self._where_inside(x, value)

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
    return rebuilt("marginal", described, (Uniform, TruncatedExponential, TruncatedNormal))


def rebuilt(what: str, described: dict[str, Any], kinds: Sequence[type[Any]]) -> Any:
    """Rebuild an object from its kind and its fields.

    Parameters
    ----------
    what : str
        Word for such objects in error messages.
    described : dict
        Fields of the object, and as ``kind`` the `kind` of its class.
    kinds : sequence of types
        Classes that it may be of.

    Returns
    -------
    object
        The object described.

    Raises
    ------
    ValueError
        If the kind or a field is unknown.
    """
    fields, known = dict(described), {item.kind: item for item in kinds}
    kind = fields.pop("kind", None)
    if kind not in known:
        raise ValueError(f"{what} kind {kind!r} is unknown; expected one of {sorted(known)}.")
    try:
        return known[kind](**fields)
    except TypeError as error:
        raise ValueError(f"{what} {described!r} does not fit {known[kind].__name__}.") from error
