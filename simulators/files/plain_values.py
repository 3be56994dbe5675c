"""Dataclasses of numbers, texts and tuples as plain values, which JSON can keep, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self


@dataclass(frozen=True)
class PlainValues:
    """Base of dataclasses that are written into files as plain values."""

    def to_dict(self) -> dict[str, Any]:
        """Return all fields as plain values, for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Rebuild an equal object from its `to_dict`, after JSON or not."""
        return cls(**as_tuples(values))


def as_tuples(value: Any) -> Any:
    """Return a value with tuples for lists, at any depth: JSON makes lists of tuples.

    >>> as_tuples({"snr": [0.5, 300.0], "ranges": [[1, 2]]})
    {'snr': (0.5, 300.0), 'ranges': ((1, 2),)}
    """
    if isinstance(value, Mapping):
        return {key: as_tuples(item) for key, item in value.items()}
    return tuple(map(as_tuples, value)) if isinstance(value, list | tuple) else value
