"""Scatter of spaxels against their error bars, and its correlation along wavelength.

Spectra of spaxels three apart are subtracted from each other, scaled to the same light, so that
neither the galaxy nor what neighbours share of the sky's residuals is left. Second differences over
13 pixels then leave noise alone. Their autocorrelation is that of the noise up to lag 6: the filter
itself correlates only lags of 13 and 26.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.optimize import least_squares

from amortized_sfh.data.cube_noise.sky_spaxels import SpaxelSpectra, row_medians
from simulators.noise.profile import MAX_TAPS
from simulators.robust import MAD_TO_SIGMA

_MAX_LAG = MAX_TAPS - 1
_SEPARATION = 3
"""Spaxels between the two of a pair: their noise is independent."""

_LAG = 13
_BLOCK = 50
_WINDOW = 100
_MIN_PIXELS = 2000
_MIN_PAIRS = 30
_ENOUGH = 0.01
_TOLERANCE = 0.05


class NoiseScatter(NamedTuple):
    """Scatter over error bars.

    Attributes
    ----------
    pixel : ndarray
        Middle of each window of wavelength, in planes, shape (n_window,).
    scale : ndarray
        Noise over error bar of a single spaxel in each, shape (n_window,).
    autocorrelation : ndarray
        Correlation of the noise along wavelength at lags 0 to 6, shape (7,).
    n_pairs : int
        Number of pairs of spaxels that it was measured from.
    """

    pixel: np.ndarray
    scale: np.ndarray
    autocorrelation: np.ndarray
    n_pairs: int


def measure_scatter(spectra: SpaxelSpectra, use: np.ndarray) -> NoiseScatter:
    """Measure scale and correlation of the noise of single spaxels.

    Parameters
    ----------
    spectra : SpaxelSpectra
        Spectra of whole rows of spaxels.
    use : ndarray
        Planes to use, such as those without emission lines, bool, shape (n_plane,).

    Returns
    -------
    NoiseScatter
        Scale and correlation from medians of absolute values, robust against outliers.

    Raises
    ------
    ValueError
        If there are too few pairs of spaxels or too few wavelengths.
    """
    z = np.where(use, _pair_residuals(spectra), np.nan)
    if z.shape[1] <= 2 * _LAG:
        raise ValueError(
            f"{z.shape[1]} wavelength pixels are too few to measure noise; expected more than "
            f"{2 * _LAG}: choose a redshift at which the cube reaches the model"
        )
    y = z[:, 2 * _LAG :] - 2.0 * z[:, _LAG:-_LAG] + z[:, : -2 * _LAG]
    windows = np.array_split(np.arange(y.shape[1]), max(1, round(y.shape[1] / _WINDOW)))
    pixel = np.array([part.mean() + _LAG for part in windows])
    scale = np.array([_window_scale(y[:, part]) for part in windows])
    known = np.isfinite(scale)
    if not known.any():
        raise ValueError(
            "no window of wavelengths has enough valid pixels to measure noise; choose a larger "
            "region"
        )
    return NoiseScatter(pixel[known], scale[known], _autocorrelation(y), len(z))


def fit_kernel(autocorrelation: np.ndarray) -> tuple[float, ...]:
    """Find the fewest symmetric taps whose autocorrelation is the one measured.

    Parameters
    ----------
    autocorrelation : ndarray
        Correlation at lags 0 to 6, shape (7,), 1 at lag 0.

    Returns
    -------
    tuple of float
        Odd number of taps of unit L2 norm, within 0.01 of every lag where seven taps can be.

    Raises
    ------
    ValueError
        If even seven taps miss by more than 0.05.

    Examples
    --------
    >>> fit_kernel(np.eye(7)[0])
    (1.0,)
    """
    miss = np.inf
    for half in range(MAX_TAPS // 2 + 1):
        taps = _fit_taps(autocorrelation, half)
        miss = float(np.abs(_correlation_of(taps) - autocorrelation).max())
        if miss <= _ENOUGH:
            break
    if miss > _TOLERANCE:
        raise ValueError(
            f"noise along wavelength is correlated by {np.round(autocorrelation[1:], 2)} at lags 1 "
            f"to {_MAX_LAG}, which {MAX_TAPS} taps miss by {miss:.2f}; expected a cube that was "
            "not smoothed or resampled to finer pixels"
        )
    return tuple(taps.tolist())


def smooth_part(spectra: np.ndarray) -> np.ndarray:
    """Continuum of spectra: medians of blocks of 50 pixels, joined by straight lines.

    Parameters
    ----------
    spectra : ndarray
        Fluxes, shape (n, n_plane), NaN where not valid.

    Returns
    -------
    ndarray
        Their continuum, shape (n, n_plane), finite.
    """
    pixel = np.arange(spectra.shape[1])
    parts = np.array_split(pixel, max(1, round(len(pixel) / _BLOCK)))
    centres = np.array([part.mean() for part in parts])
    knots = np.stack([row_medians(spectra[:, part]) for part in parts], axis=1)
    smooth = np.zeros_like(spectra)
    for out, values in zip(smooth, knots, strict=True):
        known = np.isfinite(values)
        if known.any():
            out[:] = np.interp(pixel, centres[known], values[known])
    return smooth


def _pair_residuals(spectra: SpaxelSpectra) -> np.ndarray:
    """Differences of spaxels of a row in units of their errors, shape (n_pair, n_plane)."""
    place = {(y, x): i for i, (y, x) in enumerate(zip(spectra.y, spectra.x, strict=True))}
    pairs = [(i, place[y, x + _SEPARATION]) for (y, x), i in place.items()
             if (y, x + _SEPARATION) in place]  # fmt: skip
    near, far = np.array(pairs, dtype=int).reshape(-1, 2).T
    light, noise = row_medians(spectra.flux), row_medians(spectra.sigma)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = light[near] / light[far]
        # what is fainter than its noise has no features that would have to be scaled away
        faint = np.maximum(light[near] / noise[near], light[far] / noise[far]) < 1.0
        alike = np.isfinite(light[near] + light[far]) & (faint | (np.abs(np.log(ratio)) < 1.0))
    near, far, ratio = near[alike], far[alike], np.where(faint, 1.0, ratio)[alike, None]
    if len(near) < _MIN_PAIRS:
        raise ValueError(
            f"{len(near)} pairs of spaxels {_SEPARATION} apart are too few to measure noise; "
            f"expected at least {_MIN_PAIRS}: choose a larger region"
        )
    ratio = ratio.astype(np.float32)
    flux = spectra.flux[near] - ratio * spectra.flux[far]
    sigma = np.sqrt(spectra.sigma[near] ** 2 + ratio**2 * spectra.sigma[far] ** 2)
    return (flux - smooth_part(flux)) / sigma


def _window_scale(y: np.ndarray) -> float:
    """Scatter of second differences, whose variance is six times that of the noise."""
    values = y[np.isfinite(y)]
    return _scatter(values) / 6.0**0.5 if values.size >= _MIN_PIXELS else float("nan")


def _scatter(values: np.ndarray) -> float:
    """Robust standard deviation in double precision, whatever that of the values."""
    return MAD_TO_SIGMA * float(np.median(np.abs(values)))


def _autocorrelation(y: np.ndarray) -> np.ndarray:
    """Robust: variance of sums against that of differences (Gnanadesikan & Kettenring 1972)."""
    rho = np.ones(_MAX_LAG + 1)
    for lag in range(1, _MAX_LAG + 1):
        later, earlier = y[:, lag:], y[:, :-lag]
        both = np.isfinite(later) & np.isfinite(earlier)
        plus = _scatter(later[both] + earlier[both]) ** 2
        minus = _scatter(later[both] - earlier[both]) ** 2
        rho[lag] = (plus - minus) / (plus + minus)
    return rho


def _fit_taps(autocorrelation: np.ndarray, half: int) -> np.ndarray:
    """Best symmetric taps with `half` on each side of the middle, of unit norm."""

    def taps_of(side: np.ndarray) -> np.ndarray:
        taps = np.concatenate([side[::-1], [1.0], side])
        return taps / np.sqrt((taps**2).sum())

    def miss(side: np.ndarray) -> np.ndarray:
        return _correlation_of(taps_of(side)) - autocorrelation

    if half == 0:
        return taps_of(np.zeros(0))
    start = 0.5 * autocorrelation[1 : half + 1]
    return taps_of(least_squares(miss, start).x)


def _correlation_of(taps: np.ndarray) -> np.ndarray:
    """Autocorrelation at lags 0 to 6."""
    full = np.correlate(taps, taps, mode="full")[len(taps) - 1 :]
    return np.pad(full, (0, _MAX_LAG + 1 - len(full)))
