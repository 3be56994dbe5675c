"""Reading a cube into an Observation, spaxel by spaxel or bin by bin.

Everything that stands between the files and the model happens here, once: units, masks, Galactic
foreground, spatial bins, HST bands on the cube's grid, redshift, and the model's wavelength grid.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from amortized_sfh.data.ancillary.ds9_regions import (
    Ds9Regions,
    aperture_bins,
    ds9_mask,
    read_ds9_regions,
)
from amortized_sfh.data.ancillary.spaxel_maps import (
    MAX_VELOCITY_KMS,
    read_bin_map,
    read_velocity_map,
)
from amortized_sfh.data.cube_files.cube_file import CubeFile, Window, open_cube, window_shape
from amortized_sfh.data.cube_noise.error_bars import CubeNoise, profile_noise
from amortized_sfh.data.cube_noise.growth import measure_noise_growth
from amortized_sfh.data.cubes.binning import bin_to_snr
from amortized_sfh.data.cubes.cube_data import CubeData, CubeOptions
from amortized_sfh.data.cubes.spaxel_reader import SpaxelReader
from amortized_sfh.data.hst.band_image import BandImage, band_provenance
from amortized_sfh.data.hst.bands_on_cube import project_bands
from amortized_sfh.data.hst.image import HstImage
from simulators.observations.observation import check_redshift
from simulators.wavelengths.doppler import shift_redshift

BinSource = str | Path | np.ndarray | Ds9Regions
"""A bin map, its file, or ds9 regions as apertures."""


def cube_window(window: tuple[int, int, int, int] | None, cube: CubeFile) -> Window:
    """Return rows and columns of a part of a cube.

    Parameters
    ----------
    window : tuple of int or None
        Ends ``(x0, x1, y0, y1)`` in pixels from 0, the last ones excluded; None for the whole cube.
    cube : CubeFile
        The cube, as `open_cube` returned it.

    Returns
    -------
    tuple of slice
        Rows and columns of the part.

    Raises
    ------
    ValueError
        If the part lies outside the cube.
    """
    _, ny, nx = cube.shape
    x0, x1, y0, y1 = window or (0, nx, 0, ny)
    if not (0 <= x0 < x1 <= nx and 0 <= y0 < y1 <= ny):
        raise ValueError(
            f"region is {x0}:{x1},{y0}:{y1}; expected a part of the cube, 0:{nx},0:{ny}"
        )
    return slice(y0, y1), slice(x0, x1)


def read_cube(
    cube: str | Path | CubeFile,
    redshift: float,
    *,
    ebv: float = 0.0,
    window: tuple[int, int, int, int] | None = None,
    hst: Mapping[str, str | Path | HstImage] | None = None,
    bins: BinSource | None = None,
    target_snr: float | None = None,
    options: CubeOptions | None = None,
) -> CubeData:
    """Read a cube of MUSE or MaNGA, with HST images if there are any.

    Parameters
    ----------
    cube : str, Path or CubeFile
        File name of the cube, or the cube as
        :func:`~amortized_sfh.data.cube_files.cube_file.open_cube` returned it.
    redshift : float
        Redshift of the galaxy.
    ebv : float
        E(B-V) of the Milky Way in mag, removed from spectra and bands.
    window : tuple of int, optional
        Part of the cube to read, ``(x0, x1, y0, y1)`` in pixels from 0, ends excluded; the whole
        cube by default.
    hst : mapping, optional
        Band name to an HST image; any subset of the five bands.
    bins : str, Path, ndarray or Ds9Regions, optional
        Bin map of the cube's spatial shape, or ds9 regions as
        :func:`~amortized_sfh.data.ancillary.ds9_regions.read_ds9_regions` reads them: each is one
        bin, in their order, and keeps its name.
    target_snr : float, optional
        Bin to this S/N per spectral pixel instead (needs powerbin).
    options : CubeOptions, optional
        Everything else, such as velocities of the spaxels and ds9 regions to leave out.

    Returns
    -------
    CubeData
        Bad spaxels are flagged, never an error.

    Raises
    ------
    FileNotFoundError, InputFileError
        If a file is missing or cannot be used.
    ValueError
        If the redshift is absurd, the cube misses the model's wavelengths, the window lies outside
        the cube, both kinds of bins are asked for, or no spaxel has data.
    """
    options = options or CubeOptions()
    z = check_redshift(redshift)
    if bins is not None and target_snr is not None:
        raise ValueError("both a bin map and a target S/N were given; expected one of them")
    cube = open_cube(cube)
    section = cube_window(window, cube)
    provenance: dict[str, object] = {"CUBE": cube.path.name, "REDSHIFT": z, "EBV": ebv}
    in_bins = bins is not None or target_snr is not None
    velocity, planes = _frames(cube, section, z, options, provenance)
    masked = _masked(cube, section, options, provenance)
    growth, profile = options.noise_growth, options.noise_profile
    if growth is None and profile is not None:
        growth = profile.growth
    elif growth is None and in_bins:
        # it must not depend on how far frames may move once velocities are measured
        at_rest = planes if options.measure_velocity is None else cube.planes(options.grid, z)
        growth = measure_noise_growth(cube, section, at_rest)
    noise = CubeNoise(growth=growth or 0.0)
    if profile is not None:
        noise = profile_noise(profile, cube, planes, noise.growth, options.sky_modelled)
    reader = SpaxelReader(cube, section, planes, z, ebv, options, noise, velocity, masked)
    psf = cube.psf_width(options.psf_fwhm_arcsec, warn=bool(hst))
    images = project_bands(
        hst or {}, cube, section, psf_fwhm_arcsec=psf.fwhm_arcsec, align=options.align
    )
    provenance |= band_provenance(images, psf)
    if profile is not None:
        provenance["NOISPROF"] = profile.name
    if in_bins:
        data = _read_bins(reader, images, bins, target_snr)
        provenance["NOISEGRO"] = noise.growth
    else:
        data = reader.spaxels(images)
    return replace(
        data,
        provenance=provenance | data.provenance,
        origin_xy=(section[1].start, section[0].start),
        noise_growth=growth,
    )


def _frames(
    cube: CubeFile,
    window: Window,
    redshift: float,
    options: CubeOptions,
    provenance: dict[str, object],
) -> tuple[np.ndarray | None, slice]:
    """Velocity of every spaxel, if there is a map, and the planes that all frames need."""
    velocity, ends = None, (0.0, 0.0)
    if options.measure_velocity is not None:
        ends = (-MAX_VELOCITY_KMS, MAX_VELOCITY_KMS)
    elif options.velocity_map is not None:
        full = read_velocity_map(options.velocity_map, cube.shape[1:], window_shape(window))
        values = full.velocity_kms
        velocity = values[window] if values.shape == cube.shape[1:] else values
        ends = (float(velocity.min()), float(velocity.max()))
        provenance |= {"VELMAP": full.source, "VELFILL": full.n_filled}
    low, high = (shift_redshift(redshift, end) for end in ends)
    return velocity, cube.planes(options.grid, low, high)


def _masked(
    cube: CubeFile, window: Window, options: CubeOptions, provenance: dict[str, object]
) -> np.ndarray | None:
    """True for spaxels in the ds9 regions to leave out, (ny, nx), if there are any."""
    regions = options.mask_regions
    if regions is None:
        return None
    file = regions if isinstance(regions, Ds9Regions) else read_ds9_regions(regions)
    provenance["MASKREG"] = Path(file.source).name
    return ds9_mask(file, cube.wcs, cube.shape[1:])[window]


def _read_bins(
    reader: SpaxelReader,
    images: Mapping[str, BandImage],
    bins: BinSource | None,
    target_snr: float | None,
) -> CubeData:
    """Co-add the spaxels of given bins, or of bins that reach a S/N."""
    cube, names = reader.cube, None
    if isinstance(bins, Ds9Regions):
        numbers, names = aperture_bins(bins, cube.wcs, cube.shape[1:])[reader.window], bins.names
    elif bins is not None:
        numbers = read_bin_map(bins, cube.shape[1:])[reader.window]
    signal, error, flag = reader.brightness()
    if bins is None:
        numbers = bin_to_snr(signal, error, float(target_snr or 0.0), reader.noise.growth)
    data = reader.binned(numbers, signal, flag, images)
    return data if names is None else replace(data, names=tuple(names[i] for i in data.label))
