"""Moving a prior between devices: a mixin for objects whose state is plain tensors.

A prior holds tensors (scales, Cholesky factors, catalogues of curves) but learns nothing, so it is
not an ``nn.Module``. `Portable` gives it the one thing it needs from there: ``.to(device)``.
"""

from __future__ import annotations

import copy
from typing import Any, Self

import torch
from torch import Tensor


def _moved(value: Any, device: torch.device | str) -> Any:
    if isinstance(value, Tensor | Portable):
        return value.to(device)
    if isinstance(value, tuple):
        return tuple(_moved(item, device) for item in value)
    return value


class Portable:
    """Objects that hold tensors and can be copied to another device."""

    def to(self, device: torch.device | str) -> Self:
        """Return a copy whose tensors live on `device`; the original is unchanged.

        Parameters
        ----------
        device : torch.device or str
            Where the tensors of the copy live.

        Returns
        -------
        Self
            The copy. Tensors already on `device` are shared, not copied.
        """
        other = copy.copy(self)
        for name, value in vars(self).items():
            other.__dict__[name] = _moved(value, device)
        return other
