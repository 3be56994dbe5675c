"""Figures of the maps of a cube, beside the FITS file that holds their numbers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from amortized_sfh.data.cubes.cube_data import CubeData
from amortized_sfh.plotting import SkyFrame, plot_bin_maps, plot_maps
from amortized_sfh.products.posterior_maps import PosteriorMaps
from amortized_sfh.quantities.registry import (
    AVERAGES,
    BIN_FIGURES,
    DENSITIES,
    LOGMASS,
    LOGMASS_PER_BIN,
    OVERVIEW,
    SIGMA_STAR,
)
from amortized_sfh.quantities.statistics import STATISTICS, extension_name


def draw_maps(
    maps: PosteriorMaps,
    data: CubeData,
    out: str | Path,
    distance_mpc: float | None = None,
    truth: Mapping[str, np.ndarray] | None = None,
) -> list[Path]:
    """Draw averages, mass with dust and kinematics, some age bins, and surface densities.

    Parameters
    ----------
    maps
        Maps of the cube, as `infer_cube` gives them.
    data
        The cube that they come from.
    out
        FITS file whose name the pictures take: `maps.fits` has `maps_averages.png`.
    distance_mpc
        Luminosity distance in Mpc, for a scale bar in kpc; that of the redshift by default.
    truth
        True maps by product name: (ny, nx) of scalars, (n_bins, ny, nx) of `MASSFRAC`.

    Returns
    -------
    list of Path
        The pictures; the last is missing where there is nothing to show.
    """
    out = Path(out)
    frame = _sky_frame(data, distance_mpc)
    scalars = {name: maps.grid.paint(v) for name, v in maps.items() if v.ndim == 2}
    per_bin = {
        extension_name(name, statistic): maps.image(name, statistic)
        for name in BIN_FIGURES
        for statistic in STATISTICS
    }
    parts = ("averages", "other", "bins", "densities")
    paths = [out.with_name(f"{out.stem}_{part}.png") for part in parts]
    plot_maps(scalars, truth=truth, names=AVERAGES, frame=frame, path=paths[0])
    mass = LOGMASS.name
    if (data.n_spaxels > 1).any():
        # the mass of a bin tells its size
        scalars[LOGMASS_PER_BIN.name] = scalars[mass]
        mass = SIGMA_STAR.name if SIGMA_STAR.name in scalars else LOGMASS_PER_BIN.name
    names = [mass if name == LOGMASS.name else name for name in OVERVIEW]
    names = [name for name in names if _drawable(scalars[name])]
    plot_maps(scalars, truth=truth, names=names, frame=frame, path=paths[1])
    plot_bin_maps(per_bin, maps.edges_gyr, frame=frame, truth=truth, path=paths[2])
    names = [name for name in DENSITIES if name in scalars and _drawable(scalars[name])]
    if names:
        plot_maps(scalars, truth=truth, names=names, frame=frame, path=paths[3])
    return paths[: 3 + bool(names)]


def _sky_frame(data: CubeData, distance_mpc: float | None) -> SkyFrame:
    """Axes of the maps, at the distance that masses and areas have."""
    if not len(data.header):
        return SkyFrame()
    distance = data.distance_mpc(distance_mpc)
    known = distance if np.isfinite(distance) else None
    return SkyFrame.from_header(data.header, known, data.galaxy_redshift)


def _drawable(plane: np.ndarray) -> bool:
    """Say if a map has anything to show."""
    return bool(np.isfinite(plane[0]).any())
