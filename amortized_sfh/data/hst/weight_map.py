"""Weight maps of drizzled images: their kinds, and the noise that follows from them.

Drizzle's inverse-variance weights (ERR, IVM) state the noise that a pixel would have if drizzling
did not correlate pixels: ``weight**-0.5`` adds up in sums, while single pixels scatter less, by the
ratio R of Fruchter & Hook. Some weight maps state the scatter of single pixels instead; then sums
are noisier than they say, by R. Which of the two a map does is read off the image. Weights can also
be exposure times, which say where the image is deeper but not how deep.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from amortized_sfh.data.files.fits_files import InputFileError
from amortized_sfh.data.hst.background import BackgroundNoise

_KINDS = ("variance", "exposure", "coverage")

_TOLERANCE = 3.0
"""An inverse variance that misses the image's noise by more than this factor is something else."""


@dataclass(frozen=True)
class WeightMap:
    """Weights of the pixels of an image.

    Parameters
    ----------
    values : ndarray
        Weights, shape (ny, nx); 0 or not finite where there is no data.
    kind : str
        "variance" for an inverse variance in the image's unit, "exposure" for an exposure time (any
        unit), "coverage" if only the zeros mean something.
    noise_factor : float
        Standard deviation per pixel that adds up in sums over ``weight**-0.5``.
    photon_noise : bool
        If true, the weights include the photon noise of the sources.
    """

    values: np.ndarray
    kind: str
    noise_factor: float = 1.0
    photon_noise: bool = True

    def __post_init__(self) -> None:
        if self.kind not in _KINDS:
            raise ValueError(f"weight kind is {self.kind!r}; expected one of {', '.join(_KINDS)}")


def drizzle_noise_ratio(drop: float) -> float:
    """Return R: noise of a sum of drizzled pixels over that of as many independent pixels.

    Parameters
    ----------
    drop : float
        Side of drizzle's drops in output pixels, pixfrac × input pixel / output pixel.

    Returns
    -------
    float
        Ratio R of the two, at least 1.

    Raises
    ------
    ValueError
        If the size is not positive.

    References
    ----------
    Fruchter & Hook (2002, PASP 114, 144), equations 9 and 10; Casertano et al. (2000, AJ 120,
    2747), appendix.

    Examples
    --------
    >>> round(drizzle_noise_ratio(1.0), 6)
    1.5
    """
    if not drop > 0:
        raise ValueError(f"drop is {drop!r}; expected the side of a drop in pixels, above 0")
    return drop / (1.0 - 1.0 / (3.0 * drop)) if drop >= 1.0 else 1.0 / (1.0 - drop / 3.0)


def weight_kind(typical: float, unit: str, name: str, exposure: float) -> str | None:
    """Tell an inverse variance from an exposure time.

    Parameters
    ----------
    typical : float
        Median of the positive weights, in the unit of the map.
    unit : str
        BUNIT of the map; empty if it has none.
    name : str
        Name of its file, as those of STScI tell the kind.
    exposure : float
        Exposure time of the image in seconds, 0 if unknown.

    Returns
    -------
    str or None
        "variance" or "exposure" as unit, name or value say, in this order; None if they do not.
    """
    if re.fullmatch(r"\s*(s|secs?|seconds?)\s*", unit, re.IGNORECASE):
        return "exposure"
    if re.search(r"\*\*\s*\(?-?2|\^\(?-?2|-2\b|^\s*1\s*/", unit):
        return "variance"
    words = re.search(r"(?:^|[_-])(exp|err|ivm)[_-]dr[cz]", name.lower())
    if words:
        return "exposure" if words[1] == "exp" else "variance"
    if exposure > 0:
        ratio = typical / exposure
        if 0.4 <= ratio <= 1.6:
            return "exposure"
        return "variance" if ratio > 2.2 or ratio < 0.1 else None
    return None


def calibrate_weights(
    weight: WeightMap, noise: BackgroundNoise, ratio: float, photons: bool, source: str
) -> WeightMap:
    """Return an inverse-variance map with its noise factor, checked against the image.

    Parameters
    ----------
    weight : WeightMap
        Map of kind "variance"; others are returned as they are.
    noise : BackgroundNoise
        Noise and weight in the smoothest tiles of the image.
    ratio : float
        Drizzle's noise ratio R.
    photons : bool
        If true, the weights include the photon noise of the sources.
    source : str
        Name of the map, for messages.

    Returns
    -------
    WeightMap
        ``noise_factor`` is 1 if single pixels scatter less than the map says, as drizzle's do, and
        R if they scatter as it says. Where nothing could be measured it is 1.

    Raises
    ------
    InputFileError
        If the weights cannot be inverse variances of this image.
    """
    if weight.kind != "variance":
        return weight
    factor = 1.0
    measured = noise.sigma * np.sqrt(noise.weight)
    if np.isfinite(measured):
        if not 1.0 / (_TOLERANCE * ratio) < measured < _TOLERANCE:
            raise InputFileError(
                f"the weight map {source} is no inverse variance of its image: pixels scatter "
                f"{measured:.3g} times as much as weight**-0.5; expected 1/(e/s)**2 as in an ERR "
                "or IVM weight map, or exposure times with BUNIT = 's'"
            )
        factor = ratio if measured > ratio**-0.5 else 1.0
    return WeightMap(weight.values, weight.kind, float(factor), photons)


def weights_include_photon_noise(
    tiles: np.ndarray, weights: np.ndarray, electrons_per_count: float
) -> bool:
    """Tell whether weights include the photon noise of the sources.

    Parameters
    ----------
    tiles, weights : ndarray
        Samples of image and weights, shape (n_tile, side, side), NaN without data.
    electrons_per_count : float
        Electrons behind a pixel value of 1; 0 if unknown.

    Returns
    -------
    bool
        True if the variance grows with brightness as photons demand, or if nothing is known of the
        photons; False if it does not, or if the image is too faint to tell.
    """
    if electrons_per_count <= 0:
        return True
    usable = np.isfinite(tiles).any(axis=(1, 2))
    counts = np.nanmean(tiles[usable], axis=(1, 2))
    variance = np.nanmedian(1.0 / weights[usable], axis=(1, 2))
    if len(counts) < 2:
        return True
    faint, bright = counts <= np.percentile(counts, 25), counts >= np.percentile(counts, 95)
    expected = (counts[bright].mean() - counts[faint].mean()) / electrons_per_count
    if expected < 0.2 * variance[faint].mean():
        return False
    return bool(variance[bright].mean() - variance[faint].mean() > 0.5 * expected)
