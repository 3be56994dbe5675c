"""The position of HST images against a cube, and correcting their WCS.

The WCS of old HST images can be wrong by more than an arcsecond, several spaxels. Bands that the
cube covers are compared with its own image in the band; the others take the offset of an image with
the same WCS, or are compared with the HST band nearest in wavelength.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import hypot

import numpy as np
from astropy.wcs import WCS

from amortized_sfh.data.cube_files.cube_file import CubeFile, Window, central_window, window_shape
from amortized_sfh.data.cube_files.synthetic_images import synthetic_image, white_image
from amortized_sfh.data.hst.image import HstImage
from amortized_sfh.data.hst.offset import MAX_SHIFT, Offset, measure_offset
from simulators.instruments.filters import read_filter

_NOTABLE_OFFSET = 0.3
"""Offset in spaxels that is worth a warning."""

_MAX_SIDE = 400
"""Of a larger window the middle is compared, which is far more than the accuracy needs."""

_SETTLED = 0.05
"""An image displaced by more, in spaxels, is compared again where it belongs."""

_ProjectImage = Callable[[HstImage, WCS, tuple[int, int]], np.ndarray]


@dataclass(frozen=True)
class Registration:
    """The position of one image against a cube.

    Parameters
    ----------
    offset : Offset or None
        Displacement in spaxels of the cube, None if it could not be measured.
    reference : str
        Image or WCS that this one was compared with, such as "MUSE F814W" or "WCS of F555W".
    problem : str
        Reason why the offset could not be measured; empty if it was.
    final : bool
        If true, nothing else is left to compare the image with.
    """

    offset: Offset | None
    reference: str
    problem: str = ""
    final: bool = False

    @property
    def notable(self) -> bool:
        """True if the image is displaced by more than the measurement and the maps can bear."""
        if self.offset is None:
            return False
        size = hypot(self.offset.dx, self.offset.dy)
        return size > _NOTABLE_OFFSET and size > 3.0 * self.offset.sigma


_UNTRIED = Registration(None, "none", "no band could be compared with the cube")


def correct_wcs(image: HstImage, offset: Offset, wcs: WCS) -> HstImage:
    """Return an image whose WCS is corrected by a measured offset.

    Parameters
    ----------
    image : HstImage
        Image that is displaced against a reference.
    offset : Offset
        Measured displacement of the image, in pixels of the reference.
    wcs : WCS
        Celestial WCS of the reference.

    Returns
    -------
    HstImage
        The same pixels with another WCS.
    """
    corrected = image.wcs.deepcopy()
    x, y = wcs.wcs_world2pix(*image.wcs.wcs.crval, 0)
    corrected.wcs.crval = np.ravel(wcs.wcs_pix2world(x - offset.dx, y - offset.dy, 0))
    corrected.wcs.set()
    return replace(image, wcs=corrected)


def register_images(
    images: Mapping[str, HstImage], cube: CubeFile, window: Window, project: _ProjectImage
) -> dict[str, Registration]:
    """Measure the offsets of HST images against a cube.

    Parameters
    ----------
    images : mapping
        Band name to image.
    cube : CubeFile
        Cube that they are compared with; it has a celestial WCS.
    window : tuple of slice
        Rows and columns of the part of the cube that is compared; of a large one the middle is.
    project : callable
        Brings an image to a WCS and shape at the cube's resolution, and returns its flux,
        shape (ny, nx).

    Returns
    -------
    dict
        Band name to position against the cube.
    """
    grid = _Grid(cube, central_window(window, _MAX_SIDE), project)
    found: dict[str, Registration] = {}
    for band, image in images.items():
        reference = synthetic_image(cube, grid.window, read_filter(band))
        if reference is not None:
            found[band] = grid.compare(image, reference, f"MUSE {band}")
    if not _measured(found):
        band = max(images, key=_pivot)
        white = grid.compare(images[band], white_image(cube, grid.window), "MUSE white light")
        if white.offset or band not in found:
            found[band] = white
    while known := _measured(found):
        missing = [b for b in images if b not in known and not found.get(b, _UNTRIED).final]
        if not missing:
            break
        band = min(missing, key=lambda b: min(abs(_pivot(b) - _pivot(k)) for k in known))
        found[band] = _by_another_band(band, images, known, grid)
    return {band: found.get(band, _UNTRIED) for band in images}


def _measured(found: Mapping[str, Registration]) -> dict[str, Offset]:
    """Return the offsets that could be measured, by band."""
    return {band: entry.offset for band, entry in found.items() if entry.offset is not None}


def _by_another_band(
    band: str, images: Mapping[str, HstImage], known: Mapping[str, Offset], grid: _Grid
) -> Registration:
    """Find the position of a band from bands of known position: by their WCS, or by comparison."""
    same = [other for other in known if _same_frame(images[band].wcs, images[other].wcs)]
    if same:
        anchor = min(same, key=lambda other: known[other].sigma)
        return Registration(known[anchor], f"WCS of {anchor}", final=True)
    anchor = min(known, key=lambda other: abs(_pivot(other) - _pivot(band)))
    entry = replace(
        grid.compare(images[band], grid.image(images[anchor]), f"HST {anchor}"), final=True
    )
    if entry.offset is None:
        return entry
    step, base = entry.offset, known[anchor]
    sigma = hypot(step.sigma, base.sigma)
    return replace(entry, offset=Offset(step.dx + base.dx, step.dy + base.dy, step.score, sigma))


@dataclass(frozen=True)
class _Grid:
    """The part of the cube on which images are compared."""

    cube: CubeFile
    window: Window
    project: _ProjectImage

    def image(self, image: HstImage, margin: int = 0) -> np.ndarray:
        """Return the flux of an image on the window and so many spaxels around it."""
        wcs, (ny, nx) = self.cube.window_wcs(self.window), window_shape(self.window)
        wcs.wcs.crpix = np.asarray(wcs.wcs.crpix) + margin  # type: ignore[union-attr]
        return self.project(image, wcs, (ny + 2 * margin, nx + 2 * margin))

    def compare(self, image: HstImage, reference: np.ndarray, name: str) -> Registration:
        """Measure the offset of an image against a reference on the window, shape (ny, nx)."""
        try:
            offset = measure_offset(self.image(image, MAX_SHIFT), reference)
            if hypot(offset.dx, offset.dy) > _SETTLED:
                # Once in place, the image need not be interpolated, which coarse spaxels resent.
                moved = correct_wcs(image, offset, self.cube.wcs)
                rest = measure_offset(self.image(moved, MAX_SHIFT), reference)
                offset = rest._replace(dx=offset.dx + rest.dx, dy=offset.dy + rest.dy)
            return Registration(offset, name)
        except ValueError as error:
            return Registration(None, name, str(error))


def _pivot(band: str) -> float:
    return read_filter(band).pivot_aa


def _same_frame(first: WCS, second: WCS) -> bool:
    """Tell whether two images were drizzled to one frame, of which they may be different parts."""
    return bool(
        np.allclose(first.wcs.crval, second.wcs.crval, rtol=0.0, atol=1e-8)
        and np.allclose(first.pixel_scale_matrix, second.pixel_scale_matrix, rtol=1e-6, atol=1e-12)
    )
