"""Surface densities of mass and star formation, draw by draw."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from amortized_sfh.inference.samples import PosteriorSamples
from amortized_sfh.quantities.derived import Derived


def surface_densities(samples: PosteriorSamples, area_kpc2: np.ndarray) -> dict[str, Tensor]:
    """Surface densities by product name, linear, so that they may be added over areas.

    Parameters
    ----------
    samples
        Draws of n_obs observations.
    area_kpc2
        Area of each in the plane of the galaxy, shape (n_obs,): what the spaxels of a bin cover
        together, divided by the cosine of the inclination.

    Returns
    -------
    dict of str to Tensor
        `SIGMA_SFR10` and `SIGMA_SFR100`, mean star formation rate of the last 10 and 100 Myr in
        M☉/yr/kpc², and `SIGMA_STAR`, living stars in M☉/kpc²; each (n_obs, n_draws), NaN without a
        distance.

    Raises
    ------
    ValueError
        If the areas are not one positive number per observation.
    """
    area = torch.as_tensor(area_kpc2, dtype=torch.float32)
    if area.shape != (len(samples),) or bool((area <= 0).any()):
        raise ValueError(
            f"area_kpc2 has shape {tuple(area.shape)} and values from "
            f"{float(area.min()) if area.numel() else 'nothing'}; expected one positive area for "
            f"each of {len(samples)} observations"
        )
    return history_densities(samples.derived, samples.log_mass, area[:, None])


def history_densities(derived: Derived, log_mass: Tensor, area_kpc2: Tensor) -> dict[str, Tensor]:
    """The same of any histories.

    Parameters
    ----------
    derived
        Derived quantities.
    log_mass
        log10 of the formed mass, the shape of the derived scalars.
    area_kpc2
        Area, broadcast against the mass.

    Returns
    -------
    dict of str to Tensor
        Each of the shape of the mass.
    """
    formed = log_mass - torch.log10(area_kpc2)
    return {
        "SIGMA_SFR10": 10.0 ** (formed + derived.log_ssfr_10),
        "SIGMA_SFR100": 10.0 ** (formed + derived.log_ssfr_100),
        "SIGMA_STAR": 10.0 ** (formed + torch.log10(derived.alive)),
    }
