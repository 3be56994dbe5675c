"""Measuring the noise of a cube: all that a :class:`~simulators.noise.profile.NoiseProfile` says.

Source and sky spaxels together give scale, correlation along wavelength and growth of bins; the
faintest spaxels, freed of what light of the galaxy they hold, the residuals of sky subtraction.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import torch
from scipy.interpolate import make_interp_spline

from amortized_sfh.data.cube_files.cube_file import CubeFile, Window
from amortized_sfh.data.cube_noise.growth import GrowthLaw, measure_growth_law
from amortized_sfh.data.cube_noise.scatter import (
    NoiseScatter,
    fit_kernel,
    measure_scatter,
    smooth_part,
)
from amortized_sfh.data.cube_noise.sky_modes import SkyModes, find_sky_modes
from amortized_sfh.data.cube_noise.sky_spaxels import (
    SKY_FRACTION,
    SkySelection,
    SpaxelSpectra,
    find_sky,
    read_spaxels,
)
from simulators.constants import LINE_HALF_WIDTH_KMS
from simulators.instruments.instrument import Instrument
from simulators.noise.profile import NoiseProfile
from simulators.observations.masks import line_mask

_MAX_SPAXELS = 6000
_MAX_SKY = 3000
_SOURCE_FRACTION = 0.1


@dataclass(frozen=True, kw_only=True)
class MeasureOptions:
    """Choices of :func:`measure_noise`.

    Parameters
    ----------
    redshift : float, optional
        Redshift of the galaxy, whose emission lines are then left out.
    line_half_width_kms : float
        Half width in km/s of what is left out around emission lines.
    sky_fraction : float
        Share of the spaxels, the faintest, that are taken as sky.
    instrument : Instrument
        Wavelengths of the model: all are measured that galaxies within its redshifts reach.
    """

    redshift: float | None = None
    line_half_width_kms: float = LINE_HALF_WIDTH_KMS
    sky_fraction: float = SKY_FRACTION
    instrument: Instrument = field(default_factory=Instrument)


class NoiseMeasurement(NamedTuple):
    """A profile and what it rests on.

    Attributes
    ----------
    profile : NoiseProfile
        The profile as it is written to a file.
    scatter : NoiseScatter
        Scale in windows of wavelength, and the correlation as measured.
    growth : GrowthLaw
        Noise of boxes of spaxels, by their size.
    modes : SkyModes
        Residuals of the sky, with the agreement of both halves.
    sky : SkySelection
        Light of the spaxels, and the choice of those that are sky.
    """

    profile: NoiseProfile
    scatter: NoiseScatter
    growth: GrowthLaw
    modes: SkyModes
    sky: SkySelection


def measure_noise(
    cube: CubeFile, window: Window, name: str, options: MeasureOptions | None = None
) -> NoiseMeasurement:
    """Measure the noise of a cube.

    Parameters
    ----------
    cube : CubeFile
        The cube, as `open_cube` returned it.
    window : tuple of slice
        Rows and columns, with sky and preferably with a source.
    name : str
        Name of the profile.
    options : MeasureOptions, optional
        Wavelengths, lines to leave out and choice of sky.

    Returns
    -------
    NoiseMeasurement
        The profile; a slope of the growth below 0, which noise may give, becomes 0 there.

    Raises
    ------
    ValueError
        If the cube misses the wavelengths, or the window is too small, too empty or without sky.
    """
    options = options or MeasureOptions()
    instrument = options.instrument
    planes = cube.planes(instrument.grid, instrument.min_redshift, instrument.max_redshift)
    use = _free_of_lines(cube, planes, options)
    sky = find_sky(cube, window, planes, options.sky_fraction)
    scatter = measure_scatter(read_spaxels(cube, window, planes, _some_rows(sky)), use)
    growth = measure_growth_law(cube, window, planes)
    scale = _at_every_plane(scatter, len(use))
    spectra, is_sky = _sky_and_source(cube, window, planes, sky)
    residual = _sky_residuals(spectra, is_sky, sky.light[spectra.y, spectra.x])
    residual = np.where(use, residual / (scale * spectra.sigma[is_sky]), np.nan)
    modes = find_sky_modes(residual, spectra.y[is_sky], spectra.x[is_sky])
    rows, columns = window
    profile = NoiseProfile(
        name=name,
        wave_aa=cube.air_centres_aa(planes),
        scale=scale,
        kernel=fit_kernel(scatter.autocorrelation),
        growth=max(growth.slope, 0.0),
        sky_modes=modes.modes,
        source=f"{cube.path.name}, region {columns.start}:{columns.stop},{rows.start}:{rows.stop}, "
        f"{int(sky.is_sky.sum())} sky spaxels",
    )
    return NoiseMeasurement(profile, scatter, growth, modes, sky)


def _at_every_plane(scatter: NoiseScatter, n_plane: int) -> np.ndarray:
    """Join the windows by straight lines, the outermost of which go on to the ends."""
    if len(scatter.pixel) == 1:
        return np.full(n_plane, scatter.scale[0])
    return make_interp_spline(scatter.pixel, scatter.scale, k=1)(np.arange(n_plane))


def _free_of_lines(cube: CubeFile, planes: slice, options: MeasureOptions) -> np.ndarray:
    """Planes without emission lines of the galaxy, shape (n_plane,)."""
    if options.redshift is None:
        return np.ones(planes.stop - planes.start, dtype=bool)
    wave = torch.from_numpy(cube.air_centres_aa(planes)) / (1.0 + options.redshift)
    return line_mask(wave, options.line_half_width_kms).numpy()


def _some_rows(sky: SkySelection) -> np.ndarray:
    """Spaxels without gaps in evenly spaced rows, not more than fit into memory."""
    ny, nx = sky.light.shape
    rows = np.arange(ny) % -(-ny * nx // _MAX_SPAXELS) == 0
    return rows[:, None] & np.isfinite(sky.light)


def _sky_and_source(
    cube: CubeFile, window: Window, planes: slice, sky: SkySelection
) -> tuple[SpaxelSpectra, np.ndarray]:
    """Spectra of sky spaxels and of the brightest ones, and which of them are sky."""
    bright = np.isfinite(sky.light) & ~sky.is_sky
    if bright.any():
        bright &= sky.light >= np.quantile(sky.light[bright], 1.0 - _SOURCE_FRACTION)
    generator = np.random.default_rng(0)
    chosen = _thin(sky.is_sky, generator) | _thin(bright, generator)
    spectra = read_spaxels(cube, window, planes, chosen)
    return spectra, sky.is_sky[chosen]


def _thin(chosen: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Keep a random part of many spaxels."""
    index = np.flatnonzero(chosen)
    if len(index) > _MAX_SKY:
        index = generator.choice(index, _MAX_SKY, replace=False)
    return np.isin(np.arange(chosen.size), index).reshape(chosen.shape)


def _sky_residuals(spectra: SpaxelSpectra, is_sky: np.ndarray, light: np.ndarray) -> np.ndarray:
    """Sky spaxels without continuum and without the features of a galaxy's faint light.

    The galaxy is the difference of bright and sky spaxels, in which what all share cancels.
    """
    flux = spectra.flux[is_sky]
    if not is_sky.all():
        galaxy = _mean(spectra.flux[~is_sky]) - _mean(flux)
        brightness = float(np.nanmedian(galaxy))
        if brightness > float(np.nanmedian(spectra.sigma[is_sky])):
            flux = flux - (light[is_sky] / brightness)[:, None] * galaxy
    return flux - smooth_part(flux)


def _mean(spectra: np.ndarray) -> np.ndarray:
    """Mean spectrum, NaN where no spaxel is valid."""
    valid = np.isfinite(spectra)
    count = valid.sum(axis=0)
    total = np.where(valid, spectra, 0.0).sum(axis=0)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)
