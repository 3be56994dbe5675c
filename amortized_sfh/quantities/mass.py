"""Stellar mass of a history: the level of the observed light over that of the model."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from amortized_sfh.quantities.spectrum_scale import pixel_weights, spectrum_scale
from simulators.constants import CM_PER_MPC, SOLAR_LUMINOSITY_CGS
from simulators.forward.simulator import Simulator
from simulators.observations.masks import line_mask
from simulators.observations.observation import Observation

#: Uncertainty of the absolute flux calibration, relative; the same for all spectra of a cube.
ABSOLUTE_CALIBRATION = 0.05
#: Half width of the masks of emission lines where the level of a spectrum gives the mass.
LEVEL_MASK_KMS = 1000.0


class MassScale(NamedTuple):
    """Level of the observed light, which turns model light into mass, for n_obs observations.

    Attributes
    ----------
    log_luminosity
        log10 of the level of the data in L☉/Å, shape (n_obs,); NaN without a distance.
    window
        Weight of equal parts of the spectrum in that level, shape (n_obs, n_window).
    relative_noise
        Relative error of the level from the noise, without the absolute calibration, (n_obs,).
    """

    log_luminosity: Tensor
    window: Tensor
    relative_noise: Tensor

    def log_mass(self, simulator: Simulator, theta: Tensor) -> Tensor:
        """Compute log10 of the formed mass in M☉ at the observed level, without its error.

        Parameters
        ----------
        simulator
            Simulator that gives the level of the light per formed mass.
        theta
            Histories, shape (n_obs, n_draws, n_param).

        Returns
        -------
        Tensor
            log10 of the formed mass in M☉, shape (n_obs, n_draws).
        """
        level = simulator.window_means(theta.flatten(0, 1)).unflatten(0, theta.shape[:2])
        level = (level * self.window[:, None]).sum(-1)
        return self.log_luminosity[:, None] - torch.log10(level)


def mass_scale(
    simulator: Simulator, observation: Observation, distance_mpc: float | None
) -> MassScale:
    """Measure the level of observations.

    Parameters
    ----------
    simulator
        Simulator that says which parts of the spectrum the level is made of.
    observation
        Batch of n_obs observations, masked.
    distance_mpc
        Luminosity distance in Mpc; from the redshift where it is not given.

    Returns
    -------
    MassScale
        Level of each observation, on its device.

    Raises
    ------
    ValueError
        If the distance is not positive.
    """
    n_obs = len(observation)
    wave = simulator.wave_aa.to(observation.flux)
    # the level of the model has no lines: leave out where a fast or broad galaxy may have theirs
    free = observation.valid & line_mask(wave, LEVEL_MASK_KMS)
    free = torch.where(free.any(1, keepdim=True), free, observation.valid)
    observation = replace(observation, valid=free)
    scale, snr = spectrum_scale(observation)
    edges = simulator.window_edges_aa.to(wave)
    part = (torch.bucketize(wave, edges) - 1).clamp(0, len(edges) - 2)
    weight, _ = pixel_weights(observation)
    window = torch.zeros(n_obs, len(edges) - 1, device=wave.device).index_add_(1, part, weight)
    window = window / window.sum(1, keepdim=True)
    distance = luminosity_distance_mpc(observation.redshift.cpu().double().numpy(), distance_mpc)
    area = 4.0 * math.pi * (distance * CM_PER_MPC) ** 2
    unit_cgs = math.nan if observation.unit_cgs is None else observation.unit_cgs
    luminosity = torch.from_numpy(np.log10(area * unit_cgs / SOLAR_LUMINOSITY_CGS))
    return MassScale(torch.log10(scale) + luminosity.to(scale), window, 1.0 / snr)


def luminosity_distance_mpc(redshift: np.ndarray, distance_mpc: float | None = None) -> np.ndarray:
    """Return luminosity distances.

    Parameters
    ----------
    redshift
        Redshifts of the observations, shape (n_obs,).
    distance_mpc
        The distance of all of them, NaN if there is none; where it is not given, that of the
        redshift (Planck 2018).

    Returns
    -------
    ndarray
        Distances in Mpc, shape (n_obs,); NaN where there is none, at z <= 0.

    Raises
    ------
    ValueError
        If the distance is not positive.
    """
    if distance_mpc is not None:
        if not (distance_mpc > 0 or math.isnan(distance_mpc)):
            raise ValueError(f"distance_mpc is {distance_mpc}: expected a positive distance in Mpc")
        return np.full(len(redshift), float(distance_mpc))
    from astropy.cosmology import Planck18  # noqa: PLC0415 (slow to import)

    unique, row = np.unique(redshift, return_inverse=True)
    distance = np.full(len(unique), np.nan)
    near = unique > 0
    if near.any():
        distance[near] = Planck18.luminosity_distance(unique[near]).value
    return distance[row]
