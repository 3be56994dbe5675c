"""The displacement of one image against another, to a small part of a pixel.

The whole pixels come from the masked, normalised cross-correlation of the two; the fraction from a
least-squares fit of the shifted image, which has no preference for whole pixels.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.ndimage import binary_dilation, gaussian_filter, spline_filter
from scipy.ndimage import shift as spline_shift
from scipy.signal import oaconvolve

from simulators.robust import robust_sigma

MAX_SHIFT = 15
"""Largest offset that is searched, in pixels (3 arcsec for MUSE's wide field)."""

_MIN_SCORE = 0.5
_MIN_OVERLAP = 0.5

_MIN_SIDE = 8
"""Smaller images than this hold too little structure."""

_DETAIL = 8.0
"""Structure wider than this (sigma in pixels) is left out: sky levels and colours differ there."""

_SPLINE_REACH = 4
_HUBER, _CLIP = 1.5, 6.0
"""Residuals beyond the first, in standard deviations, count less; those beyond the second are left
out with their surroundings. Cosmic rays and variable stars are in one of the images only."""
_N_ROUNDS = 3
_MISMATCH = 0.02
"""Expected difference of two noiseless images, relative to their scatter and brightness."""
_NEAR = 0.02
_N_STEPS = 25


class Offset(NamedTuple):
    """The displacement of an image against a reference.

    Attributes
    ----------
    dx, dy : float
        Displacement in pixels of the reference: a source at (x, y) in the reference is found at
        (x + dx, y + dy) in the image.
    score : float
        Correlation of the two at this offset; 1 for images that differ by a linear law only.
    sigma : float
        Standard error of either coordinate, from the scatter of what the fit leaves.
    """

    dx: float
    dy: float
    score: float
    sigma: float = 0.0


def measure_offset(image: np.ndarray, reference: np.ndarray, max_shift: int = MAX_SHIFT) -> Offset:
    """Find the offset that makes two images agree best.

    Parameters
    ----------
    image : ndarray
        Image on the reference's grid with ``max_shift`` more pixels on every side, shape
        (ny + 2 max_shift, nx + 2 max_shift); NaN where there is no data.
    reference : ndarray
        Image that is taken to be in place, shape (ny, nx); NaN where there is no data. Both must
        have a PSF of a few pixels.
    max_shift : int
        Largest offset per axis that is searched, in pixels.

    Returns
    -------
    Offset
        Displacement of the image, to the accuracy that the noise allows.

    Raises
    ------
    ValueError
        If the shapes do not fit, the images are too small or have nothing in common, or the best
        offset is at the edge of the search or correlates poorly.

    References
    ----------
    Padfield (2012, IEEE Trans. Image Process. 21, 2706) for the masked correlation; Lucas & Kanade
    (1981, IJCAI, 674) for the fit.
    """
    ny, nx = reference.shape
    if image.shape != (ny + 2 * max_shift, nx + 2 * max_shift):
        raise ValueError(
            f"image has shape {image.shape}; expected {max_shift} pixels more than the reference's "
            f"{reference.shape} on every side"
        )
    if min(ny, nx) < _MIN_SIDE:
        raise ValueError(
            f"the region has {ny} x {nx} spaxels; expected at least {_MIN_SIDE} x {_MIN_SIDE} to "
            "measure an offset: take a larger region, or do not align"
        )
    image, reference = _standardised(image), _standardised(reference)
    scores = _correlations(_detail(image), _detail(reference))
    j, i = divmod(int(np.argmax(scores)), scores.shape[1])
    best = float(scores[j, i])
    if not best >= _MIN_SCORE:
        raise ValueError(
            f"the images do not resemble each other at any offset within {max_shift} pixels "
            f"(best correlation {best:.2f}); check band and WCS, or do not align"
        )
    if not (0 < j < 2 * max_shift and 0 < i < 2 * max_shift):
        raise ValueError(
            f"the best offset lies at the edge of the search ({max_shift} pixels); "
            "correct the WCS roughly first"
        )
    dx, dy, sigma = _refine(image, reference, (i, j))
    return Offset(dx - max_shift, dy - max_shift, best, sigma)


def _standardised(image: np.ndarray) -> np.ndarray:
    """Bring values to a mean of 0 and a scatter of 1, so that sums of squares keep their digits."""
    seen = image[np.isfinite(image)].astype(np.float64)
    if not seen.size:
        return image
    spread, mean = float(seen.std()), float(seen.mean())
    # What is flat to the rounding of single precision has no structure.
    return (image - mean) / spread if spread > 1e-5 * abs(mean) else image * 0.0


def _detail(image: np.ndarray) -> np.ndarray:
    """Take out structure on large scales; NaN stays NaN."""
    seen = np.isfinite(image)
    weight = gaussian_filter(seen.astype(np.float64), _DETAIL, mode="constant")
    smooth = gaussian_filter(np.where(seen, image, 0.0), _DETAIL, mode="constant")
    return image - smooth / np.maximum(weight, 1e-12)


def _correlations(image: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Return Pearson's correlation over common pixels at every shift; -1 where they are few."""
    masks = [np.isfinite(v).astype(np.float64) for v in (image, reference)]
    a, b = (np.nan_to_num(v, nan=0.0) for v in (image, reference))

    def slide(first: np.ndarray, second: np.ndarray) -> np.ndarray:
        return oaconvolve(first, second[::-1, ::-1], mode="valid")

    n = np.maximum(slide(masks[0], masks[1]), 1.0)
    sum_a, sum_b = slide(a, masks[1]), slide(masks[0], b)
    power_a = slide(a * a, masks[1]) - sum_a**2 / n
    power_b = slide(masks[0], b * b) - sum_b**2 / n
    usable = n > max(_MIN_OVERLAP * float(masks[1].sum()), 8.5)
    usable &= (power_a > 1e-9 * n) & (power_b > 1e-9 * n)
    power = np.where(usable, power_a * power_b, 1.0)
    return np.where(usable, (slide(a, b) - sum_a * sum_b / n) / np.sqrt(power), -1.0)


def _refine(
    image: np.ndarray, reference: np.ndarray, start: tuple[int, int]
) -> tuple[float, float, float]:
    """Fit the reference by the shifted image, its scale and a plane.

    Returns the position of the reference's first pixel in the image, x and y, and its error.
    """
    ny, nx = reference.shape
    blank = ~np.isfinite(image)
    near_blank = binary_dilation(blank, iterations=_SPLINE_REACH) if blank.any() else blank
    spline = spline_filter(np.where(blank, 0.0, image))
    plane = np.mgrid[-1.0 : 1.0 : ny * 1j, -1.0 : 1.0 : nx * 1j]
    x, y, sigma = float(start[0]), float(start[1]), float("inf")
    trust, outlier, n_left_out = np.ones((ny, nx)), np.zeros((ny, nx), dtype=bool), 0
    for _ in range(_N_STEPS):
        moved = spline_shift(spline, (-y, -x), prefilter=False, mode="nearest")
        touched = spline_shift(near_blank.astype(np.float64), (-y, -x), order=1, cval=1.0)
        use = np.isfinite(reference) & (touched[:ny, :nx] < 1e-6) & ~outlier
        slopes = np.gradient(moved)
        # All are filtered over the same pixels, so that edges and gaps cancel.
        planes = (reference, moved[:ny, :nx], slopes[1][:ny, :nx], slopes[0][:ny, :nx], *plane)
        filtered = np.stack([_detail(np.where(use, v, np.nan))[use] for v in planes])
        target, terms = filtered[0], np.vstack([filtered[1:], np.ones((1, filtered.shape[1]))])
        weight = trust[use]
        normal = (terms * weight) @ terms.T
        inverse = np.linalg.pinv(normal, hermitian=True)
        solution = inverse @ ((terms * weight) @ target)
        left = target - solution @ terms
        scatter = float(robust_sigma(left)) + 1e-12
        # In sparse fields the scatter is that of the sky: bright pixels cannot be held to it.
        deviation = np.abs(left) / np.hypot(scatter, _MISMATCH * (1.0 + np.abs(target)))
        trust[use] = 1.0 / np.maximum(deviation / _HUBER, 1.0)
        scale = max(float(solution[0]), 1e-3)
        step = np.clip(solution[1:3] / scale, -0.5, 0.5)
        x, y = x + step[0], y + step[1]
        # From the residuals themselves, since bright pixels scatter more (White 1980).
        scores = terms * (weight * left)
        errors = np.diag(inverse @ (scores @ scores.T) @ inverse)
        sigma = float(np.sqrt(errors[1:3].max())) / scale
        if np.abs(step).max() < (1e-4 if n_left_out == _N_ROUNDS else _NEAR):
            if n_left_out == _N_ROUNDS:
                break
            n_left_out += 1
            far = np.zeros((ny, nx), dtype=bool)
            far[use] = deviation > _CLIP
            outlier |= binary_dilation(far, iterations=2)
    return float(x), float(y), sigma
