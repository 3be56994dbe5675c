"""Moving objects whose state is tensors between devices, for all that is no network.

Priors, simulators, noise models and observations hold tensors (scales, tables, spectra) but learn
nothing, so they are no ``nn.Module``. `Portable` gives them the one thing they need from there:
``.to(device)``.
"""

from __future__ import annotations

import copy
from typing import Any, Self

import torch


class Portable:
    """Base of classes, dataclasses included, whose objects can be copied to another device.

    Attributes that have a method ``to`` are moved by it: tensors, other portable objects, and
    networks, which move themselves and stay shared with the original. So is what tuples, named
    tuples, lists and dictionaries hold. All other attributes are shared.

    Examples
    --------
    >>> class Scale(Portable):
    ...     def __init__(self, values):
    ...         self.name, self.values = "scale", values
    >>> moved = Scale(torch.ones(2)).to("meta")
    >>> moved.name, moved.values.device
    ('scale', device(type='meta'))
    """

    def to(self, device: torch.device | str) -> Self:
        """Return a copy whose tensors live on `device`; the original is unchanged.

        Parameters
        ----------
        device : torch.device or str
            Device of the tensors of the copy.

        Returns
        -------
        Self
            The copy. Tensors already on `device` are shared, not copied.
        """
        other = copy.copy(self)
        for name, value in vars(self).items():
            other.__dict__[name] = _moved(value, device)
        return other


def _moved(value: Any, device: torch.device | str) -> Any:
    """A value on a device; the value itself where nothing in it moves."""
    if isinstance(value, dict):
        items = {key: _moved(item, device) for key, item in value.items()}
        return value if all(items[key] is value[key] for key in value) else items
    if isinstance(value, tuple | list):
        parts = [_moved(item, device) for item in value]
        if all(new is old for new, old in zip(parts, value, strict=True)):
            return value
        return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)
    return value.to(device) if hasattr(value, "to") else value
