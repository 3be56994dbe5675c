"""Spatial bins: reading a bin map, binning to a target S/N, and co-adding spectra and bands.

Co-added spectra are sums, so the stellar mass of a bin is the mass of all its spaxels.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from amortized_sfh.cubes.fits_input import InputFileError, find_image, open_fits
from amortized_sfh.cubes.noise_growth import NOISE_GROWTH, noise_growth_factor

__all__ = ["Coadder", "bin_to_snr", "read_bin_map"]

MIN_LIGHT = 0.9
"""A pixel of a bin is valid if spaxels with at least this share of the bin's light have it."""


def read_bin_map(bins: str | Path | np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Return the bin of every spaxel.

    Parameters
    ----------
    bins : str, Path or ndarray
        A FITS file with a 2-D image (extension BINID if there is one, else the first 2-D image),
        or the map itself. Spaxels without a bin are negative or NaN; 0 is a bin like any other.
    shape : tuple of int
        Spatial shape (ny, nx) of the whole cube.

    Returns
    -------
    ndarray
        Bin numbers, shape (ny, nx), int64, -1 where there is none.

    Raises
    ------
    FileNotFoundError, InputFileError
        If there is no such file, or no 2-D image in it.
    ValueError
        If the shape differs from the cube's, a number is no integer, or no spaxel has a bin.
    """
    if isinstance(bins, np.ndarray):
        values, source = bins, "the bin map"
    else:
        source = f"the bin map {bins}"
        with open_fits(bins) as hdul:
            names = ("BINID", "BIN_ID", "BINS", *(hdu.name.upper() for hdu in hdul))
            index = find_image(hdul, names, n_dim=2)
            if index is None:
                raise InputFileError(f"{bins} holds no 2-D image; expected a map of bin numbers")
            values = np.array(hdul[index].data)
    if values.shape != shape:
        raise ValueError(f"{source} has shape {values.shape}; expected the cube's {shape} (ny, nx)")
    has_bin = np.isfinite(values) & (np.nan_to_num(values, nan=-1.0) >= 0)
    numbers = np.where(has_bin, values, -1)
    if not np.array_equal(numbers, np.round(numbers)):
        raise ValueError(f"{source} holds numbers that are not whole; expected bin numbers")
    if not has_bin.any():
        raise ValueError(f"{source} assigns no spaxel to a bin; expected numbers of at least 0")
    return numbers.astype(np.int64)


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
        Noise growth, see :func:`~amortized_sfh.cubes.noise_growth.noise_growth_factor`.

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


class Coadder:
    """Running sums of spaxel spectra (or bands) into bins, fed chunk by chunk.

    A value missing in some spaxels of a bin is made up for by the light of the others, if these
    hold at least 90 % of the bin's light; else it is not valid.

    Parameters
    ----------
    row_of_spaxel : ndarray
        Bin of each spaxel, shape (n_spaxel,), -1 for none.
    light : ndarray
        Brightness of each spaxel, shape (n_spaxel,); weighs what is missing.
    n_value : int
        Spectral pixels (or bands) per spaxel.
    """

    def __init__(self, row_of_spaxel: np.ndarray, light: np.ndarray, n_value: int) -> None:
        self._row = torch.as_tensor(row_of_spaxel)
        n_bin = int(self._row.max()) + 1
        # Faint and negative spaxels still count: a floor keeps their weight positive.
        typical = float(np.mean(np.abs(light[row_of_spaxel >= 0]))) or 1.0
        self._light = torch.as_tensor(np.maximum(np.nan_to_num(light), 0.01 * typical)).double()
        self._flux, self._variance, self._seen = torch.zeros(3, n_bin, n_value, dtype=torch.float64)
        member = self._row >= 0
        self._total = torch.zeros(n_bin, dtype=torch.float64)
        self._total.index_add_(0, self._row[member], self._light[member])
        self.n_spaxels = torch.bincount(self._row[member], minlength=n_bin).numpy()

    def add(self, spaxels: slice, flux: Tensor, variance: Tensor, valid: Tensor) -> None:
        """Add a chunk of spaxels.

        Parameters
        ----------
        spaxels : slice
            Which spaxels these are.
        flux, variance : Tensor
            Shape (n_chunk, n_value).
        valid : Tensor
            True = use, shape (n_chunk, n_value).
        """
        member = self._row[spaxels] >= 0
        row, light = self._row[spaxels][member], self._light[spaxels][member]
        good = valid[member].double()
        self._flux.index_add_(0, row, torch.where(valid, flux, 0.0)[member].double())
        self._variance.index_add_(0, row, torch.where(valid, variance, 0.0)[member].double())
        self._seen.index_add_(0, row, good * light[:, None])

    def mean(self, values: np.ndarray) -> np.ndarray:
        """Return the mean of one value per spaxel in each bin, weighted with light.

        Parameters
        ----------
        values : ndarray
            Finite, shape (n_spaxel,).

        Returns
        -------
        ndarray
            Shape (n_bin,), float64.
        """
        member = self._row >= 0
        weighted = self._light[member] * torch.as_tensor(values).double()[member]
        total = torch.zeros_like(self._total).index_add_(0, self._row[member], weighted)
        return (total / self._total).numpy()

    def result(
        self, slope: float = NOISE_GROWTH, ceiling: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return the sums.

        Parameters
        ----------
        slope : float
            Noise growth, see :func:`~amortized_sfh.cubes.noise_growth.noise_growth_factor`.
        ceiling : Tensor, optional
            Largest possible variance of the sums, shape (n_bin, n_value), where it is known.

        Returns
        -------
        tuple of Tensor
            ``flux, sigma, valid``, each (n_bin, n_value).
        """
        share = self._seen / self._total[:, None]
        valid = share >= MIN_LIGHT
        boost = torch.where(valid, 1.0 / share.clamp(min=MIN_LIGHT), 0.0)
        growth = torch.as_tensor(noise_growth_factor(self.n_spaxels, slope))[:, None]
        variance = self._variance * boost**2 * growth**2
        if ceiling is not None:
            variance = torch.minimum(variance, ceiling)
        return (self._flux * boost).float(), variance.sqrt().float(), valid
