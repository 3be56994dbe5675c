"""HST bands on the spaxels of a cube, at its resolution.

The image is convolved to the cube's PSF and projected by exact pixel overlap, which conserves flux.
Its position is compared with the cube's own images; it is corrected only on request.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from astropy.wcs import WCS
from astropy.wcs.utils import proj_plane_pixel_area, proj_plane_pixel_scales
from reproject import reproject_exact
from scipy.ndimage import gaussian_filter
from scipy.special import ndtr

from amortized_sfh.data.cube_files.cube_file import CubeFile, Window, window_shape
from amortized_sfh.data.files.fits_files import InputWarning
from amortized_sfh.data.hst.alignment import Registration, correct_wcs, register_images
from amortized_sfh.data.hst.band_image import BandImage
from amortized_sfh.data.hst.image import HstImage
from amortized_sfh.data.hst.pixel_noise import image_variance
from amortized_sfh.data.hst.read_image import read_hst_image
from simulators.constants import FWHM_PER_SIGMA

_MIN_FOOTPRINT = 0.9
"""A spaxel's band is used if at least this share of its PSF footprint, weighed by it, has data."""


def project_bands(
    hst: Mapping[str, str | Path | HstImage],
    cube: CubeFile,
    window: Window,
    *,
    psf_fwhm_arcsec: float,
    align: bool = False,
) -> dict[str, BandImage]:
    """Bring HST images to the spaxels of a part of a cube.

    The offset of each image against the cube is measured and noted; a warning tells when it is
    large and not corrected.

    Parameters
    ----------
    hst : mapping
        Band name to image, or to its file.
    cube : CubeFile
        Cube on whose spaxels the bands are wanted.
    window : tuple of slice
        Rows and columns of the part of the cube.
    psf_fwhm_arcsec : float
        FWHM of the cube's PSF, to which the images are convolved.
    align : bool
        If true, the measured offsets are corrected.

    Returns
    -------
    dict
        Band name to :class:`~amortized_sfh.data.hst.band_image.BandImage`.

    Raises
    ------
    ValueError
        If the cube has no celestial WCS, an image cannot be matched, or one is to be aligned whose
        offset cannot be measured.
    """
    if not hst:
        return {}
    wcs = cube.window_wcs(window)
    if wcs is None:
        raise ValueError(
            f"{cube.path} has no celestial WCS, so HST images cannot be placed on it; "
            "leave them out or give the cube a WCS"
        )
    images = {
        band: image if isinstance(image, HstImage) else read_hst_image(image, band)
        for band, image in hst.items()
    }
    shape = window_shape(window)

    def project(image: HstImage, target: WCS, size: tuple[int, int]) -> np.ndarray:
        return convolve_and_project(image, target, size, psf_fwhm_arcsec).flux

    places = register_images(images, cube, window, project)
    out = {}
    for band, image in images.items():
        moved = _moved(image, places[band], wcs, align)
        matched = convolve_and_project(moved, wcs, shape, psf_fwhm_arcsec)
        out[band] = replace(matched, notes=matched.notes | _position(places[band], align))
    return out


def _moved(image: HstImage, place: Registration, wcs: WCS, align: bool) -> HstImage:
    """Correct the position of an image, or tell that it should be."""
    name = f"the {image.band} image {image.source}"
    if align:
        if place.offset is None:
            raise ValueError(f"{name} cannot be aligned: {place.problem}")
        return correct_wcs(image, place.offset, wcs)
    if place.offset is not None and place.notable:
        warnings.warn(
            f"{name} lies {place.offset.dx:+.2f}, {place.offset.dy:+.2f} spaxels (x, y) off the "
            "cube; correct the WCS, or let it be aligned",
            InputWarning,
            stacklevel=3,
        )
    return image


def _position(place: Registration, align: bool) -> dict[str, object]:
    """Return what headers of products say about the position of an image."""
    if place.offset is None:
        return {"OFFSET": f"not measured ({place.reference})"}
    dx, dy, _, sigma = place.offset
    text = f"{dx:+.3f} {dy:+.3f} +- {sigma:.3f} {'corrected' if align else 'left'}"
    return {"OFFSET": text, "OFFREF": place.reference}


