"""Spatial bins that reach a target S/N."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np

from simulators.noise.growth import NOISE_GROWTH, noise_growth_factor


def bin_to_snr(
    signal: np.ndarray, noise: np.ndarray, target_snr: float, slope: float = NOISE_GROWTH
) -> np.ndarray:
    """Group spaxels into bins of nearly constant S/N.

    Parameters
    ----------
    signal, noise : ndarray
        Typical flux and error per spectral pixel of each spaxel, shape (ny, nx). Spaxels with NaN
        or without positive noise get no bin.
    target_snr : float
        S/N per spectral pixel wanted in each bin.
    slope : float
        Growth of the noise of bins per decade of spaxels, see
        :func:`~simulators.noise.growth.noise_growth_factor`.

    Returns
    -------
    ndarray
        Bin numbers from 0, shape (ny, nx), int64, -1 where there is none.

    Raises
    ------
    ImportError
        If powerbin is not installed.
    ValueError
        If the target is not positive, no spaxel is usable, or all of them together are too faint.

    References
    ----------
    Cappellari (2025, MNRAS 544, 1432).
    """
    if not (np.isfinite(target_snr) and target_snr > 0):
        raise ValueError(f"target_snr is {target_snr!r}; expected a positive number")
    usable = np.isfinite(signal) & np.isfinite(noise) & (np.nan_to_num(noise) > 0)
    if not usable.any():
        raise ValueError("no spaxel has a usable signal and noise; there is nothing to bin")
    capacity = _snr_squared(signal[usable], noise[usable] ** 2, slope)
    total = float(np.sqrt(capacity(np.arange(int(usable.sum())))))
    if total < target_snr:
        raise ValueError(
            f"target_snr is {target_snr:g}, but all {int(usable.sum())} spaxels together reach "
            f"{total:.1f}; choose a lower target or another region"
        )
    yx = np.argwhere(usable)
    numbers = np.full(signal.shape, -1, dtype=np.int64)
    numbers[usable] = _power_bins(yx[:, ::-1].astype(np.float64), capacity, target_snr**2)
    return numbers


def _snr_squared(
    signal: np.ndarray, variance: np.ndarray, slope: float
) -> Callable[[np.ndarray], float]:
    def capacity(index: np.ndarray) -> float:
        index = np.atleast_1d(index)
        light = max(float(signal[index].sum()), 0.0)
        growth = float(noise_growth_factor(np.array(index.size), slope))
        return light**2 / (float(variance[index].sum()) * growth**2)

    return capacity


def _power_bins(
    xy: np.ndarray, capacity: Callable[[np.ndarray], float], target: float
) -> np.ndarray:
    if len(xy) < 3 or min(capacity(np.array([i])) for i in range(len(xy))) >= target:
        return np.arange(len(xy))
    try:
        from powerbin import PowerBin  # noqa: PLC0415 (optional)
    except ImportError as error:
        raise ImportError(
            "binning to a target S/N needs powerbin: pip install 'amortized-sfh[binning]', "
            "or give a bin map instead"
        ) from error
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # its statistics of a single bin
        result = PowerBin(xy, capacity, target, pixelsize=1.0, verbose=0)
    return np.unique(result.bin_num, return_inverse=True)[1]
