"""Bin maps: the bin of every spaxel, from a FITS file or an array."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from amortized_sfh.data.files.fits_files import InputFileError, find_image, open_fits


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
            index = find_image(hdul, ("BINID", "BIN_ID", "BINS"), 2, others=True)
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