def convolve_and_project(
    image: HstImage, wcs: WCS, shape: tuple[int, int], psf_fwhm_arcsec: float = 0.8
) -> BandImage:
    """Convolve an HST image to the PSF of a cube and project it onto its spaxels.

    Parameters
    ----------
    image : HstImage
        Image with HST's resolution, which overlaps the cube.
    wcs : WCS
        Celestial WCS of the cube.
    shape : tuple of int
        Spatial shape (ny, nx) of the cube.
    psf_fwhm_arcsec : float
        FWHM of the cube's PSF, taken as Gaussian.

    Returns
    -------
    BandImage
        Flux per spaxel; total flux is conserved to 0.1 %. Gaps are bridged by the light around
        them where at least 90 % of a spaxel's footprint has data.

    Raises
    ------
    ValueError
        If the PSF is sharper than HST's or the image does not overlap the cube.
    """
    if not psf_fwhm_arcsec > image.fwhm_arcsec:
        raise ValueError(
            f"psf_fwhm_arcsec is {psf_fwhm_arcsec:g}; expected the cube's PSF, wider than the "
            f"{image.fwhm_arcsec:g} arcsec of the HST image"
        )
    kernel_arcsec = np.sqrt(psf_fwhm_arcsec**2 - image.fwhm_arcsec**2) / FWHM_PER_SIGMA
    spread = kernel_arcsec / image.pixel_arcsec
    part = _footprint(image, wcs, shape, margin=int(np.ceil(4 * spread)) + 4)
    seen = image.has_data(part)
    if not seen.any():
        raise ValueError(_no_overlap_message(image))
    counts = np.where(seen, image.data[part], 0.0).astype(np.float32)
    variance = image_variance(image, part, counts, seen)
    counts[seen] -= image.background
    planes = [
        gaussian_filter(plane, spread, mode="constant")
        for plane in (counts, seen.astype(np.float32), variance)
    ]
    flux, cover, variance = _average_over_spaxels(planes, image.wcs[part], wcs, shape)
    covered = np.nan_to_num(cover) >= _MIN_FOOTPRINT
    if not covered.any():
        raise ValueError(_no_overlap_message(image))
    area = proj_plane_pixel_area(wcs) / proj_plane_pixel_area(image.wcs)
    filled = np.where(covered, 1.0, np.nan) / np.where(covered, cover, 1.0)
    spaxel = float(np.sqrt(np.prod(proj_plane_pixel_scales(wcs)))) * 3600.0
    wide = np.sqrt(np.maximum(variance * area, 0.0)) * filled * image.flux_per_count
    return BandImage(
        image.band,
        flux * filled * area * image.flux_per_count,
        wide * _noise_left(kernel_arcsec / spaxel),
        wide,
        image.source,
        float(image.background_sigma * area * image.flux_per_count),
        _image_notes(image),
    )


def _image_notes(image: HstImage) -> dict[str, object]:
    """Return what headers of products say about camera, noise and sky of an image."""
    notes: dict[str, object] = {"CAMERA": image.camera} if image.camera else {}
    notes["NOISE"] = image.noise_source
    if image.sky is not None and np.isfinite(image.sky.level):
        kind = "blank" if image.sky.blank else "no blank sky"
        notes["SKY"] = f"{image.sky.level:.4g} +- {image.sky.sigma:.2g} {kind}"
    notes["SKYSUB"] = f"{image.background:.4g} +- {image.background_sigma:.2g}"
    return notes


def _noise_left(spread: float) -> float:
    """Return the noise of a spaxel after convolution with a Gaussian (σ in spaxels), 1 before."""
    x = np.arange(-0.5 - 6 * spread, 0.5 + 6 * spread, 0.02)
    share = ndtr((x + 0.5) / spread) - ndtr((x - 0.5) / spread)
    # The share of a spaxel's flux that comes from x, squared and integrated, once per axis.
    return float((share**2).sum() * 0.02)


def _footprint(
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
        raise ValueError(_no_overlap_message(image))
    bounds = []
    for position, size in ((v, image.data.shape[0]), (u, image.data.shape[1])):
        low = max(int(np.floor(np.nanmin(position))) - margin, 0)
        high = min(int(np.ceil(np.nanmax(position))) + margin + 1, size)
        if low >= high:
            raise ValueError(_no_overlap_message(image))
        bounds.append(slice(low, high))
    return bounds[0], bounds[1]


def _average_over_spaxels(
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


def _no_overlap_message(image: HstImage) -> str:
    """Return the message about an image that does not overlap the cube."""
    return (
        f"the {image.band} image {image.source} does not overlap the cube; "
        "check both WCS, or leave the band out"
    )
