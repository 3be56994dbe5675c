"""What is left out of a cube before it is inferred."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from amortized_sfh.data.cubes.cube_data import CubeData
from amortized_sfh.model.model import PosteriorModel
from simulators.observations.masks import LASER_RANGE_AA, MILKY_WAY_SODIUM_RANGE_AA, leave_out

if TYPE_CHECKING:
    from amortized_sfh.workflows.infer_cube import RunOptions


def mask_cube(model: PosteriorModel, data: CubeData, options: RunOptions) -> CubeData:
    """Leave out what the model does not explain: lines, sky, sodium, and the laser of the AO.

    Parameters
    ----------
    model
        Its wavelengths.
    data
        What `read_cube` returned.
    options
        What to leave out.

    Returns
    -------
    CubeData
        The same with less of it valid.

    Raises
    ------
    ValueError
        If a line lies outside the wavelengths of the model.
    """
    instrument = model.instrument
    grid = instrument.grid
    for line in options.extra_lines_aa:
        if not grid.start_aa <= line <= grid.end_aa:
            raise ValueError(
                f"line to mask at {line:g} Å is outside the model's {grid.start_aa:.0f}-"
                f"{grid.end_aa:.0f} Å; expected a rest-frame air wavelength"
            )
    ao = data.ao if options.ao is None else options.ao
    ranges = [MILKY_WAY_SODIUM_RANGE_AA] if options.milky_way_sodium else []
    ranges += [LASER_RANGE_AA] if ao else []
    observation = leave_out(
        data.observation, instrument, options.line_half_width_kms, options.extra_lines_aa, ranges
    )
    provenance = {**data.provenance, "AO": ao, "MWSODIUM": options.milky_way_sodium}
    return replace(data, observation=observation, provenance=provenance)
