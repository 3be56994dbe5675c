"""The offset of an HST image against a cube, from the cube's own image in the same band.

The WCS of old HST images can be wrong by more than an arcsecond, several spaxels.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from astropy.wcs import WCS

from amortized_sfh.cubes.cube_file import CubeFile
from amortized_sfh.cubes.hst import HstImage
from simulators.filters import FilterCurve, read_filter

__all__ = ["MAX_SHIFT", "Offset", "align_images", "measure_offset", "shifted", "synthetic_images"]

MAX_SHIFT = 15
"""Largest offset that is searched, in spaxels (3 arcsec for MUSE's wide field)."""

MIN_SCORE = 0.5
MIN_BAND_COVERAGE = 0.5


class Offset(NamedTuple):
    """How far an image is displaced against a reference.

    Attributes
    ----------
    dx, dy : float
        Displacement in pixels of the reference: a source at (x, y) in the reference is found at
        (x + dx, y + dy) in the image.
    score : float
        Correlation of the two at this offset; 1 for images that differ by a linear law only.
    """

    dx: float
    dy: float
    score: float


def measure_offset(image: np.ndarray, reference: np.ndarray, max_shift: int = MAX_SHIFT) -> Offset:
    """Find the offset that correlates two images best.

    Parameters
    ----------
    image : ndarray
        Image on the reference's grid with ``max_shift`` more pixels on every side, shape
        (ny + 2 max_shift, nx + 2 max_shift); NaN where there is no data.
    reference : ndarray
        Shape (ny, nx); NaN where there is no data.
    max_shift : int
        Largest offset per axis.

    Returns
    -------
    Offset
        With a fraction of a pixel from a parabola through the peak.

    Raises
    ------
    ValueError
        If the shapes do not fit, the images have nothing in common, or the best offset is at the
        edge of the search or correlates poorly.
    """
    ny, nx = reference.shape
    if image.shape != (ny + 2 * max_shift, nx + 2 * max_shift):
        raise ValueError(
            f"image has shape {image.shape}; expected {max_shift} pixels more than the reference's "
            f"{reference.shape} on every side"
        )
    scores = np.full((2 * max_shift + 1, 2 * max_shift + 1), -1.0)
    for j in range(scores.shape[0]):
        for i in range(scores.shape[1]):
            scores[j, i] = _correlation(image[j : j + ny, i : i + nx], reference)
    j, i = divmod(int(np.argmax(scores)), scores.shape[1])
    best = float(scores[j, i])
    if not best >= MIN_SCORE:
        raise ValueError(
            f"the images do not resemble each other at any offset within {max_shift} pixels "
            f"(best correlation {best:.2f}); check band and WCS, or do not align"
        )
    if not (0 < j < 2 * max_shift and 0 < i < 2 * max_shift):
        raise ValueError(
            f"the best offset lies at the edge of the search ({max_shift} pixels); "
            "correct the WCS roughly first"
        )
    dy = j - max_shift + _vertex(scores[j - 1 : j + 2, i])
    dx = i - max_shift + _vertex(scores[j, i - 1 : i + 2])
    return Offset(float(dx), float(dy), best)


def _correlation(image: np.ndarray, reference: np.ndarray) -> float:
    both = np.isfinite(image) & np.isfinite(reference)
    if both.sum() < 0.5 * np.isfinite(reference).sum() or both.sum() < 9:
        return -1.0
    a, b = image[both] - image[both].mean(), reference[both] - reference[both].mean()
    power = float((a * a).sum() * (b * b).sum())
    return float((a * b).sum() / np.sqrt(power)) if power > 0 else -1.0


def _vertex(three: np.ndarray) -> float:
    curvature = three[0] - 2 * three[1] + three[2]
    return float(0.5 * (three[0] - three[2]) / curvature) if curvature < 0 else 0.0


def shifted(image: HstImage, offset: Offset, wcs: WCS) -> HstImage:
    """Return an image whose WCS is corrected by a measured offset.

    Parameters
    ----------
    image : HstImage
        The displaced image.
    offset : Offset
        Its displacement, in pixels of ``wcs``.
    wcs : WCS
        WCS of the reference.

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


def synthetic_images(
    cube: CubeFile, window: tuple[slice, slice], curves: Mapping[str, FilterCurve]
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Return the cube's own images in bands it covers at least half of.

    Parameters
    ----------
    cube : CubeFile
        The cube.
    window : tuple of slice
        Rows and columns.
    curves : mapping
        Band name to throughput.

    Returns
    -------
    tuple
        Band name to image (ny, nx), and the white-light image (ny, nx); NaN without data.
    """
    centres = 0.5 * (cube.edges_aa[1:] + cube.edges_aa[:-1]).numpy()
    weights = {"": np.ones_like(centres)}
    for name, curve in curves.items():
        inside = (curve.wave_aa >= centres[0]) & (curve.wave_aa <= centres[-1])
        photons = curve.wave_aa * curve.throughput * np.gradient(curve.wave_aa)
        if photons[inside].sum() >= MIN_BAND_COVERAGE * photons.sum():
            weights[name] = np.interp(centres, curve.wave_aa, curve.throughput) * centres
    ny, nx = (part.stop - part.start for part in window)
    matrix = np.stack(list(weights.values()), axis=1).astype(np.float32)
    out = np.full((ny * nx, len(weights)), np.nan)
    for chunk in cube.chunks(window, slice(0, cube.shape[0]), n_spaxels=2048):
        seen = chunk.valid.numpy().astype(np.float32) @ matrix
        total = chunk.flux.numpy() @ matrix
        out[chunk.spaxels] = np.where(seen > 0, total / np.where(seen > 0, seen, 1.0), np.nan)
    images = {name: out[:, i].reshape(ny, nx) for i, name in enumerate(weights)}
    white = images.pop("")
    return images, white


def align_images(
    images: Mapping[str, HstImage],
    cube: CubeFile,
    window: tuple[slice, slice],
    wcs: WCS,
    project: Callable[[HstImage, WCS, tuple[int, int]], np.ndarray],
) -> dict[str, HstImage]:
    """Correct the WCS of HST images by their offsets against the cube.

    Bands that the cube covers are measured; the others, which look different, share their mean. If
    the cube covers none, each is measured against the white-light image.

    Parameters
    ----------
    images : mapping
        Band name to image.
    cube : CubeFile
        The cube.
    window : tuple of slice
        Rows and columns of the region.
    wcs : WCS
        Celestial WCS of the region.
    project : callable
        Brings an image to a WCS and shape at the cube's resolution, returns its flux.

    Returns
    -------
    dict
        Band name to image with the corrected WCS.
    """
    synthetic, white = synthetic_images(cube, window, {b: read_filter(b) for b in images})
    references = synthetic or dict.fromkeys(images, white)
    wide = wcs.deepcopy()
    wide.wcs.crpix = np.asarray(wcs.wcs.crpix) + MAX_SHIFT
    ny, nx = white.shape
    size = (ny + 2 * MAX_SHIFT, nx + 2 * MAX_SHIFT)
    offsets = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for band, reference in references.items():
            offsets[band] = measure_offset(project(images[band], wide, size), reference)
    mean = Offset(*np.mean(list(offsets.values()), axis=0))
    return {b: shifted(image, offsets.get(b, mean), wcs) for b, image in images.items()}
