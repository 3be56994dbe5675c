"""Maps of the spaxels of a cube that come beside it: bins, and velocities.

In a rotating galaxy the emission lines and the interstellar sodium of a spaxel are not at the
redshift of the galaxy. With a map of velocities every spectrum is brought to its own rest frame, so
that masks lie on its own lines and the velocity that is left to infer is small.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.ndimage import distance_transform_edt

from amortized_sfh.data.files.fits_files import (
    InputFileError,
    extension_names,
    find_image,
    open_fits,
)

MAX_VELOCITY_KMS = 1000.0
"""Beyond this a velocity within a galaxy is taken for a failed measurement."""

_NAMES = ("V_STARS", "V", "VEL", "VELOCITY", "VELOCITY_MAP", "PRIMARY")


class VelocityMap(NamedTuple):
    """Velocities of all spaxels of a cube.

    Attributes
    ----------
    velocity_kms : ndarray
        Relative to the redshift of the galaxy (c Δλ/λ), shape (ny, nx), finite everywhere.
    n_filled : int
        Number of spaxels that have taken the velocity of their nearest neighbour.
    source : str
        File name of the map, for the headers of products; "array" if it came without a file.
    """

    velocity_kms: np.ndarray
    n_filled: int
    source: str = "array"


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


def split_extension(text: str) -> tuple[Path, str | None]:
    """Read ``FILE`` or ``FILE:EXTENSION``.

    Parameters
    ----------
    text : str
        File name, with the name or number of an extension behind a colon where one is meant.

    Returns
    -------
    file : Path
        Name of the file alone.
    extension : str or None
        The extension; None if the text names none.

    Examples
    --------
    >>> split_extension("maps.fits:V_STARS")
    (PosixPath('maps.fits'), 'V_STARS')
    >>> split_extension("maps.fits")
    (PosixPath('maps.fits'), None)
    """
    file, found, extension = text.rpartition(":")
    if not found or "/" in extension or not file or Path(text).is_file():
        return Path(text), None
    return Path(file), extension


def read_velocity_map(
    velocity: str | Path | np.ndarray | VelocityMap,
    shape: tuple[int, int],
    window_shape: tuple[int, int] | None = None,
) -> VelocityMap:
    """Return the velocity of every spaxel.

    Parameters
    ----------
    velocity : str, Path, ndarray or VelocityMap
        The map itself, or a FITS file as ``FILE`` or ``FILE:EXTENSION`` (name or number). Without
        an extension V_STARS, V, VEL or VELOCITY is taken, else the first image. Of a stack of
        planes the first is the velocity, as in V of this package's own maps.
    shape : tuple of int
        Spatial shape (ny, nx) of the whole cube.
    window_shape : tuple of int, optional
        Shape (ny, nx) of the part of the cube that is read: a map of this shape is one of that part
        alone, as a run on the same part writes.

    Returns
    -------
    VelocityMap
        Of the shape of the map that was given. Spaxels that are NaN or beyond ±1000 km/s have taken
        the velocity of the nearest that is not.

    Raises
    ------
    FileNotFoundError, InputFileError
        If there is no such file or extension, or no image in it.
    ValueError
        If the shape differs from the cube's, or the velocities are not those within a galaxy.
    """
    given = velocity.velocity_kms if isinstance(velocity, VelocityMap) else velocity
    if isinstance(given, np.ndarray):
        values, source, name = given, "the velocity map", "array"
    else:
        values = _read_image(*split_extension(str(given)))
        source, name = f"the velocity map {given}", Path(given).name
    if values.shape not in (shape, window_shape):
        other = "" if window_shape in (None, shape) else f" or the region's {window_shape}"
        raise ValueError(
            f"{source} has shape {values.shape}; expected the cube's {shape}{other} (ny, nx)"
        )
    if isinstance(velocity, VelocityMap):
        return velocity
    values = np.asarray(values, dtype=np.float64)
    seen = np.isfinite(values)
    if not seen.any():
        raise ValueError(f"{source} holds no finite velocity; expected km/s")
    typical = float(np.median(np.abs(values[seen])))
    if typical > MAX_VELOCITY_KMS:
        raise ValueError(
            f"{source} has a median speed of {typical:.0f} km/s; expected velocities in km/s "
            "relative to the redshift of the galaxy: subtract its systemic velocity"
        )
    return fill_velocities(values)._replace(source=name)


def fill_velocities(velocity_kms: np.ndarray) -> VelocityMap:
    """Give spaxels without a credible velocity that of the nearest that has one.

    Parameters
    ----------
    velocity_kms : ndarray
        Velocities relative to the redshift of the galaxy in km/s, shape (ny, nx); NaN where there
        is none, and beyond ±1000 km/s where a measurement has failed.

    Returns
    -------
    VelocityMap
        The velocities, finite everywhere; 0 if no spaxel has a credible one.
    """
    seen = np.isfinite(velocity_kms)
    seen &= np.abs(np.where(seen, velocity_kms, 0.0)) <= MAX_VELOCITY_KMS
    n_filled = int((~seen).sum())
    if not seen.any():
        return VelocityMap(np.zeros(velocity_kms.shape), n_filled)
    nearest = distance_transform_edt(~seen, return_distances=False, return_indices=True)
    return VelocityMap(velocity_kms[tuple(nearest)], n_filled)


def _read_image(path: Path, extension: str | None) -> np.ndarray:
    """Read a map (ny, nx), or the first plane of a stack, from an extension by name or number."""
    with open_fits(path) as hdul:
        if extension is None:
            found = (find_image(hdul, _NAMES, n_dim, others=True) for n_dim in (2, 3))
            index = next((i for i in found if i is not None), None)
        elif extension.isdigit():
            index = int(extension) if int(extension) < len(hdul) else None
        else:
            index = next((i for i, h in enumerate(hdul) if h.name == extension.upper()), None)
        hdu = None if index is None else hdul[index]
        if hdu is None or not hdu.is_image or hdu.header.get("NAXIS") not in (2, 3):
            wanted = "no image" if extension is None else f"no image {extension!r}"
            raise InputFileError(
                f"{path} holds {wanted} (found {extension_names(hdul)}); expected a map of "
                "velocities in km/s"
            )
        values = np.array(hdu.data, dtype=np.float64)
    return values[0] if values.ndim == 3 else values
