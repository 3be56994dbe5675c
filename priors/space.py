"""The parameter space: the only place that knows order, names, units, bounds and coordinates.

`theta` is what the physics uses (bounded, with units), `u` what the networks use (unbounded, about
N(0, 1) under the prior). A trained model keeps its `ParameterSpace` as JSON.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from functools import cached_property
from itertools import groupby
from typing import Any

import torch
from torch import Tensor

from priors.bijections import Bijection, bijection_from_dict, stack_bijections

STEP_PREFIX = "dlogsfr_"
MH_PREFIX = "mh_"


@dataclass(frozen=True)
class ParameterSpace:
    """An ordered set of parameters and the bijection theta <-> u over all of them.

    Parameters
    ----------
    parameters : tuple of Parameter
        Parameters in the order of the columns of theta: log-SFR steps (``dlogsfr_*``),
        metallicities (``mh_*``), then everything else.

    Raises
    ------
    ValueError
        If there are none, names repeat, or the blocks are out of order.
    """

    parameters: tuple[Parameter, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "parameters", tuple(self.parameters))
        if not self.parameters:
            raise ValueError("a ParameterSpace has no parameters; give at least one.")
        repeated = sorted({name for name in self.names if self.names.count(name) > 1})
        if repeated:
            raise ValueError(f"parameter names {repeated} occur more than once; make them unique.")
        prefixes = (STEP_PREFIX, MH_PREFIX, "")
        blocks = [[name.startswith(p) for p in prefixes].index(True) for name in self.names]
        if blocks != sorted(blocks):
            raise ValueError(
                f"parameters are ordered {self.names}; expected all {STEP_PREFIX}* first, then "
                f"all {MH_PREFIX}*, then the others."
            )

    def __repr__(self) -> str:
        """Say in one line which parameters there are."""
        steps, metallicities = self.sfh.stop, self.n_bins
        names = [f"{steps} {STEP_PREFIX}*", f"{metallicities} {MH_PREFIX}*"]
        return f"ParameterSpace({', '.join([*names, *self.names[self.nuisance]])})"

    @property
    def n_param(self) -> int:
        """Number of parameters."""
        return len(self.parameters)

    @property
    def names(self) -> tuple[str, ...]:
        """Names in column order."""
        return tuple(parameter.name for parameter in self.parameters)

    @property
    def sfh(self) -> slice:
        """Columns of the log-SFR steps."""
        return slice(0, sum(name.startswith(STEP_PREFIX) for name in self.names))

    @property
    def mh(self) -> slice:
        """Columns of the metallicities."""
        start = self.sfh.stop
        return slice(start, start + sum(name.startswith(MH_PREFIX) for name in self.names))

    @property
    def nuisance(self) -> slice:
        """Columns of dust and kinematics."""
        return slice(self.mh.stop, self.n_param)

    @property
    def n_bins(self) -> int:
        """Number of age bins."""
        return self.mh.stop - self.mh.start

    @property
    def low(self) -> Tensor:
        """Lower bounds, shape (n_param,), -inf where there is none."""
        return torch.tensor([parameter.low for parameter in self.parameters], dtype=torch.float32)

    @property
    def high(self) -> Tensor:
        """Upper bounds, shape (n_param,), inf where there is none."""
        return torch.tensor([parameter.high for parameter in self.parameters], dtype=torch.float32)

    def index(self, name: str) -> int:
        """Column of a parameter.

        Parameters
        ----------
        name : str
            Name of the parameter.

        Returns
        -------
        int
            Column of theta and u, from 0.

        Raises
        ------
        ValueError
            If there is no such parameter.
        """
        if name not in self.names:
            raise ValueError(f"parameter {name!r} is unknown; expected one of {self.names}.")
        return self.names.index(name)

    @cached_property
    def _groups(self) -> tuple[tuple[slice, Bijection], ...]:
        """Neighbouring columns with maps of one kind, and the map that acts on all of them."""
        groups: list[tuple[slice, Bijection]] = []
        start = 0
        for _, members in groupby(self.parameters, key=lambda item: type(item.bijection)):
            bijections = [member.bijection for member in members]
            fused = stack_bijections(bijections)
            for bijection in bijections if fused is None else [fused]:
                width = 1 if fused is None else len(bijections)
                groups.append((slice(start, start + width), bijection))
                start += width
        return tuple(groups)

    def _checked(self, values: Tensor, name: str) -> Tensor:
        """The values, if they are floats of shape (..., n_param)."""
        if values.shape[-1:] != (self.n_param,) or not values.is_floating_point():
            raise ValueError(
                f"{name} has shape {tuple(values.shape)} and type {values.dtype}; expected floats "
                f"with {self.n_param} in the last dimension."
            )
        return values

    def to_u(self, theta: Tensor) -> Tensor:
        """Unbounded coordinates of theta.

        Parameters
        ----------
        theta : Tensor, shape (..., n_param)
            Parameters strictly inside their bounds.

        Returns
        -------
        Tensor, shape (..., n_param)
            Coordinates u, not finite where theta lies on or outside a bound.

        Raises
        ------
        ValueError
            If the shape or type is wrong.
        """
        theta = self._checked(theta, "theta")
        return torch.cat([b.forward(theta[..., columns]) for columns, b in self._groups], dim=-1)

    def to_theta(self, u: Tensor) -> Tensor:
        """Parameters at unbounded coordinates u.

        Parameters
        ----------
        u : Tensor, shape (..., n_param)
            Unbounded coordinates, in the order of the columns of theta.

        Returns
        -------
        Tensor, shape (..., n_param)
            Parameters theta, strictly inside their bounds.

        Raises
        ------
        ValueError
            If the shape or type is wrong.
        """
        u = self._checked(u, "u")
        return torch.cat([b.inverse(u[..., columns]) for columns, b in self._groups], dim=-1)

    def log_abs_det(self, theta: Tensor) -> Tensor:
        """Return log |du/dtheta| summed over all parameters.

        Parameters
        ----------
        theta : Tensor, shape (..., n_param)
            Parameters strictly inside their bounds.

        Returns
        -------
        Tensor, shape (...)
            The log determinant, so that ``log p(u) = log p(theta) - log_abs_det(theta)``.

        Raises
        ------
        ValueError
            If the shape or type is wrong.
        """
        theta = self._checked(theta, "theta")
        parts = [b.log_abs_det(theta[..., columns]).sum(-1) for columns, b in self._groups]
        return torch.stack(parts, dim=0).sum(0)

    def to_dict(self) -> dict[str, Any]:
        """JSON-able description; `from_dict` reads it back."""
        return {"parameters": [parameter.to_dict() for parameter in self.parameters]}

    @classmethod
    def from_dict(cls, described: dict[str, Any]) -> ParameterSpace:
        """Rebuild from `to_dict`.

        Parameters
        ----------
        described : dict
            Description of the space, as its `to_dict` returns it.

        Returns
        -------
        ParameterSpace
            A space that is equal to the one described.

        Raises
        ------
        ValueError
            If the description is incomplete or has unknown fields.
        """
        if set(described) != {"parameters"}:
            raise ValueError(f"space fields {sorted(described)}; expected only 'parameters'.")
        return cls(tuple(Parameter.from_dict(item) for item in described["parameters"]))


@dataclass(frozen=True)
class Parameter:
    """One parameter of the model: its name, unit, bounds and unbounded coordinate.

    Parameters
    ----------
    name : str
        Name of the parameter, unique in a space.
    unit : str
        Unit in FITS notation, "" when dimensionless.
    low, high : float
        Open bounds; infinite where there is none.
    bijection : Bijection
        Map from theta to the unbounded coordinate u.
    label : str
        Label of the parameter in figures, may hold mathtext; none by default.

    Raises
    ------
    ValueError
        If the name is empty or the bounds do not increase.
    """

    name: str
    unit: str
    low: float
    high: float
    bijection: Bijection
    label: str = ""

    def __post_init__(self) -> None:
        if not self.name:
            raise ValueError("a Parameter has an empty name; give each parameter a unique name.")
        if not self.low < self.high:
            raise ValueError(
                f"bounds of {self.name!r} are ({self.low}, {self.high}); need low < high."
            )

    def to_dict(self) -> dict[str, Any]:
        """JSON-able description; infinite bounds become None."""
        low, high = (b if math.isfinite(b) else None for b in (self.low, self.high))
        return {**vars(self), "low": low, "high": high, "bijection": self.bijection.to_dict()}

    @classmethod
    def from_dict(cls, described: dict[str, Any]) -> Parameter:
        """Rebuild from `to_dict`.

        Parameters
        ----------
        described : dict
            Description of the parameter, as its `to_dict` returns it.

        Returns
        -------
        Parameter
            A parameter that is equal to the one described.

        Raises
        ------
        ValueError
            If a field is missing or unknown.
        """
        expected = {field.name for field in fields(cls)}
        if set(described) != expected:
            raise ValueError(f"parameter fields {sorted(described)}; expected {sorted(expected)}.")
        low, high = described["low"], described["high"]
        read = {
            "low": -math.inf if low is None else float(low),
            "high": math.inf if high is None else float(high),
            "bijection": bijection_from_dict(described["bijection"]),
        }
        return cls(**{**described, **read})
