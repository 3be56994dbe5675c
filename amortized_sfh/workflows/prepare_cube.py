"""Preparing a cube for inference: masks, measured noise, and velocities of a first pass."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from amortized_sfh.data.cubes.cube_data import CubeData
from amortized_sfh.inference.infer import infer_chunks
from amortized_sfh.inference.noise_scale import measure_noise_scale
from amortized_sfh.model.model import PosteriorModel
from amortized_sfh.requests.infer import MasksRequest
from simulators.observations.masks import (
    LASER_RANGE_AA,
    MILKY_WAY_SODIUM_RANGE_AA,
    mask_observation,
)
from simulators.observations.observation import Observation

#: Draws of a first pass; their mean is good to an eighth of the posterior's width.
_N_FIRST_PASS = 64


def mask_spectra(
    model: PosteriorModel, observation: Observation, masks: MasksRequest, ao: bool
) -> Observation:
    """Leave out what the model does not explain: lines, sky, sodium, and the laser of the AO.

    Parameters
    ----------
    model
        Trained model, whose wavelengths the spectra are on.
    observation
        Batch of n_obs observations.
    masks
        The choice of masks; its `regions` and `ao` are not looked at.
    ao
        If true, the laser of the adaptive optics is left out.

    Returns
    -------
    Observation
        The same with fewer valid pixels.

    Raises
    ------
    ValueError
        If a line lies outside the wavelengths of the model.
    """
    grid = model.instrument.grid
    for line in masks.lines_aa:
        if not grid.start_aa <= line <= grid.end_aa:
            raise ValueError(
                f"line to mask at {line:g} Å is outside the model's {grid.start_aa:.0f}-"
                f"{grid.end_aa:.0f} Å; expected a rest-frame air wavelength"
            )
    ranges = [MILKY_WAY_SODIUM_RANGE_AA] if masks.milky_way_sodium else []
    ranges += [LASER_RANGE_AA] if ao else []
    return mask_observation(
        observation, model.instrument, masks.line_half_width_kms, masks.lines_aa, ranges
    )


def mask_cube(model: PosteriorModel, data: CubeData, masks: MasksRequest) -> CubeData:
    """Mask the spectra of a cube, see `mask_spectra`.

    Parameters
    ----------
    model
        Trained posterior model.
    data
        The cube as `read_cube` gives it.
    masks
        The choice of masks.

    Returns
    -------
    CubeData
        The same with fewer valid pixels; its provenance says what was masked.
    """
    ao = data.ao if masks.ao is None else masks.ao
    observation = mask_spectra(model, data.observation, masks, ao)
    provenance = {**data.provenance, "AO": ao, "MWSODIUM": masks.milky_way_sodium}
    return replace(data, observation=observation, provenance=provenance)


def prepare_cube(
    model: PosteriorModel,
    data: CubeData,
    masks: MasksRequest,
    *,
    measure_noise: bool = False,
    seed: int = 0,
) -> CubeData:
    """Mask a cube and, if that is asked for, enlarge its error bars to the scatter of the data.

    Parameters
    ----------
    model
        Trained posterior model.
    data
        The cube as `read_cube` gives it.
    masks
        The choice of masks.
    measure_noise
        If true, error bars are enlarged, see `measure_noise_scale`.
    seed
        Source of randomness of the posterior that predicts the spectra.

    Returns
    -------
    CubeData
        The cube as it is inferred.
    """
    data = mask_cube(model, data, masks)
    if not measure_noise:
        return data
    observation, scale = measure_noise_scale(model, data.observation, seed)
    noise_scale = data.noise_scale * scale.median(dim=1).values.numpy()
    return replace(data, observation=observation, noise_scale=noise_scale)


def first_pass_velocity(
    model: PosteriorModel, observation: Observation, seed: int = 0
) -> np.ndarray:
    """Measure the velocities of spectra, in whose frames they are then read.

    Parameters
    ----------
    model
        Trained posterior model.
    observation
        Batch of n_obs observations, masked.
    seed
        Source of randomness; the same seed gives the same velocities.

    Returns
    -------
    ndarray
        Posterior mean of the velocity in the rest frame of each spectrum in km/s, shape (n_obs,);
        NaN where there are no data. Where a spectrum says little it is drawn to 0, the mean of the
        prior: a faint spaxel is not thrown about by its noise.
    """
    column = model.space.index("velocity")
    parts = [
        torch.where(samples.has_data, samples.theta[..., column].mean(1), torch.nan)
        for samples in infer_chunks(model, observation, _N_FIRST_PASS, seed)
    ]
    return torch.cat(parts).double().numpy()
