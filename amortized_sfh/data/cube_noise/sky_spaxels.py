"""Spaxels that show the sky, the faintest of a cube, and spectra of chosen spaxels.

Use :func:`find_sky` where noise or the residuals of sky subtraction are to be measured without the
light of a galaxy.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from amortized_sfh.data.cube_files.cube_file import CubeFile, Window, window_shape
from simulators.robust import robust_sigma

SKY_FRACTION = 0.3
"""Share of the spaxels, the faintest, that count as sky."""
_MIN_SKY_SPAXELS = 100
_MAX_SKY_SNR = 5.0
"""Light of sky spaxels per pixel in units of its error; a galaxy covers the field beyond."""

_MIN_VALID = 0.99
_OUTLIER = 5.0


class SkySelection(NamedTuple):
    """Light of the spaxels of a window, and the choice of those that are sky.

    Attributes
    ----------
    light : ndarray
        Median flux over wavelength, shape (ny, nx), NaN for spaxels with gaps.
    is_sky : ndarray
        True for sky spaxels, shape (ny, nx).
    snr : float
        Median light of the sky spaxels in units of their error.
    """

    light: np.ndarray
    is_sky: np.ndarray
    snr: float


class SpaxelSpectra(NamedTuple):
    """Spectra of chosen spaxels, float32, NaN where not valid.

    Attributes
    ----------
    flux, sigma : ndarray
        Fluxes and their standard deviations, shape (n_spaxel, n_plane), in the unit of the cube.
    y, x : ndarray
        Row and column of each in the window, shape (n_spaxel,).
    """

    flux: np.ndarray
    sigma: np.ndarray
    y: np.ndarray
    x: np.ndarray


def find_sky(
    cube: CubeFile, window: Window, planes: slice, fraction: float = SKY_FRACTION
) -> SkySelection:
    """Choose the faintest spaxels of a window.

    Spaxels with more than 1 % of their pixels missing, and those fainter than the others by more
    than five times their scatter, are left out.

    Parameters
    ----------
    cube : CubeFile
        The cube, as `open_cube` returned it.
    window : tuple of slice
        Rows and columns of the part of the cube to read.
    planes : slice
        Wavelength pixels that are read.
    fraction : float
        Share of the spaxels to take, in (0, 1].

    Returns
    -------
    SkySelection
        Light of all spaxels, and the choice.

    Raises
    ------
    ValueError
        If the share is not in (0, 1], there are too few such spaxels, or even they are bright.
    """
    if not 0.0 < fraction <= 1.0:
        raise ValueError(f"share of sky spaxels is {fraction}; expected above 0 and at most 1")
    light, noise = _brightness(cube, window, planes)
    is_sky = np.isfinite(light)
    n_usable = int(is_sky.sum())
    if n_usable:
        is_sky &= light <= np.quantile(light[is_sky], fraction)
        middle = float(np.median(light[is_sky]))
        spread = float(robust_sigma(light[is_sky] - middle))
        is_sky &= light >= middle - _OUTLIER * spread
    if is_sky.sum() < _MIN_SKY_SPAXELS:
        raise ValueError(
            f"{cube.path} has {int(is_sky.sum())} sky spaxels in this region, the faintest "
            f"{fraction:.0%} of {n_usable} without gaps; expected at least "
            f"{_MIN_SKY_SPAXELS}: choose a larger region"
        )
    snr = float(np.median(light[is_sky] / noise[is_sky]))
    if snr > _MAX_SKY_SNR:
        raise ValueError(
            f"{cube.path} shows no sky in this region: its faintest {fraction:.0%} have S/N "
            f"{snr:.1f} per pixel, expected at most {_MAX_SKY_SNR:g}; choose a region with sky, or "
            "measure on an offset field"
        )
    return SkySelection(light, is_sky, snr)


def read_spaxels(
    cube: CubeFile, window: Window, planes: slice, chosen: np.ndarray
) -> SpaxelSpectra:
    """Read the spectra of chosen spaxels.

    Parameters
    ----------
    cube : CubeFile
        The cube, as `open_cube` returned it.
    window : tuple of slice
        Rows and columns of the part of the cube to read.
    planes : slice
        Wavelength pixels that are read.
    chosen : ndarray
        True for the spaxels wanted, shape (ny, nx) of the window.

    Returns
    -------
    SpaxelSpectra
        Spectra of the chosen spaxels, in row-major order.
    """
    flat, parts = chosen.ravel(), []
    for chunk in cube.chunks(window, planes):
        parts.append([values[flat[chunk.spaxels]] for values in chunk.with_nan])
    flux, sigma = (np.concatenate(part) for part in zip(*parts, strict=True))
    return SpaxelSpectra(flux, sigma, *np.nonzero(chosen))


def row_medians(values: np.ndarray) -> np.ndarray:
    """Return medians over wavelength, NaN where nothing is finite.

    Parameters
    ----------
    values : ndarray
        Values of n spectra, shape (n, n_plane), NaN where not valid.

    Returns
    -------
    ndarray
        Median of each spectrum, shape (n,), float64.
    """
    some = np.isfinite(values).any(axis=1)
    out = np.full(len(values), np.nan)
    out[some] = np.nanmedian(values[some], axis=1)
    return out


def _brightness(cube: CubeFile, window: Window, planes: slice) -> tuple[np.ndarray, np.ndarray]:
    """Median flux and error of each spaxel, NaN where pixels are missing that others have."""
    parts, seen = [], np.zeros(planes.stop - planes.start, dtype=bool)
    for chunk in cube.chunks(window, planes):
        valid = chunk.valid.numpy()
        parts.append((*(row_medians(values) for values in chunk.with_nan), valid.sum(axis=1)))
        seen |= valid.any(axis=0)
    light, noise, count = (
        np.concatenate(part).reshape(window_shape(window)) for part in zip(*parts, strict=True)
    )
    gaps = count < _MIN_VALID * max(int(seen.sum()), 1)
    light[gaps] = noise[gaps] = np.nan
    return light, noise
