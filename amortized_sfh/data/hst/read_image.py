"""Reading an HST image as MAST delivers it: drizzled, in electrons per second, with a WCS.

The result still has HST's resolution and pixels; :mod:`amortized_sfh.data.hst.bands_on_cube` brings
it to the spaxels of a cube.
"""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
from astropy.io import fits

from amortized_sfh.data.cube_files.axes import celestial
from amortized_sfh.data.files.extensions import HST_IMAGE_HDUS, HST_MAP_HDUS
from amortized_sfh.data.files.fits_files import InputFileError, InputWarning, find_image, open_fits
from amortized_sfh.data.hst.background import (
    cut_tiles,
    measure_background_noise,
    measure_sky,
    tile_windows,
)
from amortized_sfh.data.hst.header import (
    drop_size,
    exposure_time,
    header_values,
    read_band,
    read_calibration,
    read_camera,
)
from amortized_sfh.data.hst.image import HstImage
from amortized_sfh.data.hst.weight_map import (
    WeightMap,
    calibrate_weights,
    drizzle_noise_ratio,
    weight_kind,
    weights_include_photon_noise,
)


def read_hst_image(
    path: str | Path,
    band: str | None = None,
    error: str | Path | np.ndarray | None = None,
    *,
    weight: str | Path | np.ndarray | None = None,
    mask: str | Path | np.ndarray | None = None,
    sky: tuple[float, float | None] | None = None,
) -> HstImage:
    """Read a drizzled HST image, and measure its noise and its sky level.

    Parameters
    ----------
    path : str or Path
        FITS file with a 2-D extension SCI, or the image in the primary HDU.
    band : str, optional
        Name of the band; read from the header by default.
    error : str, Path or ndarray, optional
        Standard deviation per pixel in the image's unit: a FITS file or an array. Without it an
        extension ERR is used if there is one, else the weights, else the noise is estimated from
        the image.
    weight : str, Path or ndarray, optional
        Weight map of the image: inverse variance (drizzle's ERR or IVM weights) or exposure time.
        Without it an extension WHT is used if there is one.
    mask : str, Path or ndarray, optional
        Not 0 where a pixel must not be used. Without it an extension DQ is used if there is one.
    sky : tuple of float, optional
        Sky level to subtract and its uncertainty (None: as measured), in the image's unit. Nothing
        is subtracted by default.

    Returns
    -------
    HstImage
        The image with its calibration, noise and sky level.

    Raises
    ------
    FileNotFoundError, InputFileError
        If a file is missing or unreadable, the image has no WCS or no photometric keyword, or the
        weights are neither inverse variances nor exposure times.
    ValueError
        If the band is not one of the five, the header names another one, or a map has another
        shape than the image.
    """
    with open_fits(path) as hdul:
        index = find_image(hdul, HST_IMAGE_HDUS, 2, others=True)
        if index is None:
            raise InputFileError(f"{path} holds no 2-D image; expected an extension SCI")
        headers = [hdul[index].header.copy(), hdul[0].header.copy()]
        data = hdul[index].data
        wcs = celestial(headers[0], hdul)
        maps = {
            kind: (hdul[found].data, str(hdul[found].header.get("BUNIT", "")), "")
            for kind, names in HST_MAP_HDUS.items()
            if (found := find_image(hdul, names[:1], 2)) is not None
        }
    given = {"error map": error, "weight map": weight, "mask": mask}
    maps |= {kind: _read_map(source, kind) for kind, source in given.items() if source is not None}
    if wcs is None:
        raise InputFileError(
            f"{path} has no celestial WCS; expected CTYPE1, CRVAL1 ... as in a drizzled image"
        )
    name = read_band(path, band, headers)
    per_count, electrons = read_calibration(path, name, headers)
    image = HstImage(
        name,
        data,
        per_count,
        wcs,
        maps["error map"][0] if "error map" in maps else None,
        electrons,
        source=Path(path).name,
        missing=maps["mask"][0] if "mask" in maps else None,
        camera=read_camera(headers),
    )
    if image.camera and not image.camera.startswith("WFC3"):
        warnings.warn(
            f"the {name} image {image.source} is from {image.camera}, but the model's bands are "
            "those of WFC3/UVIS: the throughput differs, so its colours are biased",
            InputWarning,
            stacklevel=2,
        )
    if "weight map" in maps:
        try:
            image = _with_weight(image, *maps["weight map"], headers)
        except InputFileError:
            if weight is not None:
                raise
            # what the weights in the image's own file do not tell is not asked for
            image = replace(image, weight=WeightMap(maps["weight map"][0], "coverage"))
    return _with_sky(image, headers, sky)


