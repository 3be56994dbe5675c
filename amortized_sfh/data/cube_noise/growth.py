"""Growth of the noise of co-added spaxels beyond that of independent spaxels.

Drizzling correlates neighbouring spaxels, so that a bin of N gains less than √N. The growth differs
from cube to cube; :func:`measure_noise_growth` takes it from the cube itself.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch

from amortized_sfh.data.cube_files.cube_file import CubeFile, Window, central_window, window_shape
from simulators.noise.growth import NOISE_GROWTH
from simulators.robust import robust_sigma

_SIDES = (2, 3, 4, 5, 6, 8)
_LAG = 3
_MAX_SIDE = 60
_MIN_BOXES = 8


class GrowthLaw(NamedTuple):
    """Noise of square boxes of spaxels over that of independent spaxels.

    Attributes
    ----------
    n_spaxels : ndarray
        Number of spaxels per box, shape (n_size,), the first 1.
    excess : ndarray
        Noise of the boxes in units of the propagated error, shape (n_size,), 1 for a single spaxel.
    slope : float
        Slope for :func:`~simulators.noise.growth.noise_growth_factor` that fits them best.
    """

    n_spaxels: np.ndarray
    excess: np.ndarray
    slope: float


def measure_growth_law(cube: CubeFile, window: Window, planes: slice) -> GrowthLaw:
    """Measure how the noise of boxes of spaxels grows with their size.

    Spectra summed over square boxes are compared with those of boxes nearby, scaled to the same
    light; second differences along wavelength leave noise alone. The slope is a fit to how its
    excess over the propagated variance grows from one spaxel to boxes of 64.

    Parameters
    ----------
    cube : CubeFile
        The cube, as `open_cube` returned it.
    window : tuple of slice
        Rows and columns; at most the central 60 × 60 are read.
    planes : slice
        Wavelength pixels that are compared.

    Returns
    -------
    GrowthLaw
        The law, whatever its slope.

    Raises
    ------
    ValueError
        If the window is too small or too empty to measure.
    """
    flux, variance = _window_spectra(cube, central_window(window, _MAX_SIDE), planes)
    single = _excess(flux, variance, 1)
    excess = np.array([_excess(flux, variance, n) for n in _SIDES]) / (single or np.nan)
    known = np.isfinite(excess)
    if known.sum() < 2:
        raise ValueError(
            f"the region of {flux.shape[1]} x {flux.shape[0]} spaxels of {cube.path} has too few "
            "with data to measure how the noise of bins grows; choose a larger region"
        )
    n_spaxels, excess = np.array(_SIDES)[known] ** 2, excess[known]
    decades = np.log10(n_spaxels)
    slope = float((decades * (excess - 1.0)).sum() / (decades**2).sum())
    return GrowthLaw(np.append(1, n_spaxels), np.append(1.0, excess), slope)


def measure_noise_growth(cube: CubeFile, window: Window, planes: slice) -> float:
    """Measure the growth of the noise from a cube, cautiously.

    Parameters
    ----------
    cube : CubeFile
        The cube, as `open_cube` returned it.
    window : tuple of slice
        Rows and columns; at most the central 60 × 60 are read.
    planes : slice
        Wavelength pixels that are compared.

    Returns
    -------
    float
        Slope for :func:`~simulators.noise.growth.noise_growth_factor`, between 0 and
        :data:`~simulators.noise.growth.NOISE_GROWTH`; the latter where the window is too small or
        too empty to measure.
    """
    try:
        slope = measure_growth_law(cube, window, planes).slope
    except ValueError:
        return NOISE_GROWTH
    return float(np.clip(slope, 0.0, NOISE_GROWTH))


def _window_spectra(cube: CubeFile, window: Window, planes: slice) -> tuple[np.ndarray, np.ndarray]:
    """Flux and variance, each (ny, nx, n_plane), NaN for spaxels with gaps."""
    chunks = [chunk[1:4] for chunk in cube.chunks(window, planes, 10**6)]
    flux, variance, valid = (
        torch.cat(parts).numpy().reshape(*window_shape(window), -1)
        for parts in zip(*chunks, strict=True)
    )
    # A spaxel with gaps would look like correlated noise: leave it, and its boxes, out.
    gaps = ~valid.any(axis=(0, 1))
    flux, variance = flux[..., ~gaps], variance[..., ~gaps]
    blank = (valid[..., ~gaps].mean(axis=-1) < 0.99)[..., None]
    return np.where(blank, np.nan, flux), np.where(blank, np.nan, variance)


def _excess(flux: np.ndarray, variance: np.ndarray, n: int) -> float:
    """Return the scatter of boxes of n × n spaxels in units of the propagated error."""
    f, v = _boxes(flux, n), _boxes(variance, n)
    if f.size == 0:
        return float("nan")
    light = np.median(f, axis=-1)
    scatter = []
    for axis in (0, 1):
        near = np.arange(f.shape[axis] - 2)
        far = near + 2  # two boxes apart, so that they share no noise
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = (np.take(light, near, axis) / np.take(light, far, axis))[..., None]
        usable = np.isfinite(ratio[..., 0]) & (np.abs(np.log(np.abs(ratio[..., 0]))) < 1.0)
        a = (np.take(f, near, axis) - ratio * np.take(f, far, axis))[usable]
        b = (np.take(v, near, axis) + ratio**2 * np.take(v, far, axis))[usable]
        middle = slice(_LAG, -_LAG)
        second = a[:, 2 * _LAG :] - 2 * a[:, middle] + a[:, : -2 * _LAG]
        expected = b[:, 2 * _LAG :] + 4 * b[:, middle] + b[:, : -2 * _LAG]
        scatter.append(second / np.sqrt(np.maximum(expected, 1e-30)))
    z = np.concatenate(scatter)
    return float(robust_sigma(z)) if len(z) >= _MIN_BOXES else float("nan")


def _boxes(values: np.ndarray, n: int) -> np.ndarray:
    ny, nx = (size // n for size in values.shape[:2])
    cut = values[: ny * n, : nx * n]
    return cut.reshape(ny, n, nx, n, values.shape[2]).sum(axis=(1, 3))
