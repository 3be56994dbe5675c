"""From the pixels of an HST image to the spaxels of a cube, by exact overlap."""

from __future__ import annotations

import warnings

import numpy as np
from astropy.wcs import WCS
from astropy.wcs.utils import proj_plane_pixel_area
from reproject import reproject_exact

from amortized_sfh.data.hst.image import HstImage


def footprint(
    image: HstImage, wcs: WCS, shape: tuple[int, int], margin: int
) -> tuple[slice, slice]:
    """Return the part of an image that covers a cube.

    Parameters
    ----------
    image : HstImage
        Image of which a part is wanted.
    wcs : WCS
        Celestial WCS of the cube.
    shape : tuple of int
        Spatial shape (ny, nx) of the cube.
    margin : int
        Pixels of the image to add on every side.

    Returns
    -------
    tuple of slice
        Rows and columns of the image.

    Raises
    ------
    ValueError
        If they do not overlap.
    """
    ny, nx = shape
    y = np.concatenate([np.linspace(-0.5, ny - 0.5, 9), np.full(9, -0.5)] * 2)
    x = np.concatenate([np.full(9, -0.5), np.linspace(-0.5, nx - 0.5, 9)] * 2)
    y[27:], x[18:27] = ny - 0.5, nx - 0.5
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        u, v = image.wcs.world_to_pixel(wcs.pixel_to_world(x, y))
    if not (np.isfinite(u).any() and np.isfinite(v).any()):
        raise ValueError(no_overlap_message(image))
    bounds = []
    for position, size in ((v, image.data.shape[0]), (u, image.data.shape[1])):
        low = max(int(np.floor(np.nanmin(position))) - margin, 0)
        high = min(int(np.ceil(np.nanmax(position))) + margin + 1, size)
        if low >= high:
            raise ValueError(no_overlap_message(image))
        bounds.append(slice(low, high))
    return bounds[0], bounds[1]


def no_overlap_message(image: HstImage) -> str:
    """Return the message about an image that does not overlap the cube."""
    return (
        f"the {image.band} image {image.source} does not overlap the cube; "
        "check both WCS, or leave the band out"
    )


def average_over_spaxels(
    planes: list[np.ndarray], source: WCS, target: WCS, shape: tuple[int, int]
) -> list[np.ndarray]:
    """Average planes over spaxels by exact overlap; fine pixels are first merged, to be quick.

    Parameters
    ----------
    planes : list of ndarray
        Maps on the pixels of one image, such as flux and variance, each of one shape.
    source, target : WCS
        Celestial WCS of the planes, and of the spaxels.
    shape : tuple of int
        Number of rows and columns of spaxels, (ny, nx).

    Returns
    -------
    list of ndarray
        Mean of each plane over each spaxel, shape (ny, nx), NaN outside.
    """
    merged = source
    fine = np.sqrt(proj_plane_pixel_area(source) / proj_plane_pixel_area(target))
    n = int(0.5 / fine)
    if n > 1 and not source.has_distortion:
        merged = source.deepcopy()
        merged.wcs.crpix = (np.asarray(source.wcs.crpix) - 0.5) / n + 0.5
        if source.wcs.has_cd():
            merged.wcs.cd = source.wcs.cd * n
        else:
            merged.wcs.cdelt = np.asarray(source.wcs.cdelt) * n
        planes = [_merge(plane, n) for plane in planes]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return [
            reproject_exact((plane, merged), target, shape_out=shape, return_footprint=False)
            for plane in planes
        ]


def _merge(plane: np.ndarray, n: int) -> np.ndarray:
    """Average over squares of n x n pixels, with 0 beyond the edge."""
    ny, nx = (-(-size // n) * n for size in plane.shape)
    padded = np.pad(plane, ((0, ny - plane.shape[0]), (0, nx - plane.shape[1])))
    return padded.reshape(ny // n, n, nx // n, n).mean(axis=(1, 3))