def _read_map(source: str | Path | np.ndarray, kind: str) -> tuple[np.ndarray, str, str]:
    """Return a map that belongs to an image, its unit and the name of its file."""
    if isinstance(source, np.ndarray):
        return source, "", ""
    with open_fits(source) as hdul:
        index = find_image(hdul, HST_MAP_HDUS[kind], 2, others=True)
        if index is None:
            raise InputFileError(f"{source} holds no 2-D image; expected the {kind}")
        headers = [hdul[index].header, hdul[0].header]
        unit = str(next(header_values(headers, "BUNIT"), ""))
        return hdul[index].data, unit, Path(source).name


def _with_weight(
    image: HstImage, plane: np.ndarray, unit: str, name: str, headers: list[fits.Header]
) -> HstImage:
    """Attach a weight map, calibrate_weights against the noise of the image."""
    typical = _typical(plane)
    if not typical > 0:
        raise InputFileError(
            f"the weight map {name or 'given'} of {image.source} has no positive value; "
            "expected inverse variances or exposure times"
        )
    kind = weight_kind(typical, unit, name, exposure_time(headers))
    if kind is None:
        raise InputFileError(
            f"the weight map {name or 'given'} of {image.source} (median {typical:.3g}, unit "
            f"{unit or 'missing'}) may be an inverse variance or an exposure time; "
            "expected BUNIT '1/(electrons/s)**2' or 's' to tell"
        )
    weighted = WeightMap(plane, kind)
    image = replace(image, weight=weighted)
    seen = [image.has_data(part) for part in tile_windows(plane.shape)]
    tiles, weights = cut_tiles(image.data, seen), cut_tiles(plane, seen)
    noise = measure_background_noise(tiles, weights)
    ratio = _noise_ratio(image, headers, noise.ratio)
    photons = weights_include_photon_noise(tiles, weights, image.electrons_per_count)
    weighted = calibrate_weights(weighted, noise, ratio, photons, name or f"of {image.source}")
    return replace(image, weight=weighted)


def _typical(plane: np.ndarray) -> float:
    """Return the median positive value of a map, from a sample of its pixels."""
    step = tuple(slice(None, None, max(1, size // 500)) for size in plane.shape)
    sample = np.asarray(plane[step], dtype=np.float64)
    sample = sample[np.isfinite(sample) & (sample > 0)]
    return float(np.median(sample)) if sample.size else 0.0


def _noise_ratio(image: HstImage, headers: list[fits.Header], measured: float) -> float:
    """Return R from the header; else as measured, but structure of the sky correlates as well."""
    drop, told = drop_size(headers, image.pixel_arcsec)
    ratio = drizzle_noise_ratio(drop)
    return ratio if told else min(measured, ratio)


def _with_sky(
    image: HstImage, headers: list[fits.Header], sky: tuple[float, float | None] | None
) -> HstImage:
    """Measure noise ratio and sky level; what is left of the sky is an error common to all."""
    parts = tile_windows(image.data.shape)
    tiles = cut_tiles(image.data, [image.has_data(part) for part in parts])
    ratio = _noise_ratio(image, headers, measure_background_noise(tiles).ratio)
    level = measure_sky(tiles, ratio)
    subtracted, known = (0.0, None) if sky is None else sky
    if known is None:
        # In a frame without blank sky nothing is known of the level.
        known = level.sigma if level.blank else 0.0
    return replace(
        image,
        noise_ratio=ratio,
        sky=level,
        background=float(subtracted),
        background_sigma=float(known),
    )
