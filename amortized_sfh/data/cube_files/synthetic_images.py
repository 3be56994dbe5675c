"""Images that a cube itself gives in a band, to compare with those of a camera."""

from __future__ import annotations

import numpy as np

from amortized_sfh.data.cube_files.cube_file import CubeFile, Window, window_shape
from simulators.instruments.filters import FilterCurve

_MIN_BAND_COVERAGE = 0.5
"""A cube that sees less of a band's photons has no image in it."""

_MAX_VALUES = 5e7
_CHUNK_SPAXELS = 16384


def synthetic_image(cube: CubeFile, window: Window, curve: FilterCurve) -> np.ndarray | None:
    """Return the image of a window in a band, over the wavelengths that cube and band share.

    Of a large window only every n-th wavelength is read, which leaves ample signal for an image.

    Parameters
    ----------
    cube : CubeFile
        The cube, as `open_cube` returned it.
    window : tuple of slice
        Rows and columns of the part to read.
    curve : FilterCurve
        Throughput of the band by wavelength.

    Returns
    -------
    ndarray or None
        Photon-weighted mean f_λ, shape (ny, nx), NaN without data; None if the cube sees less
        than half of the band's photons.
    """
    centres = _centres(cube)
    inside = (curve.wave_aa >= centres[0]) & (curve.wave_aa <= centres[-1])
    photons = curve.wave_aa * curve.throughput * np.gradient(curve.wave_aa)
    if photons[inside].sum() < _MIN_BAND_COVERAGE * photons.sum():
        return None
    throughput = np.interp(centres, curve.wave_aa, curve.throughput, left=0.0, right=0.0)
    return _weighted_image(cube, window, throughput * centres)


def white_image(cube: CubeFile, window: Window) -> np.ndarray:
    """Return the image of a window over all wavelengths.

    Parameters
    ----------
    cube : CubeFile
        The cube, as `open_cube` returned it.
    window : tuple of slice
        Rows and columns of the part to read.

    Returns
    -------
    ndarray
        Mean f_λ, shape (ny, nx), NaN without data.
    """
    return _weighted_image(cube, window, np.ones_like(_centres(cube)))


def _centres(cube: CubeFile) -> np.ndarray:
    return 0.5 * (cube.edges_aa[1:] + cube.edges_aa[:-1]).numpy()


def _weighted_image(cube: CubeFile, window: Window, weight: np.ndarray) -> np.ndarray:
    used = np.flatnonzero(weight > 0.01 * weight.max())
    ny, nx = window_shape(window)
    step = max(1, int(len(used) * ny * nx / _MAX_VALUES))
    planes = slice(int(used[0]), int(used[-1]) + 1, step)
    image = np.full(ny * nx, np.nan)
    for chunk in cube.chunks(window, planes, _CHUNK_SPAXELS):
        seen = chunk.valid.numpy().astype(np.float64) @ weight[planes]
        total = chunk.flux.numpy().astype(np.float64) @ weight[planes]
        image[chunk.spaxels] = np.where(seen > 0, total / np.where(seen > 0, seen, 1.0), np.nan)
    return image.reshape(ny, nx)
