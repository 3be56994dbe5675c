"""Reading a MUSE cube into an Observation, spaxel by spaxel or bin by bin.

Everything that stands between the files and the model happens here, once: units, masks, Galactic
foreground, spatial bins, HST bands on the cube's grid, redshift, and the model's wavelength grid.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from amortized_sfh.data.ancillary.bin_map import read_bin_map
from amortized_sfh.data.ancillary.ds9_regions import (
    Ds9Regions,
    aperture_bins,
    ds9_mask,
    read_ds9_regions,
)
from amortized_sfh.data.ancillary.velocity_map import read_velocity_map
from amortized_sfh.data.cube_files.cube_file import CubeFile, open_cube
from amortized_sfh.data.cube_files.psf import psf_of_cube
from amortized_sfh.data.cube_noise.error_bars import CubeNoise, profile_noise
from amortized_sfh.data.cube_noise.growth import measure_noise_growth
from amortized_sfh.data.cubes.binning import bin_to_snr
from amortized_sfh.data.cubes.cube_data import CubeData, CubeOptions
from amortized_sfh.data.cubes.spaxel_reader import SpaxelBins, SpaxelReader
from amortized_sfh.data.hst.band_image import band_provenance
from amortized_sfh.data.hst.match_to_cube import match_bands
from amortized_sfh.data.hst.reader import HstImage
from simulators.observations.observation import check_redshift
from simulators.wavelengths.doppler import shift_redshift

__all__ = ["CubeData", "CubeOptions", "cube_window", "parse_window", "read_cube"]


def parse_window(text: str) -> tuple[int, int, int, int]:
    """Read a region given as ``x0:x1,y0:y1``, in pixels from 0, ends excluded.

    Returns
    -------
    tuple of int
        ``(x0, x1, y0, y1)``.

    Raises
    ------
    ValueError
        If the text has another form.

    Examples
    --------
    >>> parse_window("10:60,0:50")
    (10, 60, 0, 50)
    """
    try:
        (x0, x1), (y0, y1) = (
            tuple(int(end) for end in part.split(":")) for part in text.split(",")
        )
    except ValueError as error:
        raise ValueError(f"region is {text!r}; expected x0:x1,y0:y1, e.g. 10:60,0:50") from error
    return x0, x1, y0, y1


def read_cube(
    path: str | Path,
    redshift: float,
    *,
    ebv: float = 0.0,
    window: tuple[int, int, int, int] | None = None,
    hst: Mapping[str, str | Path | HstImage] | None = None,
    bins: str | Path | np.ndarray | Ds9Regions | None = None,
    target_snr: float | None = None,
    options: CubeOptions | None = None,
) -> CubeData:
    """Read a MUSE cube, with HST images if there are any.

    Parameters
    ----------
    path : str or Path
        Cube as ESO delivers it: DATA and STAT (variance), air or vacuum wavelengths.
    redshift : float
        Redshift of the galaxy.
    ebv : float
        E(B-V) of the Milky Way in mag, removed from spectra and bands.
    window : tuple of int, optional
        ``(x0, x1, y0, y1)`` in pixels from 0, ends excluded; the whole cube by default.
    hst : mapping, optional
        Band name to an HST image; any subset of the five bands.
    bins : str, Path, ndarray or Ds9Regions, optional
        Bin map of the cube's spatial shape, or ds9 regions as
        :func:`~amortized_sfh.data.ancillary.ds9_regions.read_ds9_regions` reads them: each is one
        bin, in their order, and keeps its name.
    target_snr : float, optional
        Bin to this S/N per spectral pixel instead (needs powerbin).
    options : CubeOptions, optional
        Everything else, such as a velocity map and regions to leave out.

    Returns
    -------
    CubeData
        Bad spaxels are flagged, never an error.

    Raises
    ------
    FileNotFoundError, InputFileError
        If a file is missing or cannot be used.
    ValueError
        If the redshift is absurd, the cube misses the model's wavelengths, the region lies outside
        the cube, both kinds of bins are asked for, or no spaxel has data.
    """
    options = options or CubeOptions()
    z = check_redshift(redshift)
    if bins is not None and target_snr is not None:
        raise ValueError("both a bin map and a target S/N were given; expected one of them")
    cube = open_cube(path)
    section = cube_window(window, cube)
    provenance: dict[str, object] = {"CUBE": cube.path.name, "REDSHIFT": z, "EBV": ebv}
    in_bins = bins is not None or target_snr is not None
    velocity, planes = _frames(cube, section, z, options, provenance)
    masked = _masked(cube, section, options, provenance)
    noise = _noise(cube, section, planes, options, in_bins)
    reader = SpaxelReader(cube, section, planes, z, ebv, options, noise, velocity, masked)
    psf = psf_of_cube(path, options.psf_fwhm_arcsec, warn=bool(hst))
    images = match_bands(
        hst or {}, cube, section, psf_fwhm_arcsec=psf.fwhm_arcsec, align=options.align
    )
    provenance |= band_provenance(images, psf)
    if options.noise_profile is not None:
        provenance["NOISPROF"] = options.noise_profile.name
    place: dict[str, Any] = {"origin_xy": (section[1].start, section[0].start)}
    if in_bins or options.noise_profile is not None or options.noise_growth is not None:
        place["noise_growth"] = noise.growth
    if not in_bins:
        return replace(reader.spaxels(images), provenance=provenance, **place)
    numbers = None if bins is None else _bin_numbers(bins, cube)[section]
    signal, error, flag = reader.brightness()
    if numbers is None:
        numbers = bin_to_snr(signal, error, float(target_snr or 0.0), noise.growth)
    data = reader.binned(SpaxelBins(numbers, signal, flag), images)
    names = tuple(bins.names[i] for i in data.label) if isinstance(bins, Ds9Regions) else ()
    provenance["NOISEGRO"] = noise.growth
    return replace(data, provenance=provenance, names=names, **place)


def _frames(
    cube: CubeFile,
    window: tuple[slice, slice],
    redshift: float,
    options: CubeOptions,
    provenance: dict[str, object],
) -> tuple[np.ndarray | None, slice]:
    """Velocity of every spaxel, if they have their own, and the planes that all of them need."""
    given = options.velocity_map
    if given is None:
        return None, cube.planes(options.grid, redshift)
    part = (window[0].stop - window[0].start, window[1].stop - window[1].start)
    full = read_velocity_map(given, cube.shape[1:], part)
    values = full.velocity_kms
    velocity = values[window] if values.shape == cube.shape[1:] else values
    low, high = (shift_redshift(redshift, float(v)) for v in (velocity.min(), velocity.max()))
    provenance["VELMAP"] = "array" if isinstance(given, np.ndarray) else Path(given).name
    provenance["VELFILL"] = full.n_filled
    return velocity, cube.planes(options.grid, low, high)


def _masked(
    cube: CubeFile,
    window: tuple[slice, slice],
    options: CubeOptions,
    provenance: dict[str, object],
) -> np.ndarray | None:
    """Spaxels to leave out, if there are any regions of them."""
    regions = options.mask_regions
    if regions is None:
        return None
    file = regions if isinstance(regions, Ds9Regions) else read_ds9_regions(regions)
    provenance["MASKREG"] = Path(file.source).name
    return ds9_mask(file, cube.wcs, cube.shape[1:])[window]


def _bin_numbers(bins: str | Path | np.ndarray | Ds9Regions, cube: CubeFile) -> np.ndarray:
    """Bin of every spaxel of the whole cube."""
    if isinstance(bins, Ds9Regions):
        return aperture_bins(bins, cube.wcs, cube.shape[1:])
    return read_bin_map(bins, cube.shape[1:])


def _noise(
    cube: CubeFile,
    window: tuple[slice, slice],
    planes: slice,
    options: CubeOptions,
    in_bins: bool,
) -> CubeNoise:
    """What to do with the error bars; the growth of bins is measured only where there are any."""
    growth = options.noise_growth
    if options.noise_profile is not None:
        return profile_noise(options.noise_profile, cube, planes, growth, options.sky_modelled)
    if growth is None:
        growth = measure_noise_growth(cube, window, planes) if in_bins else 0.0
    return CubeNoise(growth=growth)


def cube_window(region: tuple[int, int, int, int] | None, cube: CubeFile) -> tuple[slice, slice]:
    """Return rows and columns of a region ``(x0, x1, y0, y1)``, or of the whole cube.

    Raises
    ------
    ValueError
        If the region lies outside the cube.
    """
    _, ny, nx = cube.shape
    x0, x1, y0, y1 = region or (0, nx, 0, ny)
    if not (0 <= x0 < x1 <= nx and 0 <= y0 < y1 <= ny):
        raise ValueError(
            f"region is {x0}:{x1},{y0}:{y1}; expected a part of the cube, 0:{nx},0:{ny}"
        )
    return slice(y0, y1), slice(x0, x1)
