"""ds9 regions: foreground stars to leave out, and apertures whose spectra are co-added.

Files are read with the `regions` package, in sky or image coordinates. A spaxel belongs to a region
if its centre lies inside; a region smaller than a spaxel, or a point, is the spaxel that it is in.
Regions that ds9 excludes (``-circle(...)``) are cut out of all others.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from astropy.utils.exceptions import AstropyUserWarning
from astropy.wcs import WCS
from regions import (
    PixelRegion,
    PointPixelRegion,
    Region,
    RegionMeta,
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
        texts = (str(_meta(r).get("text", "")).strip() for r in self.regions)
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
    counts = tuple(r for r in found if _meta(r).get("include", 1))
    if not counts:
        raise InputFileError(f"{path} holds no region; expected at least one, saved by ds9")
    excluded = tuple(r for r in found if not _meta(r).get("include", 1))
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
    for region, name in zip(file.regions, file.names, strict=True):
        members = _covered(_pixels(region, f"{name!r} of {file.source}", wcs), shape)
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
    for i, (region, name) in enumerate(zip(file.regions, file.names, strict=True)):
        members = _members(region, f"{name!r} of {file.source}", wcs, shape) & ~cut
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


def _meta(region: Region) -> RegionMeta:
    return region.meta


def _cut(file: Ds9Regions, wcs: WCS | None, shape: tuple[int, int]) -> np.ndarray:
    inside = np.zeros(shape, dtype=bool)
    for region in file.excluded:
        pixels = _pixels(region, f"an excluded region of {file.source}", wcs)
        inside |= _covered(pixels, shape)
    return inside


def _members(region: Region, what: str, wcs: WCS | None, shape: tuple[int, int]) -> np.ndarray:
    inside = _covered(_pixels(region, what, wcs), shape)
    if not inside.any():
        ny, nx = shape
        raise ValueError(
            f"region {what} lies outside the cube of {nx} x {ny} spaxels; check its coordinates "
            "(sky, or image pixels from 1) or leave it out"
        )
    return inside


def _pixels(region: Region, what: str, wcs: WCS | None) -> PixelRegion:
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
    return region


def _covered(region: PixelRegion, shape: tuple[int, int]) -> np.ndarray:
    """Spaxels of a region, bool (ny, nx)."""
    inside = np.zeros(shape, dtype=bool)
    if not isinstance(region, PointPixelRegion):
        image = region.to_mask(mode="center").to_image(shape)
        if image is not None:
            inside = image > 0
    if not inside.any():
        centre = _centre(region)
        y, x = (int(np.floor(value + 0.5)) for value in centre)
        inside[y : y + 1, x : x + 1] = min(x, y) >= 0 and _is_small(region)
    return inside


def _is_small(region: PixelRegion) -> bool:
    """Tell if a region can fall between the centres of spaxels."""
    return isinstance(region, PointPixelRegion) or region.area < 2.0


def _centre(region: PixelRegion) -> tuple[float, float]:
    """Return y and x in the middle of a region."""
    if hasattr(region, "center"):
        return float(region.center.y), float(region.center.x)
    return float(np.mean(region.vertices.y)), float(np.mean(region.vertices.x))
