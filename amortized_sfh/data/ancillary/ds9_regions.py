"""ds9 regions: foreground stars to leave out, and apertures whose spectra are co-added.

Files are read with the `regions` package, in sky or image coordinates. A spaxel belongs to a region
if its centre lies inside; a region smaller than a spaxel, or a point, is the spaxel that it is in.
Regions that ds9 excludes (``-circle(...)``) are cut out of all others.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from astropy.utils.exceptions import AstropyUserWarning
from astropy.wcs import WCS
from regions import (
    PointPixelRegion,
    Region,
    Regions,
    SkyRegion,
    TextPixelRegion,
)

from amortized_sfh.data.files.fits_files import InputFileError


@dataclass(frozen=True)
class Ds9Regions:
    """Regions as read from a file of ds9.

    Parameters
    ----------
    source : str
        Name of the file, for messages.
    regions : tuple of regions.Region
        Regions that count, in the order of the file.
    excluded : tuple of regions.Region
        Regions that are cut out of all others.
    """

    source: str
    regions: tuple[Region, ...]
    excluded: tuple[Region, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Name of each region: its text in ds9, or its number from 1."""
        texts = (str(r.meta.get("text", "")).strip() for r in self.regions)
        names = (text.encode("ascii", "replace").decode() for text in texts)  # for FITS tables
        return tuple(name or f"region {i}" for i, name in enumerate(names, start=1))


