"""Regions as users give them, and the spectra of a cube that belong to one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from torch import Tensor

from amortized_sfh.data.cubes.cube_data import CubeData
from simulators.observations.observation import Observation

Region: TypeAlias = np.ndarray | Tensor | Sequence[int] | Sequence[bool]
"""Numbers of the spectra (rows of the data), or a boolean for each, or a boolean map (ny, nx)."""


def spectra_of_region(region: Region, data: CubeData | Observation) -> np.ndarray:
    """Return the numbers of the spectra that belong to a region.

    Parameters
    ----------
    region
        Row numbers, or True and False for each row, or a boolean map (ny, nx) of a cube: then rows
        (bins) with at least half of their spaxels in it.
    data
        The cube, or its observation if the region is no map.

    Returns
    -------
    ndarray
        Numbers of the rows of the data, shape (n_obs,), ascending, each once.

    Raises
    ------
    ValueError
        If the region has another shape or type than the data, lies outside, or is empty.
    """
    chosen = np.asarray(region)
    n_obs = len(data)
    if chosen.size == 0:
        raise ValueError("the region is empty; expected at least one row of the cube")
    if chosen.dtype == bool:
        rows = _from_mask(chosen, data, n_obs)
        if len(rows) == 0:
            raise ValueError("the region holds no row with data: it is empty or lies outside")
        return rows
    if chosen.ndim != 1 or not np.issubdtype(chosen.dtype, np.integer):
        raise ValueError(
            f"the region has shape {chosen.shape} and dtype {chosen.dtype}; expected row numbers, "
            "or a boolean map"
        )
    if chosen.min() < 0 or chosen.max() >= n_obs:
        raise ValueError(
            f"the region has rows {chosen.min()} to {chosen.max()}; expected 0 to {n_obs - 1}"
        )
    return np.unique(chosen)


def _from_mask(mask: np.ndarray, data: CubeData | Observation, n_obs: int) -> np.ndarray:
    """Return the rows that a mask chooses, of spectra (n_obs,) or of spaxels (ny, nx)."""
    if mask.ndim == 1:
        if len(mask) != n_obs:
            raise ValueError(f"the region has {len(mask)} values; expected one for {n_obs} rows")
        return np.flatnonzero(mask)
    if isinstance(data, Observation):
        raise ValueError(
            "the region is a map but the data have no map; give the CubeData, or row numbers"
        )
    if mask.shape != data.row.shape:
        raise ValueError(
            f"the region has shape {mask.shape}; expected that of the map, {data.row.shape}"
        )
    has_row = data.row >= 0
    inside = np.bincount(data.row[mask & has_row], minlength=n_obs)
    every = np.bincount(data.row[has_row], minlength=n_obs)
    return np.flatnonzero((inside > 0) & (2 * inside >= every))
