"""Adding up the spectra of a region into one, the check on their hierarchical combination."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from amortized_sfh.aggregation.region import Region, spectra_of_region
from amortized_sfh.data.cube_files.coadder import Coadder
from amortized_sfh.data.cubes.cube_data import CubeData
from simulators.noise.growth import NOISE_GROWTH
from simulators.observations.observation import Observation

_REDSHIFT_SPREAD = 0.004


def coadd(
    data: CubeData | Observation, region: Region, *, noise_growth: float | None = None
) -> Observation:
    """Sum the spectra and bands of a region.

    One inference of the sum is not pulled further towards the prior than its own noise allows. But
    its light is that of one history behind one screen of dust, which a sum of different ones is
    not: where dust and ages vary much within the region, `aggregate` is less biased.

    Parameters
    ----------
    data
        Spectra and bands that hold the region: a cube, or an observation.
    region
        Row numbers, a boolean for each row, or a boolean map (ny, nx) of a cube.
    noise_growth
        Growth of the noise of sums per decade of spaxels, because neighbours share noise; 0 for
        independent spectra, see `simulators.noise.growth.noise_growth_factor`. By default
        that of the cube (its noise profile's, say), or `NOISE_GROWTH` where it is not known.

    Returns
    -------
    Observation
        Batch of one, in the unit of the data. Errors that CubeData says are common to all rows
        are added linearly. Spectra in rest frames of their own are added in these.

    Raises
    ------
    ValueError
        If the region is empty or outside, or its redshifts differ by more than the rotation of a
        galaxy.
    """
    observation = data if isinstance(data, Observation) else data.observation
    if noise_growth is None:
        own = data.noise_growth if isinstance(data, CubeData) else None
        noise_growth = NOISE_GROWTH if own is None else own
    rows = spectra_of_region(region, data)
    part = observation[torch.from_numpy(rows)].clean()
    low, high = float(part.redshift.min()), float(part.redshift.max())
    if high - low > _REDSHIFT_SPREAD:
        raise ValueError(
            f"the region has redshifts from {low:g} to {high:g}; expected spectra of one galaxy, "
            f"within {_REDSHIFT_SPREAD:g}"
        )
    level = torch.where(part.valid, part.flux, 0.0).sum(1) / part.valid.sum(1).clamp_min(1)
    flux, sigma, valid = _sum((part.flux, part.sigma, part.valid), level, noise_growth)
    independent = part.phot_sigma
    common = torch.zeros(1, part.phot.shape[1])
    if isinstance(data, CubeData):
        shared = torch.from_numpy(data.shared_phot_sigma[rows]).to(part.phot)
        independent = (part.phot_sigma.square() - shared.square()).clamp_min(0.0).sqrt()
        common = shared.sum(0, keepdim=True)
    phot, phot_sigma, phot_valid = _sum(
        (part.phot, independent, part.phot_valid), level, noise_growth
    )
    return replace(
        part[:1],
        redshift=part.redshift.mean(0, keepdim=True),
        flux=flux,
        sigma=sigma,
        valid=valid,
        phot=phot,
        phot_sigma=torch.hypot(phot_sigma, common),
        phot_valid=phot_valid,
    )


def _sum(
    values: tuple[Tensor, Tensor, Tensor], level: Tensor, noise_growth: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Add up flux, sigma and valid over rows; what is missing is made up for by the light."""
    flux, sigma, valid = values
    coadder = Coadder(np.zeros(len(flux), dtype=int), level.numpy(), flux.shape[1])
    coadder.add(slice(None), flux, sigma.square(), valid)
    return coadder.result(noise_growth)
