"""Open intervals in floating point: staying strictly inside, and checks of their bounds."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def round_inside(x: Tensor, low: Tensor | float, high: Tensor | float) -> Tensor:
    """Round values to the nearest ones that floats can hold strictly between two bounds.

    A value that is mathematically inside (low, high) may round to a bound when the distance to it
    is below the spacing of floats, and its unbounded coordinate would be infinite. This keeps it
    four float spacings inside (and, for a bound at zero, 1e-20 of the range), which changes a
    value by less than float32 resolves. It belongs to sampling and u -> theta, never to a density.

    Parameters
    ----------
    x : Tensor, shape (..., n)
        Values between the bounds, which may have been rounded to them.
    low, high : float or Tensor, shape (n,)
        Lower and upper bound, in the unit of `x`.

    Returns
    -------
    Tensor, shape (..., n)
        Values with ``low < x < high``.
    """
    eps = torch.finfo(x.dtype).eps
    low = torch.as_tensor(low, dtype=x.dtype, device=x.device)
    high = torch.as_tensor(high, dtype=x.dtype, device=x.device)
    least = 1e-20 * (high - low)
    lowest = low + torch.maximum(4 * eps * low.abs(), least)
    highest = high - torch.maximum(4 * eps * high.abs(), least)
    return torch.minimum(torch.maximum(x, lowest), highest)


def check_interval(low: float, high: float) -> None:
    """Refuse bounds that are not finite and increasing.

    Parameters
    ----------
    low, high : float
        Lower and upper bound of an interval.

    Raises
    ------
    ValueError
        If they are not finite or ``low >= high``.
    """
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise ValueError(f"interval ({low}, {high}) is not finite and increasing; give low < high.")


def check_positive(name: str, value: Tensor | float) -> None:
    """Refuse numbers that are not finite and positive.

    Parameters
    ----------
    name : str
        Name of the numbers in the error message.
    value : float or Tensor
        Numbers to check, any shape.

    Raises
    ------
    ValueError
        If any is not finite or not above 0.
    """
    values = torch.as_tensor(value, dtype=torch.float64)
    if not bool((torch.isfinite(values) & (values > 0)).all()):
        raise ValueError(f"{name} = {value}; expected finite numbers > 0.")
