"""One parameter: its name, unit, bounds and unbounded coordinate."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from priors.bijections import Bijection, bijection_from_dict


@dataclass(frozen=True)
class Parameter:
    """One parameter.

    Parameters
    ----------
    name : str
        Identifier, unique in a space.
    unit : str
        Unit in FITS notation, "" when dimensionless.
    low, high : float
        Open bounds; infinite where there is none.
    bijection : Bijection
        The map theta -> u.
    label : str
        For figures, may hold mathtext.

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
        return {
            "name": self.name,
            "unit": self.unit,
            "low": self.low if math.isfinite(self.low) else None,
            "high": self.high if math.isfinite(self.high) else None,
            "bijection": self.bijection.to_dict(),
            "label": self.label,
        }

    @classmethod
    def from_dict(cls, described: dict[str, Any]) -> Parameter:
        """Rebuild from `to_dict`.

        Parameters
        ----------
        described : dict
            What `to_dict` returned.

        Returns
        -------
        Parameter
            An equal parameter.

        Raises
        ------
        ValueError
            If a field is missing or unknown.
        """
        expected = {"name", "unit", "low", "high", "bijection", "label"}
        if set(described) != expected:
            raise ValueError(f"parameter fields {sorted(described)}; expected {sorted(expected)}.")
        low, high = described["low"], described["high"]
        return cls(
            name=described["name"],
            unit=described["unit"],
            low=-math.inf if low is None else float(low),
            high=math.inf if high is None else float(high),
            bijection=bijection_from_dict(described["bijection"]),
            label=described["label"],
        )
