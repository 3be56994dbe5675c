"""The noise of an HST image that comes without an error map."""

from __future__ import annotations

import numpy as np

__all__ = ["estimate_variance"]

_BLOCK = 4
_TILE = 16


def estimate_variance(
    counts: np.ndarray, seen: np.ndarray, electrons_per_count: float = 0.0
) -> np.ndarray:
    """Estimate the variance per pixel from the image: sky and read noise plus photon noise.

    The background noise is measured on blocks of 4 × 4 pixels, since drizzling correlates pixels
    and a single one looks too good; it comes from differences of neighbouring blocks, in the
    smoothest tenth of the image.

    Parameters
    ----------
    counts : ndarray
        Pixel values, shape (ny, nx), finite.
    seen : ndarray
        True where there is data, shape (ny, nx).
    electrons_per_count : float
        Electrons behind a pixel value of 1; 0 leaves photon noise out.

    Returns
    -------
    ndarray
        Variance per pixel, as if pixels were independent, shape (ny, nx).
    """
    variance = np.full(counts.shape, _background(counts, seen))
    if electrons_per_count > 0:
        variance += np.maximum(counts, 0.0) / electrons_per_count
    return variance


def _background(counts: np.ndarray, seen: np.ndarray) -> float:
    if min(counts.shape) < 2 * _BLOCK:
        return float(np.var(counts))
    ny, nx = (size // _BLOCK * _BLOCK for size in counts.shape)
    counts, seen = counts[:ny, :nx], seen[:ny, :nx]
    shape = (counts.shape[0] // _BLOCK, _BLOCK, counts.shape[1] // _BLOCK, _BLOCK)
    blocks = counts.reshape(shape).sum(axis=(1, 3)).astype(np.float64)
    blocks[~seen.reshape(shape).all(axis=(1, 3))] = np.nan
    # A second difference is blind to gradients; for white noise its variance is 1.5 times the
    # variance of a block.
    difference = blocks[:, 1:-1] - 0.5 * (blocks[:, :-2] + blocks[:, 2:])
    spreads = []
    for y in range(0, difference.shape[0], _TILE):
        for x in range(0, max(difference.shape[1], 1), _TILE):
            tile = difference[y : y + _TILE, x : x + _TILE]
            tile = tile[np.isfinite(tile)]
            if tile.size >= 8:
                spreads.append(1.4826 * np.median(np.abs(tile)))
    if not spreads:
        return float(np.var(counts[seen])) if seen.any() else 0.0
    return float(np.percentile(spreads, 10) ** 2 / 1.5 / _BLOCK**2)
