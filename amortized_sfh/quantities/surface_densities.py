"""Surface densities of mass and star formation, draw by draw."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from amortized_sfh.quantities.derived import Derived
from amortized_sfh.quantities.quantity import QuantityInputs
from amortized_sfh.quantities.registry import SURFACE_DENSITIES, evaluate


def surface_densities(
    derived: Derived, log_mass: Tensor, area_kpc2: np.ndarray | float
) -> dict[str, Tensor]:
    """Compute surface densities, linear, so that they may be added over areas.

    Parameters
    ----------
    derived
        Quantities per formed solar mass, scalars of shape (..., n_draws).
    log_mass
        log10 of the formed mass in M☉, shape (..., n_draws); NaN without a distance.
    area_kpc2
        Area in the plane of the galaxy, in kpc², shape (...): the spaxels of a bin together,
        divided by the cosine of the inclination.

    Returns
    -------
    dict of str to Tensor
        `SURFACE_DENSITIES` by name, each of the shape of `log_mass`; NaN without a distance.

    Raises
    ------
    ValueError
        If the areas are not one positive number per observation.
    """
    area = torch.as_tensor(area_kpc2, dtype=torch.float32)
    if area.shape != log_mass.shape[:-1] or not bool((area > 0).all()):
        raise ValueError(
            f"area_kpc2 has shape {tuple(area.shape)} and values from "
            f"{float(area.min()) if area.numel() else 'nothing'}; expected one positive area for "
            f"each of {log_mass.shape[:-1].numel()} observations"
        )
    inputs = QuantityInputs(derived=derived, log_mass=log_mass, area_kpc2=area[..., None])
    return evaluate(SURFACE_DENSITIES, inputs)
