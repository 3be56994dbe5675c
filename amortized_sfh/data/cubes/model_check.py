"""Whether a cube is of the kind that a model was made for, and its bands in the model's order.

Call `check_cube_for_model` before the long part: it reads nothing but headers.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

import numpy as np

from amortized_sfh.data.cube_files.cube_file import open_cube
from amortized_sfh.data.cubes.cube_data import CubeData
from amortized_sfh.quantities.flags import Flag, observation_flags
from simulators.instruments.instrument import Instrument
from simulators.observations.coverage import check_coverage, check_pixels
from simulators.observations.observation import BANDS, check_redshift
from simulators.wavelengths.air import rest_air_edges

__all__ = ["check_cube_for_model", "select_model_bands"]


def check_cube_for_model(
    path: str | Path, redshift: float, instrument: Instrument, bands: Collection[str] = ()
) -> None:
    """Refuse a cube, or bands, for which a model was not made.

    Parameters
    ----------
    path
        The cube.
    redshift
        Of the galaxy.
    instrument
        What the model is made for.
    bands
        Bands of the images that come with the cube.

    Raises
    ------
    FileNotFoundError, InputFileError
        If the cube cannot be used.
    ValueError
        If the cube misses 30 % or more of the model's wavelengths, has wider pixels than the model,
        or the model does not know a band.
    """
    unknown = [band for band in bands if band in BANDS and band not in instrument.bands]
    if unknown:
        known = ", ".join(instrument.bands) or "none"
        raise ValueError(
            f"a model for {instrument.name!r} does not know the band {unknown[0]}; it knows "
            f"{known}: leave the image out, or use a model with this band"
        )
    z, cube = check_redshift(redshift), open_cube(path)
    rest = rest_air_edges(cube.edges_aa, z, cube.medium)
    check_coverage(instrument, (float(rest[0]), float(rest[-1])), z, str(path))
    check_pixels(instrument, rest, str(path))


def select_model_bands(data: CubeData, instrument: Instrument) -> CubeData:
    """Put the five HST bands of a cube in the order of a model's own.

    Parameters
    ----------
    data
        A cube as read, with the bands :data:`~simulators.observations.observation.BANDS`.
    instrument
        What the model is made for.

    Returns
    -------
    CubeData
        With the bands of the model; those that are no HST bands are missing.
    """
    observation = data.observation.in_bands(instrument.bands)
    shared = np.zeros((len(data), len(instrument.bands)))
    for j, band in enumerate(instrument.bands):
        if band in BANDS:
            shared[:, j] = data.shared_phot_sigma[:, BANDS.index(band)]
    # the reader missed bands that the model may not have
    flag = (data.flag & ~int(Flag.NO_PHOTOMETRY)) | observation_flags(observation)
    return replace(data, observation=observation, shared_phot_sigma=shared, flag=flag)
