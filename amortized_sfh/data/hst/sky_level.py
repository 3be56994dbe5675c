"""The sky level that is left in a drizzled image, and how well it is known.

The level is common to all spaxels: its error does not average down in bins. In a frame that a
galaxy fills no pixel shows the sky, and the faintest places only give an upper limit.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from astropy.stats import SigmaClip
from photutils.background import SExtractorBackground

from simulators.robust import robust_sigma

_MIN_TILES = 8
_SHARE = 0.15
_MAX_SPREAD = 3.0
_MODE_ERROR = 2.1
"""Error of a mode from 2.5 median - 1.5 mean of n normal values, times sqrt(n) / sigma."""


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
