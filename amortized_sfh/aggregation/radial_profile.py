"""Radial profiles of a galaxy: every annulus is one region, combined hierarchically.

A mean of posterior means over an annulus would be pulled towards the prior as far as a single
spaxel's, so it is not offered.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import torch
from astropy.table import Table

from amortized_sfh.aggregation.aggregate import AggregateOptions, aggregate
from amortized_sfh.aggregation.region_posterior import RegionPosterior
from amortized_sfh.data.cubes.cube_data import CubeData
from amortized_sfh.data.cubes.disc import (
    Disc,
    Orientation,
    kpc_per_arcsec,
    place_disc,
    spaxel_area_arcsec2,
)
from amortized_sfh.inference.infer import infer
from amortized_sfh.model.model import PosteriorModel
from amortized_sfh.quantities.registry import MASSES, unit_of
from amortized_sfh.quantities.statistics import MEAN, STATISTICS, extension_name, summarise_draws

_WITHIN = 0.95


@dataclass(frozen=True, kw_only=True)
class ProfileOptions:
    """Choices of `radial_profile`; every one has a default.

    Parameters
    ----------
    n_annuli
        Number of annuli of equal width, from the centre to the radius that holds 95 % of the
        spaxels.
    orientation
        Inclination, position angle and centre of the disc, in whose plane annuli are circles; by
        default face-on, with its centre at the peak of the light.
    distance_mpc
        Luminosity distance in Mpc; by default from the redshift of the galaxy.
    effective_radius_arcsec
        Effective radius in arcsec; where it is given, the table has radii in units of it.
    n_draws
        Number of posterior draws per spectrum, at least 100.
    max_spectra
        Largest number of spectra of an annulus that are combined: of more, a random choice is
        taken, and masses are scaled to all spaxels of the annulus.
    seed
        Source of randomness; the same seed gives the same table.
    aggregate
        Choices of the combination of the spectra of one annulus, see
        :class:`~amortized_sfh.aggregation.aggregate.AggregateOptions`.

    Raises
    ------
    ValueError
        If a number makes no sense.

    Examples
    --------
    >>> ProfileOptions(n_annuli=12, distance_mpc=11.32, max_spectra=100).n_annuli
    12
    """

    n_annuli: int = 8
    orientation: Orientation = field(default_factory=Orientation)
    distance_mpc: float | None = None
    effective_radius_arcsec: float | None = None
    n_draws: int = 400
    max_spectra: int = 300
    seed: int = 0
    aggregate: AggregateOptions = field(default_factory=AggregateOptions)

    def __post_init__(self) -> None:
        for name in ("n_annuli", "max_spectra"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; expected at least 1")
        radius = self.effective_radius_arcsec
        if radius is not None and not radius > 0:
            raise ValueError(f"effective radius is {radius} arcsec; expected a positive radius")


class Annulus(NamedTuple):
    """A ring in the plane of the disc.

    Attributes
    ----------
    inner, outer
        Smallest and largest radius in the plane of the disc, in arcsec.
    radius
        Mean radius of the spaxels in it, in arcsec.
    spectra
        Numbers of its spectra, which are rows of the cube's observation, ascending, (n_obs,).
    """

    inner: float
    outer: float
    radius: float
    spectra: np.ndarray


def cut_annuli(data: CubeData, disc: Disc, n_annuli: int) -> list[Annulus]:
    """Sort the spectra of a cube into annuli.

    Parameters
    ----------
    data
        Cube whose spectra are sorted, binned or not.
    disc
        Disc on the map of the cube, with the radii of all spaxels.
    n_annuli
        Number of annuli of equal width.

    Returns
    -------
    list of Annulus
        Annuli from the centre outwards; those without a spectrum are left out. A bin belongs where
        the mean radius of its spaxels is.
    """
    radius = data.row_means(disc.radius_arcsec)
    outermost = np.quantile(disc.radius_arcsec[data.row >= 0], _WITHIN)
    edges = np.linspace(0.0, outermost, n_annuli + 1)
    annuli = []
    for inner, outer in pairwise(edges):
        spectra = np.flatnonzero((radius >= inner) & (radius < outer))
        if len(spectra):
            mean = float(np.average(radius[spectra], weights=data.n_spaxels[spectra]))
            annuli.append(Annulus(float(inner), float(outer), mean, spectra))
    return annuli


def surface_brightness(data: CubeData) -> np.ndarray:
    """Return the median flux per spaxel, by which the centre of the light is found.

    Parameters
    ----------
    data
        Cube whose spectra give the light, binned or not.

    Returns
    -------
    ndarray
        Map of the median over wavelength, in the unit of the cube, shape (ny, nx), NaN without
        data.
    """
    observation = data.observation
    level = torch.where(observation.valid, observation.flux, torch.nan).nanmedian(1).values
    return data.map_grid.paint(level.double().numpy() / data.n_spaxels)


def locate_disc(data: CubeData, options: ProfileOptions) -> Disc:
    """Place the disc of a galaxy on the map of its cube.

    Parameters
    ----------
    data
        Cube with a celestial WCS, whose light gives the centre.
    options
        Options of the profile, of which the orientation of the disc is used.

    Returns
    -------
    Disc
        Centre of the disc and the radii of all spaxels in its plane.

    Raises
    ------
    ValueError
        If radii cannot be computed, see `place_disc`.
    """
    return place_disc(data.header, surface_brightness(data), options.orientation)


def radial_profile(
    model: PosteriorModel, data: CubeData, options: ProfileOptions | None = None
) -> Table:
    """Infer the radial profiles of ages, metallicities, masses, dust and kinematics.

    The spectra of each annulus are inferred one by one, and combined as
    :func:`~amortized_sfh.aggregation.aggregate.aggregate` combines a region.

    Parameters
    ----------
    model
        Trained model with which the spectra are inferred.
    data
        The cube, with what is not to be used already left out; binned or not.
    options
        Annuli, orientation of the disc, distance and draws; by default those of `ProfileOptions`.

    Returns
    -------
    Table
        One row per annulus: `R_IN`, `R_OUT`, `R` (arcsec), `R_KPC` with a distance, `R_RE` with an
        effective radius, `N_ROWS` in it, `N_USED` of them, and for every scalar its posterior mean
        under its name, with `_STD`, `_P16`, `_P50` and `_P84`. Ages and metallicities are those of
        all stars of the annulus together. Errors that spaxels share are in the widths of all
        annuli: neighbouring points are not independent.

    Raises
    ------
    ValueError
        If radii cannot be computed, see `place_disc`.

    Examples
    --------
    >>> tilted = Orientation(inclination_deg=57.3, position_angle_deg=173.1)
    >>> options = ProfileOptions(n_annuli=12, orientation=tilted, distance_mpc=11.32)
    >>> table = radial_profile(model, cube, options)  # doctest: +SKIP
    >>> table["R_KPC", "MH_LW", "MH_LW_P16", "MH_LW_P84"].pprint()  # doctest: +SKIP
    """
    options = options or ProfileOptions()
    disc = locate_disc(data, options)
    distance = options.distance_mpc
    kpc = kpc_per_arcsec(data.distance_mpc(distance), data.galaxy_redshift)
    rng = np.random.default_rng(options.seed)
    lines = []
    for annulus in cut_annuli(data, disc, options.n_annuli):
        used = annulus.spectra
        if len(used) > options.max_spectra:
            used = np.sort(rng.choice(used, options.max_spectra, replace=False))
        part = data.select(used)
        samples = infer(
            model, part.observation, options.n_draws, options.seed, distance_mpc=distance
        )
        rows, choices = np.arange(len(part)), options.aggregate
        region = aggregate(samples, rows, model, part, distance_mpc=distance, options=choices)
        lines.append({**_place(annulus, kpc, options), "N_USED": len(used)})
        n_used, n_all = (float(data.n_spaxels[s].sum()) for s in (used, annulus.spectra))
        area = n_used * spaxel_area_arcsec2(data.header) * kpc**2 / options.orientation.axis_ratio
        lines[-1] |= _values(region, area, n_all / n_used)
    return _table(lines, disc, options)


def _place(annulus: Annulus, kpc: float, options: ProfileOptions) -> dict[str, float]:
    """Return the columns of the radii of an annulus and of the number of its spectra."""
    place = {"R_IN": annulus.inner, "R_OUT": annulus.outer, "R": annulus.radius}
    if np.isfinite(kpc):
        place["R_KPC"] = annulus.radius * kpc
    if options.effective_radius_arcsec is not None:
        place["R_RE"] = annulus.radius / options.effective_radius_arcsec
    return {**place, "N_ROWS": len(annulus.spectra)}


def _values(region: RegionPosterior, area_kpc2: float, growth: float) -> dict[str, float]:
    """Return the columns of the scalars of an annulus; masses are those of all its spaxels."""
    scalars = region.scalars()
    for name in MASSES:
        scalars[name] = scalars[name] + math.log10(growth)
    if np.isfinite(area_kpc2):
        scalars |= region.densities(area_kpc2)
    columns = {}
    for name, draws in scalars.items():
        values = summarise_draws(draws[None])[0].tolist()
        for statistic, value in zip(STATISTICS, values, strict=True):
            columns[name if statistic == MEAN else extension_name(name, statistic)] = value
    return columns


def _table(lines: list[dict[str, float]], disc: Disc, options: ProfileOptions) -> Table:
    """Make the table, with units and with what was assumed in its meta data."""
    table = Table(rows=lines)
    units = {"R_IN": "arcsec", "R_OUT": "arcsec", "R": "arcsec", "R_KPC": "kpc"}
    for name in table.colnames:
        table[name].unit = units.get(name) or unit_of(name) or None
    table.meta = {
        "inclination_deg": options.orientation.inclination_deg,
        "position_angle_deg": options.orientation.position_angle_deg,
        "centre_pixel": [round(v, 3) for v in disc.centre_xy],
        "combined": "hierarchically; errors that all spectra share are in every annulus",
    }
    return table