def read_ds9_regions(path: str | Path) -> Ds9Regions:
    """Read a ds9 region file.

    Parameters
    ----------
    path : str or Path
        Name of the file, usually ``.reg``.

    Returns
    -------
    Ds9Regions
        The regions of the file, at least one.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    InputFileError
        If it is no region file, holds no region, or one of a shape or coordinate system that is
        not understood.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"no such file: {path}")
    try:
        with warnings.catch_warnings():
            # the package leaves out what it does not know with a warning; here it is an error
            warnings.simplefilter("error", AstropyUserWarning)
            found = list(Regions.read(str(path), format="ds9"))
    except (AstropyUserWarning, ValueError, IndexError, KeyError, TypeError) as error:
        raise InputFileError(
            f"{path} is not a ds9 region file that can be used ({error}); expected circles, "
            "ellipses, boxes, polygons, annuli or points in fk5, icrs, galactic or image "
            "coordinates"
        ) from error
    counts = tuple(r for r in found if r.meta.get("include", 1))
    if not counts:
        raise InputFileError(f"{path} holds no region; expected at least one, saved by ds9")
    excluded = tuple(r for r in found if not r.meta.get("include", 1))
    return Ds9Regions(str(path), counts, excluded)


def ds9_mask(file: Ds9Regions, wcs: WCS | None, shape: tuple[int, int]) -> np.ndarray:
    """Return the spaxels that lie in any of the regions.

    Parameters
    ----------
    file : Ds9Regions
        Regions as read from a file.
    wcs : WCS or None
        Celestial WCS of the cube, for regions in sky coordinates.
    shape : tuple of int
        Spatial shape (ny, nx) of the whole cube.

    Returns
    -------
    ndarray
        True for spaxels inside, shape (ny, nx).

    Raises
    ------
    ValueError
        If all regions lie outside the cube, one has no area, or one is in sky coordinates and the
        cube is not.

    Warns
    -----
    UserWarning
        If some regions lie outside the cube: lists of stars usually cover more than one field.
    """
    inside, outside = np.zeros(shape, dtype=bool), []
    for name, members in _members(file, wcs, shape):
        inside |= members
        if not members.any():
            outside.append(name)
    ny, nx = shape
    if len(outside) == len(file.regions):
        raise ValueError(
            f"all regions of {file.source} lie outside the cube of {nx} x {ny} spaxels; check "
            "their coordinates (sky, or image pixels from 1)"
        )
    if outside:
        listed = ", ".join(outside[:3]) + (", ..." if len(outside) > 3 else "")
        warnings.warn(
            f"{len(outside)} of {len(file.regions)} regions of {file.source} lie outside the cube "
            f"of {nx} x {ny} spaxels and mask nothing ({listed})",
            stacklevel=2,
        )
    return inside & ~_cut(file, wcs, shape)


def aperture_bins(file: Ds9Regions, wcs: WCS | None, shape: tuple[int, int]) -> np.ndarray:
    """Return a bin map in which each region is one bin.

    Parameters
    ----------
    file : Ds9Regions
        Regions as read from a file.
    wcs : WCS or None
        Celestial WCS of the cube, for regions in sky coordinates.
    shape : tuple of int
        Spatial shape (ny, nx) of the whole cube.

    Returns
    -------
    ndarray
        Number of the region from 0 in the order of the file, -1 outside, shape (ny, nx), int64.

    Raises
    ------
    ValueError
        If a region lies outside the cube, has no area, is in sky coordinates and the cube is not,
        shares spaxels with another, or nothing is left of it.
    """
    number = np.full(shape, -1, dtype=np.int64)
    cut = _cut(file, wcs, shape)
    for i, (name, whole) in enumerate(_members(file, wcs, shape)):
        if not whole.any():
            ny, nx = shape
            raise ValueError(
                f"region {name!r} of {file.source} lies outside the cube of {nx} x {ny} spaxels; "
                "check its coordinates (sky, or image pixels from 1) or leave it out"
            )
        members = whole & ~cut
        if not members.any():
            raise ValueError(
                f"nothing is left of region {name!r} of {file.source} after the excluded regions; "
                "expected at least one spaxel"
            )
        taken = number[members & (number >= 0)]
        if taken.size:
            raise ValueError(
                f"regions {file.names[taken[0]]!r} and {name!r} of {file.source} share "
                f"{taken.size} spaxels; expected apertures that do not overlap: infer one of them "
                "in a run of its own"
            )
        number[members] = i
    return number


def _members(
    file: Ds9Regions, wcs: WCS | None, shape: tuple[int, int]
) -> Iterator[tuple[str, np.ndarray]]:
    """Yield the name of each region, and its spaxels before others are cut out, bool (ny, nx)."""
    for region, name in zip(file.regions, file.names, strict=True):
        yield name, _covered(region, f"{name!r} of {file.source}", wcs, shape)


def _cut(file: Ds9Regions, wcs: WCS | None, shape: tuple[int, int]) -> np.ndarray:
    """Return True for the spaxels of the excluded regions, shape (ny, nx)."""
    inside = np.zeros(shape, dtype=bool)
    for region in file.excluded:
        inside |= _covered(region, f"an excluded region of {file.source}", wcs, shape)
    return inside


def _covered(region: Region, what: str, wcs: WCS | None, shape: tuple[int, int]) -> np.ndarray:
    """Return True for the spaxels of a region, shape (ny, nx), or for the one that holds it."""
    if isinstance(region, SkyRegion):
        if wcs is None:
            raise ValueError(
                f"region {what} is in sky coordinates and the cube has no celestial WCS; draw it "
                "in image coordinates"
            )
        region = region.to_pixel(wcs)
    is_point = isinstance(region, PointPixelRegion) and not isinstance(region, TextPixelRegion)
    if not is_point and not region.area > 0:
        raise ValueError(
            f"region {what} is a {type(region).__name__} without area; expected a closed shape or "
            "a point"
        )
    image = None if is_point else region.to_mask(mode="center").to_image(shape)
    inside = np.zeros(shape, dtype=bool) if image is None else image > 0
    if not inside.any() and (is_point or region.area < 2.0):  # it falls between the centres
        place = region.center if hasattr(region, "center") else region.vertices
        y, x = (int(np.floor(np.mean(value) + 0.5)) for value in (place.y, place.x))
        inside[y : y + 1, x : x + 1] = min(x, y) >= 0
    return inside
