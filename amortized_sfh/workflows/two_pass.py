"""A quick first look at the velocity of every row, in whose frame it is then read."""

from __future__ import annotations

import numpy as np
import torch

from amortized_sfh.data.cubes.cube_data import CubeData
from amortized_sfh.inference.infer import infer_chunks
from amortized_sfh.model.model import PosteriorModel
from simulators.wavelengths.doppler import add_velocities

N_DRAWS = 64
"""Draws of the first pass; their mean is good to an eighth of the posterior's width."""


def first_pass_velocity(model: PosteriorModel, data: CubeData, seed: int = 0) -> np.ndarray:
    """Measure the velocity of every spaxel.

    Parameters
    ----------
    model
        Trained model.
    data
        The cube, masked.
    seed
        Source of randomness.

    Returns
    -------
    ndarray
        Posterior mean of V relative to the redshift in km/s, shape (ny, nx) of the region; NaN
        where there is no row or no data. Where a spectrum says little it is drawn to 0, the mean
        of the prior: a faint spaxel is not thrown about by its noise.
    """
    parts = []
    column = model.generative.prior.space.index("velocity")
    for samples in infer_chunks(model, data.observation, N_DRAWS, seed):
        mean = samples.theta[..., column].mean(1)
        parts.append(torch.where(samples.has_data, mean, torch.nan))
    velocity = torch.cat(parts).double().numpy()
    if data.frame_kms is not None:
        velocity = add_velocities(data.frame_kms, velocity)
    return data.map_grid.paint(velocity)
