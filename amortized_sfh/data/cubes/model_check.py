"""Check that a cube is of the kind that a model was made for, and select the bands of the model.

Call :func:`check_cube_for_model` before the long part: it reads nothing but headers.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

import numpy as np

from amortized_sfh.data.cube_files.cube_file import CubeFile, open_cube
from amortized_sfh.data.cubes.cube_data import CubeData
from amortized_sfh.quantities.flags import Flag, observation_flags
from simulators.instruments.instrument import Instrument
from simulators.observations.coverage import check_coverage, check_pixels
from simulators.observations.observation import BANDS, check_redshift
from simulators.wavelengths.air import rest_air_edges


def check_cube_for_model(
    cube: str | Path | CubeFile,
    redshift: float,
    instrument: Instrument,
    bands: Collection[str] = (),
) -> None:
    """Refuse a cube, or bands, for which a model was not made.

    Parameters
    ----------
    cube : str, Path or CubeFile
        File name of the cube, or the cube as :func:`open_cube` returned it.
    redshift : float
        Redshift of the galaxy.
    instrument : Instrument
        Instrument that the model was made for.
    bands : collection of str
        Names of the bands of the images that come with the cube; none by default.

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
    z, cube = check_redshift(redshift), open_cube(cube)
    rest = rest_air_edges(cube.edges_aa, z, cube.medium)
    check_coverage(instrument, (float(rest[0]), float(rest[-1])), z, str(cube.path))
    check_pixels(instrument, rest, str(cube.path))


def select_model_bands(data: CubeData, instrument: Instrument) -> CubeData:
    """Put the five HST bands of a cube in the order of a model's own.

    Parameters
    ----------
    data : CubeData
        A cube as read, with the bands :data:`~simulators.observations.observation.BANDS`.
    instrument : Instrument
        Instrument that the model was made for.

    Returns
    -------
    CubeData
        The cube with the bands of the model; those that are no HST bands are missing.
    """
    observation = data.observation.in_bands(instrument.bands)
    shared = np.zeros((len(data), len(instrument.bands)))
    for j, band in enumerate(instrument.bands):
        if band in BANDS:
            shared[:, j] = data.shared_phot_sigma[:, BANDS.index(band)]
    # the reader missed bands that the model may not have
    flag = (data.flag & ~int(Flag.NO_PHOTOMETRY)) | observation_flags(observation)
    return replace(data, observation=observation, shared_phot_sigma=shared, flag=flag)
