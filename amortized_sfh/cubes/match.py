"""Bringing HST images to the resolution and the grid of a MUSE cube.

The image is convolved to the cube's PSF and projected by exact pixel overlap, which conserves flux.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from astropy.wcs import WCS
from astropy.wcs.utils import proj_plane_pixel_area, proj_plane_pixel_scales
from reproject import reproject_exact
from scipy.ndimage import gaussian_filter
from scipy.special import ndtr

from amortized_sfh.cubes.alignment import align_images
from amortized_sfh.cubes.binning import Coadder
from amortized_sfh.cubes.cube_file import CubeFile
from amortized_sfh.cubes.hst import HstImage, read_hst_image
from amortized_sfh.cubes.hst_noise import estimate_variance
from amortized_sfh.cubes.noise_growth import NOISE_GROWTH

__all__ = ["BandImage", "match_bands", "match_to_muse"]

_SIGMA_PER_FWHM = 1.0 / np.sqrt(8.0 * np.log(2.0))


@dataclass(frozen=True)
class BandImage:
    """One band on the grid of a cube.

    Parameters
    ----------
    band : str
        Name of the band.
    flux : ndarray
        f_λ per spaxel as observed, in units of 1e-20 erg/s/cm²/Å, shape (ny, nx), NaN outside.
    sigma : ndarray
        Standard deviation of a single spaxel, shape (ny, nx).
    sigma_sum : ndarray
        Larger, independent standard deviation per spaxel whose squares add up in wide bins:
        convolution correlates spaxels and makes each look better than their sum is.
    source : str
        File name of the image.
    """

    band: str
    flux: np.ndarray
    sigma: np.ndarray
    sigma_sum: np.ndarray
    source: str = ""

    def coadd(
        self, row: np.ndarray, light: np.ndarray, slope: float = NOISE_GROWTH
    ) -> tuple[np.ndarray, np.ndarray]:
        """Sum the band over bins.

        Parameters
        ----------
        row : ndarray
            Bin of each spaxel, shape (ny, nx), -1 for none.
        light : ndarray
            Brightness of each spaxel, shape (ny, nx), see
            :class:`~amortized_sfh.cubes.binning.Coadder`.
        slope : float
            Noise growth, limited by the noise of the unconvolved image.

        Returns
        -------
        tuple of ndarray
            ``flux, sigma``, shape (n_bin,); NaN where too much of a bin is missing.
        """
        flux, variance, wide = (
            torch.as_tensor(v.ravel()[:, None])
            for v in (self.flux, self.sigma**2, self.sigma_sum**2)
        )
        valid = torch.isfinite(flux) & torch.isfinite(variance)
        everything = slice(0, flux.shape[0])
        sums = []
        for value in (variance, wide):
            total = Coadder(row.ravel(), light.ravel(), 1)
            total.add(everything, flux, value, valid)
            sums.append(total)
        _, ceiling, _ = sums[1].result(slope=0.0)
        out, sigma, ok = sums[0].result(slope, ceiling=ceiling.double() ** 2)
        blank = torch.tensor(float("nan"))
        return out.where(ok, blank)[:, 0].numpy(), sigma.where(ok, blank)[:, 0].numpy()


def match_bands(
    hst: Mapping[str, str | Path | HstImage],
    cube: CubeFile,
    window: tuple[slice, slice],
    *,
    psf_fwhm_arcsec: float,
    align: bool = False,
) -> dict[str, BandImage]:
    """Bring HST images to the grid of a region of a cube.

    Parameters
    ----------
    hst : mapping
        Band name to file or image.
    cube : CubeFile
        The cube.
    window : tuple of slice
        Rows and columns of the region.
    psf_fwhm_arcsec : float
        FWHM of the cube's PSF.
    align : bool
        Measure and correct the offset of the images against the cube.

    Returns
    -------
    dict
        Band name to :class:`BandImage`.

    Raises
    ------
    ValueError
        If the cube has no celestial WCS, or an image cannot be matched.
    """
    if not hst:
        return {}
    if cube.wcs is None:
        raise ValueError(
            f"{cube.path} has no celestial WCS, so HST images cannot be placed on it; "
            "leave them out or give the cube a WCS"
        )
    images = {
        band: image if isinstance(image, HstImage) else read_hst_image(image, band)
        for band, image in hst.items()
    }
    shape = (window[0].stop - window[0].start, window[1].stop - window[1].start)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wcs = cube.wcs[window]

    def project(image: HstImage, target: WCS, size: tuple[int, int]) -> np.ndarray:
        return match_to_muse(image, target, size, psf_fwhm_arcsec).flux

    if align:
        images = align_images(images, cube, window, wcs, project)
    return {b: match_to_muse(image, wcs, shape, psf_fwhm_arcsec) for b, image in images.items()}


def match_to_muse(
    image: HstImage, wcs: WCS, shape: tuple[int, int], psf_fwhm_arcsec: float = 0.8
) -> BandImage:
    """Convolve an HST image to the PSF of a cube and project it onto its spaxels.

    Parameters
    ----------
    image : HstImage
        The image.
    wcs : WCS
        Celestial WCS of the cube.
    shape : tuple of int
        Spatial shape (ny, nx) of the cube.
    psf_fwhm_arcsec : float
        FWHM of the cube's PSF, taken as Gaussian.

    Returns
    -------
    BandImage
        Flux per spaxel; total flux is conserved to 0.1 %.

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
    kernel_arcsec = np.sqrt(psf_fwhm_arcsec**2 - image.fwhm_arcsec**2) * _SIGMA_PER_FWHM
    spread = kernel_arcsec / image.pixel_arcsec
    part = _footprint(image, wcs, shape, margin=int(np.ceil(4 * spread)) + 4)
    counts = np.array(image.data[part], dtype=np.float32)
    seen = np.isfinite(counts) & (counts != 0)
    if not seen.any():
        raise ValueError(_no_overlap(image))
    counts[~seen] = 0.0
    variance = _variance(image, part, counts, seen)
    counts[seen] -= image.background
    weight = seen.astype(np.float32)
    planes = [gaussian_filter(p, spread, mode="constant") for p in (counts, weight, variance)]
    flux, cover, variance = _project(planes, image.wcs[part], wcs, shape)
    covered = np.nan_to_num(cover) > 0.9
    if not covered.any():
        raise ValueError(_no_overlap(image))
    area = proj_plane_pixel_area(wcs) / proj_plane_pixel_area(image.wcs)
    blank = np.where(covered, 1.0, np.nan) / np.where(covered, cover, 1.0)
    spaxel = float(np.sqrt(np.prod(proj_plane_pixel_scales(wcs)))) * 3600.0
    wide = np.sqrt(np.maximum(variance * blank * area, 0.0)) * image.flux_per_count
    return BandImage(
        image.band,
        flux * blank * area * image.flux_per_count,
        wide * _noise_left(kernel_arcsec / spaxel),
        wide,
        image.source,
    )


