"""The background of an HST image: its noise, and the sky level that is left in it.

Both are measured in square tiles that are spread over the image. The sky level is common to all
spaxels: its error does not average down in bins. In a frame that a galaxy fills no pixel shows the
sky, and the faintest places only give an upper limit.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from astropy.stats import SigmaClip
from photutils.background import SExtractorBackground
from scipy.ndimage import binary_dilation

from simulators.robust import robust_sigma

_SIDES = (32, 64)
_MAX_TILES = 144
_MIN_SEEN = 0.9
_MIN_TILES = 8

# of the noise
_CLIP = 4.0
_LAG = 3
_SMOOTHEST = 0.25

# of the sky level
_SHARE = 0.15
_MAX_SPREAD = 3.0
_MODE_ERROR = 2.1
"""Error of a mode from 2.5 median - 1.5 mean of n normal values, times sqrt(n) / sigma."""


class BackgroundNoise(NamedTuple):
    """The noise of an image where it is smoothest, which is that of its background.

    Attributes
    ----------
    sigma : float
        Standard deviation of single pixels; NaN if nothing could be measured.
    ratio : float
        Noise of a sum of many pixels over that of independent pixels, at least 1.
    weight : float
        Median weight in the same places; NaN without a weight map.
    """

    sigma: float
    ratio: float
    weight: float


def tile_windows(shape: tuple[int, int]) -> list[tuple[slice, slice]]:
    """Return up to about 144 squares spread evenly over an image.

    Parameters
    ----------
    shape : tuple of int
        Rows and columns of the image.

    Returns
    -------
    list of tuple of slice
        Squares of 32 to 64 pixels, eight or more along the shorter side if they fit.
    """
    side = int(np.clip(min(shape) // 8, *_SIDES))
    starts = []
    for size in shape:
        n = min(max(size // side, 0), int(_MAX_TILES**0.5))
        starts.append(np.linspace(0, size - side, n).astype(int) if n else np.array([], dtype=int))
    return [(slice(y, y + side), slice(x, x + side)) for y in starts[0] for x in starts[1]]


def cut_tiles(data: np.ndarray, seen: list[np.ndarray]) -> np.ndarray:
    """Return the tiles that have data, NaN where there is none.

    Parameters
    ----------
    data : ndarray
        The image, shape (ny, nx); may be memory-mapped, only the tiles are read.
    seen : list of ndarray
        True for the pixels of each tile of :func:`tile_windows` that have data, (side, side) each.

    Returns
    -------
    ndarray
        Shape (n_tile, side, side), float64; tiles with less than 90 % of data are all NaN.
    """
    windows = tile_windows(data.shape)
    tiles = [
        np.where(ok & (ok.mean() >= _MIN_SEEN), np.asarray(data[part], dtype=np.float64), np.nan)
        for part, ok in zip(windows, seen, strict=True)
    ]
    return np.stack(tiles) if tiles else np.full((0, 1, 1), np.nan)


def measure_background_noise(
    tiles: np.ndarray, weights: np.ndarray | None = None
) -> BackgroundNoise:
    """Measure noise and its correlation in the smoothest quarter of the tiles.

    Parameters
    ----------
    tiles : ndarray
        Tiles of the image, shape (n_tile, side, side), NaN without data.
    weights : ndarray, optional
        Weights of the same pixels, same shape.

    Returns
    -------
    BackgroundNoise
        Noise of single pixels, its correlation ratio from the sum of the autocorrelation, and the
        weight in these tiles.
    """
    usable = np.isfinite(tiles).any(axis=(1, 2))
    left = [_noise_only(tile) for tile in tiles[usable]]
    sigmas = np.array([robust_sigma(v, ignore_nan=True) for v in left])
    good = np.flatnonzero(sigmas > 0)
    if len(good) < _MIN_TILES:
        return BackgroundNoise(float("nan"), 1.0, float("nan"))
    best = good[np.argsort(sigmas[good])][: max(_MIN_TILES // 2, int(_SMOOTHEST * len(good)))]
    power = np.median([_correlation_sum(left[i]) for i in best])
    weight = float("nan")
    if weights is not None:
        weight = float(np.nanmedian(weights[usable][best]))
    return BackgroundNoise(float(np.median(sigmas[best])), float(np.sqrt(max(power, 1.0))), weight)


def _noise_only(tile: np.ndarray) -> np.ndarray:
    """Take a smooth surface and sources out of a tile."""
    side = len(tile)
    y, x = np.mgrid[-1.0 : 1.0 : side * 1j, -1.0 : 1.0 : side * 1j]
    terms = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y])
    use = np.isfinite(tile)
    left = np.full_like(tile, np.nan)
    for _ in range(3):
        solution, *_ = np.linalg.lstsq(terms[:, use].T, tile[use], rcond=None)
        left = tile - np.tensordot(solution, terms, axes=1)
        spread = robust_sigma(left[use], ignore_nan=True)
        source = binary_dilation(np.nan_to_num(left) > _CLIP * spread, iterations=2)
        if source.mean() > 0.5:
            break
        use = np.isfinite(tile) & ~source
    return np.where(use, left, np.nan)


def _correlation_sum(noise: np.ndarray) -> float:
    """Return the sum of the autocorrelation over small lags, 1 for white noise."""
    value, seen = np.nan_to_num(noise), np.isfinite(noise)
    total, side = 0.0, len(noise)
    for dy in range(-_LAG, _LAG + 1):
        for dx in range(-_LAG, _LAG + 1):
            a = (slice(max(dy, 0), side + min(dy, 0)), slice(max(dx, 0), side + min(dx, 0)))
            b = (slice(max(-dy, 0), side + min(-dy, 0)), slice(max(-dx, 0), side + min(-dx, 0)))
            pairs = max(int((seen[a] & seen[b]).sum()), 1)
            total += float((value[a] * value[b]).sum()) / pairs
    variance = float((value**2).sum()) / max(int(seen.sum()), 1)
    # The fitted surface has six terms and takes their share of the power at every lag.
    lost = 6.0 * (2 * _LAG + 1) ** 2 / noise.size
    return total / variance / max(1.0 - lost, 0.3) if variance > 0 else 1.0


class SkyLevel(NamedTuple):
    """The sky level of an image, as the image itself shows it.

    Attributes
    ----------
    level : float
        Most frequent value of the faintest pixels, in pixel values; NaN if not measured.
    sigma : float
        Uncertainty of the level at any one place: statistical, and its variation over the image.
    blank : bool
        If true, the image has blank sky; if not, the level is an upper limit, and ``sigma`` the
        scatter of the faintest places.
    """

    level: float
    sigma: float
    blank: bool


def measure_sky(tiles: np.ndarray, noise_ratio: float = 1.0) -> SkyLevel:
    """Measure the sky level of an image.

    In each tile sources are clipped and the mode is taken. Tiles show blank sky if at least 15 % of
    them, and 8, agree on one level, to within a few times the error of a mode, and hardly any is
    fainter.

    Parameters
    ----------
    tiles : ndarray
        Samples of the image, shape (n_tile, side, side), NaN where there is no data.
    noise_ratio : float
        Noise of a sum of pixels over that of as many independent pixels.

    Returns
    -------
    SkyLevel
        Level and its uncertainty, in pixel values; NaN and not blank with fewer than 8 tiles.
    """
    tiles = tiles[np.isfinite(tiles).any(axis=(1, 2))]
    if len(tiles) < _MIN_TILES:
        return SkyLevel(float("nan"), float("nan"), False)
    clip = SigmaClip(3.0)
    kept = np.ma.filled(
        clip(np.ma.masked_invalid(tiles.reshape(len(tiles), -1)), axis=1).astype(float), np.nan
    )
    with np.errstate(invalid="ignore"):
        modes = SExtractorBackground(sigma_clip=None)(kept, axis=1)
        n_kept = np.isfinite(kept).sum(axis=1)
        errors = _MODE_ERROR * np.nanstd(kept, axis=1) * noise_ratio / np.sqrt(n_kept)
    order = np.argsort(modes)
    modes, errors = np.asarray(modes)[order], errors[order]
    error = float(np.percentile(errors, 10))
    # The shortest interval that holds a given share of the tiles finds the level they agree on.
    n = max(int(np.ceil(_SHARE * len(modes))), 4)
    start = int(np.argmin(modes[n - 1 :] - modes[: len(modes) - n + 1]))
    agreeing = modes[start : start + n]
    for _ in range(5):
        centre = float(np.median(agreeing))
        reach = 3.0 * max(float(robust_sigma(agreeing - centre)), error)
        member = np.abs(modes - centre) <= reach
        agreeing, error = modes[member], float(np.median(errors[member]))
    blank = len(agreeing) >= _MIN_TILES and float(np.std(agreeing)) < _MAX_SPREAD * error
    blank = blank and float((modes < centre - reach).mean()) < 0.05
    if not blank:
        agreeing = modes[:n]
    scatter = float(np.std(agreeing))
    varies = max(scatter**2 - error**2, 0.0)
    sigma = np.sqrt(varies + scatter**2 / len(agreeing))
    return SkyLevel(float(np.mean(agreeing)), float(sigma), blank)
