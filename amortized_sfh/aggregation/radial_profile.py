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
from amortized_sfh.quantities.mass import luminosity_distance_mpc
from amortized_sfh.quantities.registry import MASSES, unit_of
from amortized_sfh.quantities.statistics import (
    MEAN,
    STATISTICS,
    extension_name,
    summarise_draws,
)

_WITHIN = 0.95


@dataclass(frozen=True, kw_only=True)
class ProfileOptions:
    """Choices of `radial_profile`.

    Parameters
    ----------
    n_annuli
        Annuli of equal width, from the centre to the radius that holds 95 % of the spaxels.
    orientation
        Of the disc: annuli are circles in its plane.
    distance_mpc
        Luminosity distance; from the redshift where it is not given.
    effective_radius_arcsec
        Adds a column of radii in units of it.
    n_draws
        Draws per spectrum.
    max_rows
        At most so many spectra of an annulus are combined, a random choice; masses are scaled to
        all of its spaxels.
    seed
        Source of randomness.
    aggregate
        How they are combined.

    Raises
    ------
    ValueError
        If a number makes no sense.
    """

    n_annuli: int = 8
    orientation: Orientation = field(default_factory=Orientation)
    distance_mpc: float | None = None
    effective_radius_arcsec: float | None = None
    n_draws: int = 400
    max_rows: int = 300
    seed: int = 0
    aggregate: AggregateOptions = field(default_factory=AggregateOptions)

    def __post_init__(self) -> None:
        for name in ("n_annuli", "max_rows"):
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
        Radii in arcsec.
    radius
        Mean radius of its spaxels.
    rows
        Rows of the cube in it, ascending.
    """

    inner: float
    outer: float
    radius: float
    rows: np.ndarray


def cut_annuli(data: CubeData, disc: Disc, n_annuli: int) -> list[Annulus]:
    """Sort the rows of a cube into annuli.

    Parameters
    ----------
    data
        The cube.
    disc
        Radii of its spaxels.
    n_annuli
        How many, of equal width.

    Returns
    -------
    list of Annulus
        From the centre outwards; those without a row are left out. A bin belongs where the mean
        radius of its spaxels is.
    """
    radius = data.row_means(disc.radius_arcsec)
    outermost = np.quantile(disc.radius_arcsec[data.row >= 0], _WITHIN)
    edges = np.linspace(0.0, outermost, n_annuli + 1)
    annuli = []
    for inner, outer in pairwise(edges):
        rows = np.flatnonzero((radius >= inner) & (radius < outer))
        if len(rows):
            mean = float(np.average(radius[rows], weights=data.n_spaxels[rows]))
            annuli.append(Annulus(float(inner), float(outer), mean, rows))
    return annuli


def surface_brightness(data: CubeData) -> np.ndarray:
    """Median flux per spaxel, by which the centre of the light is found.

    Parameters
    ----------
    data
        The cube.

    Returns
    -------
    ndarray
        Shape (ny, nx), NaN without data.
    """
    observation = data.observation
    level = torch.where(observation.valid, observation.flux, torch.nan).nanmedian(1).values
    return data.map_grid.paint(level.double().numpy() / data.n_spaxels)


def locate_disc(data: CubeData, options: ProfileOptions) -> Disc:
    """Place the disc on the map.

    Parameters
    ----------
    data
        The cube.
    options
        With its orientation.

    Returns
    -------
    Disc
        Radii of all spaxels.

    Raises
    ------
    ValueError
        If radii cannot be computed, see `place_disc`.
    """
    return place_disc(data.header, surface_brightness(data), options.orientation)


def radial_profile(
    model: PosteriorModel, data: CubeData, options: ProfileOptions | None = None
) -> Table:
    """Infer the profiles of all scalars.

    Parameters
    ----------
    model
        Trained model.
    data
        The cube, with what is not to be used already left out; binned or not.
    options
        How.

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
    """
    options = options or ProfileOptions()
    disc = locate_disc(data, options)
    distance = luminosity_distance_mpc(np.array([data.galaxy_redshift]), options.distance_mpc)
    kpc = kpc_per_arcsec(float(distance[0]), data.galaxy_redshift)
    rng = np.random.default_rng(options.seed)
    lines = []
    for annulus in cut_annuli(data, disc, options.n_annuli):
        rows = annulus.rows
        if len(rows) > options.max_rows:
            rows = np.sort(rng.choice(rows, options.max_rows, replace=False))
        region = _combine(model, data, rows, options)
        lines.append({**_place(annulus, kpc, options), "N_USED": len(rows)})
        n_used, n_all = (float(data.n_spaxels[r].sum()) for r in (rows, annulus.rows))
        area = n_used * spaxel_area_arcsec2(data.header) * kpc**2 / options.orientation.axis_ratio
        lines[-1] |= _values(region, area, n_all / n_used)
    return _table(lines, disc, options)


def _combine(
    model: PosteriorModel, data: CubeData, rows: np.ndarray, options: ProfileOptions
) -> RegionPosterior:
    """One annulus: its spectra inferred, and combined."""
    part = data.select(rows)
    samples = infer(
        model, part.observation, options.n_draws, options.seed, distance_mpc=options.distance_mpc
    )
    return aggregate(
        samples,
        np.arange(len(rows)),
        model,
        part,
        distance_mpc=options.distance_mpc,
        options=options.aggregate,
    )


def _place(annulus: Annulus, kpc: float, options: ProfileOptions) -> dict[str, float]:
    """Columns that say where an annulus is."""
    place = {"R_IN": annulus.inner, "R_OUT": annulus.outer, "R": annulus.radius}
    if np.isfinite(kpc):
        place["R_KPC"] = annulus.radius * kpc
    if options.effective_radius_arcsec is not None:
        place["R_RE"] = annulus.radius / options.effective_radius_arcsec
    return {**place, "N_ROWS": len(annulus.rows)}


def _values(region: RegionPosterior, area_kpc2: float, growth: float) -> dict[str, float]:
    """Columns of the scalars of an annulus; masses are those of all its spaxels."""
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
    """The table, with units and what was assumed."""
    table = Table(rows=lines)
    units = {"R_IN": "arcsec", "R_OUT": "arcsec", "R": "arcsec", "R_KPC": "kpc"}
    for name in table.colnames:
        unit = units.get(name) or unit_of(name)
        if unit:
            table[name].unit = unit
    table.meta = {
        "inclination_deg": options.orientation.inclination_deg,
        "position_angle_deg": options.orientation.position_angle_deg,
        "centre_pixel": [round(v, 3) for v in disc.centre_xy],
        "combined": "hierarchically; errors that all spectra share are in every annulus",
    }
    return table
