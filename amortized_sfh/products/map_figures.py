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
    DENSITIES,
    LOGMASS,
    LOGMASS_PER_BIN,
    MASSFRAC,
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
        The pictures; those that would have no map to show are left out.
    """
    out = Path(out)
    distance = data.distance_mpc(distance_mpc)
    known = distance if np.isfinite(distance) else None
    frame = SkyFrame.from_header(data.header, known, data.galaxy_redshift)
    scalars = {name: maps.grid.paint(v) for name, v in maps.items() if v.ndim == 2}
    per_bin = {
        extension_name(MASSFRAC.name, statistic): maps.image(MASSFRAC.name, statistic)
        for statistic in STATISTICS
    }
    mass = LOGMASS.name
    if (data.n_spaxels > 1).any():
        # the mass of a bin tells its size
        scalars[LOGMASS_PER_BIN.name] = scalars[mass]
        mass = SIGMA_STAR.name if SIGMA_STAR.name in scalars else LOGMASS_PER_BIN.name
    overview = [mass if name == LOGMASS.name else name for name in OVERVIEW]
    with_values = {name for name, planes in scalars.items() if np.isfinite(planes[0]).any()}
    groups = {
        "averages": AVERAGES,
        "other": [name for name in overview if name in with_values],
        "bins": [MASSFRAC.name],
        "densities": [name for name in DENSITIES if name in with_values],
    }
    paths = {part: out.with_name(f"{out.stem}_{part}.png") for part in groups if groups[part]}
    for part, path in paths.items():
        if part == "bins":
            plot_bin_maps(per_bin, maps.edges_gyr, frame=frame, truth=truth, path=path)
        else:
            plot_maps(scalars, truth=truth, names=groups[part], frame=frame, path=path)
    return list(paths.values())