def _no_overlap(image: HstImage) -> str:
    return (
        f"the {image.band} image {image.source} does not overlap the cube; "
        "check both WCS, or leave the band out"
    )


def _noise_left(spread: float) -> float:
    """Return the noise of a spaxel after convolution with a Gaussian (σ in spaxels), 1 before."""
    x = np.arange(-0.5 - 6 * spread, 0.5 + 6 * spread, 0.02)
    share = ndtr((x + 0.5) / spread) - ndtr((x - 0.5) / spread)
    # The share of a spaxel's flux that comes from x, squared and integrated, once per axis.
    return float((share**2).sum() * 0.02)


def _footprint(
    image: HstImage, wcs: WCS, shape: tuple[int, int], margin: int
) -> tuple[slice, slice]:
    """Return the part of the image that covers the cube, with a margin."""
    ny, nx = shape
    y = np.concatenate([np.linspace(-0.5, ny - 0.5, 9), np.full(9, -0.5)] * 2)
    x = np.concatenate([np.full(9, -0.5), np.linspace(-0.5, nx - 0.5, 9)] * 2)
    y[27:], x[18:27] = ny - 0.5, nx - 0.5
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        u, v = image.wcs.world_to_pixel(wcs.pixel_to_world(x, y))
    if not (np.isfinite(u).any() and np.isfinite(v).any()):
        raise ValueError(_no_overlap(image))
    bounds = []
    for position, size in ((v, image.data.shape[0]), (u, image.data.shape[1])):
        low = max(int(np.floor(np.nanmin(position))) - margin, 0)
        high = min(int(np.ceil(np.nanmax(position))) + margin + 1, size)
        if low >= high:
            raise ValueError(_no_overlap(image))
        bounds.append(slice(low, high))
    return bounds[0], bounds[1]


def _variance(
    image: HstImage, part: tuple[slice, slice], counts: np.ndarray, seen: np.ndarray
) -> np.ndarray:
    if image.sigma is None:
        variance = estimate_variance(counts, seen, image.electrons_per_count)
    else:
        variance = np.array(image.sigma[part], dtype=np.float32) ** 2
    return np.where(seen & np.isfinite(variance), variance, 0.0).astype(np.float32)


def _project(
    planes: list[np.ndarray], source: WCS, target: WCS, shape: tuple[int, int]
) -> list[np.ndarray]:
    """Average planes over the spaxels; fine pixels are first merged, which is much faster."""
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
    ny, nx = (-(-size // n) * n for size in plane.shape)
    padded = np.pad(plane, ((0, ny - plane.shape[0]), (0, nx - plane.shape[1])))
    return padded.reshape(ny // n, n, nx // n, n).mean(axis=(1, 3))
