"""The noise of the pixels of an HST image, such that variances add up in sums over many pixels."""

from __future__ import annotations

import numpy as np

from amortized_sfh.data.hst.image import HstImage
from simulators.robust import robust_sigma

_BLOCK = 4
_TILE = 16
_DECILE = 1.28
"""The lowest tenth of a normal distribution lies this many standard deviations below its mean."""
_MAD_EFFICIENCY = 0.37
"""Of a standard deviation from the median absolute deviation, for normal noise."""


def image_variance(
    image: HstImage, part: tuple[slice, slice], counts: np.ndarray, seen: np.ndarray
) -> np.ndarray:
    """Return the variance of the pixels of a part of an image.

    Parameters
    ----------
    image : HstImage
        The image: its error map is used if it has one, else inverse-variance weights, else the
        noise is estimated, and scaled with the exposure time where the weights tell it.
    part : tuple of slice
        Rows and columns of the part.
    counts : ndarray
        Pixel values of the part, shape (ny, nx), finite.
    seen : ndarray
        True where the part has data, shape (ny, nx).

    Returns
    -------
    ndarray
        Variance per pixel, as if pixels were independent, shape (ny, nx), float32; 0 without data.
    """
    weight, electrons = image.weight, image.electrons_per_count
    variance: np.ndarray
    if image.sigma is not None:
        variance = np.array(image.sigma[part], dtype=np.float32) ** 2
    elif weight is not None and weight.kind == "variance":
        values = np.where(seen, weight.values[part], 1.0).astype(np.float32)
        variance = weight.noise_factor**2 / values
        if not weight.photon_noise and electrons > 0:
            variance = variance + np.maximum(counts - image.background, 0.0) / electrons
    else:
        variance = estimate_variance(
            np.where(seen, counts - image.background, 0.0), seen, electrons, image.noise_ratio
        )
        if weight is not None and weight.kind == "exposure":
            values = np.where(seen, weight.values[part], 1.0).astype(np.float32)
            variance = variance * (float(np.median(values[seen])) / values)
    return np.where(seen & np.isfinite(variance), variance, 0.0).astype(np.float32)


def estimate_variance(
    counts: np.ndarray,
    seen: np.ndarray,
    electrons_per_count: float = 0.0,
    noise_ratio: float = 1.0,
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
    noise_ratio : float
        Noise of large sums over that of independent pixels, of which blocks show a part.

    Returns
    -------
    ndarray
        Variance per pixel, as if pixels were independent, shape (ny, nx).
    """
    # Along an axis, neighbours add noise_ratio - 1 to the variance of a long sum, but only
    # (1 - 1 / _BLOCK) of that to the variance of a block, which has ends.
    in_block = 1.0 + (noise_ratio - 1.0) * (1.0 - 1.0 / _BLOCK)
    # Neighbouring blocks share noise across their border: their differences miss it.
    difference = 1.5 - (noise_ratio - 1.0) / (_BLOCK * in_block)
    background = _background(counts, seen) * (noise_ratio / in_block) ** 2 / difference
    variance = np.full(counts.shape, background)
    if electrons_per_count > 0:
        variance += np.maximum(counts, 0.0) / electrons_per_count
    return variance


def _background(counts: np.ndarray, seen: np.ndarray) -> float:
    """Return the variance of second differences of blocks, per pixel: 1.5 for unit white noise."""
    if min(counts.shape) < 2 * _BLOCK:
        return 1.5 * float(np.var(counts))
    ny, nx = (size // _BLOCK * _BLOCK for size in counts.shape)
    counts, seen = counts[:ny, :nx], seen[:ny, :nx]
    shape = (counts.shape[0] // _BLOCK, _BLOCK, counts.shape[1] // _BLOCK, _BLOCK)
    blocks = counts.reshape(shape).sum(axis=(1, 3)).astype(np.float64)
    blocks[~seen.reshape(shape).all(axis=(1, 3))] = np.nan
    # A second difference is blind to gradients.
    difference = blocks[:, 1:-1] - 0.5 * (blocks[:, :-2] + blocks[:, 2:])
    spreads = []
    for y in range(0, difference.shape[0], _TILE):
        for x in range(0, max(difference.shape[1], 1), _TILE):
            tile = difference[y : y + _TILE, x : x + _TILE]
            tile = tile[np.isfinite(tile)]
            if tile.size >= 8:
                # The lowest tenth of noisy estimates lies below the truth, by this much.
                low = 1.0 - _DECILE / np.sqrt(2.0 * _MAD_EFFICIENCY * tile.size)
                spreads.append(robust_sigma(tile) / max(low, 0.5))
    if not spreads:
        return 1.5 * float(np.var(counts[seen])) if seen.any() else 0.0
    return float(np.percentile(spreads, 10) ** 2 / _BLOCK**2)
