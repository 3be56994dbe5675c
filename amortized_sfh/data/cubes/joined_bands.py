"""Spectra of spaxels or bins joined with their HST bands, free of the Galactic foreground."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import torch

from amortized_sfh.data.cube_files.cube_file import UNIT_CGS
from amortized_sfh.data.foreground import band_extinction_mag
from amortized_sfh.data.hst.band_image import BandImage
from simulators.observations.observation import BANDS, Observation
from simulators.wavelengths.resample import Resampled


class BandFluxes(NamedTuple):
    """Fluxes of the rows of a cube in one HST band, as observed.

    Attributes
    ----------
    flux, sigma : ndarray
        f_λ of each row and its standard deviation, shape (n_obs,), in the unit of the cube; NaN
        where there is none.
    shared_sigma : float
        Error of the flux of every spaxel that is the same in all of them.
    """

    flux: np.ndarray
    sigma: np.ndarray
    shared_sigma: float


def bands_of_spaxels(images: Mapping[str, BandImage], spaxels: np.ndarray) -> dict[str, BandFluxes]:
    """Return the bands of single spaxels.

    Parameters
    ----------
    images : mapping
        Band name to image on the grid of the cube, shape (ny, nx).
    spaxels : ndarray
        Positions of the spaxels, counted row by row, shape (n_obs,); or True for each of them,
        shape (ny * nx,).

    Returns
    -------
    dict
        Band name to fluxes of these spaxels.
    """
    return {
        band: BandFluxes(
            image.flux.ravel()[spaxels], image.sigma.ravel()[spaxels], image.shared_sigma
        )
        for band, image in images.items()
    }


def join_bands(
    spectra: Resampled,
    bands: Mapping[str, BandFluxes],
    n_spaxels: np.ndarray,
    redshift: np.ndarray,
    ebv: float,
) -> tuple[Observation, np.ndarray, np.ndarray]:
    """Join spectra and bands of the same rows.

    Parameters
    ----------
    spectra : Resampled
        Spectra on the grid of the model, free of the foreground, shape (n_obs, n_pix).
    bands : mapping
        Band name to fluxes as observed; any subset of the five bands.
    n_spaxels : ndarray
        Number of spaxels in each row, shape (n_obs,).
    redshift : ndarray
        Redshift of the frame of each row, shape (n_obs,), float64.
    ebv : float
        E(B-V) of the Milky Way in mag, removed from the bands.

    Returns
    -------
    observation : Observation
        The n_obs rows with the five bands; those without an image are not valid.
    shared_sigma : ndarray
        Part of the errors of the bands that all rows have in common, shape (n_obs, n_band).
    complete : ndarray
        True for rows that have every band of which there is an image, shape (n_obs,).
    """
    n_obs = len(spectra.flux)
    phot, phot_sigma = torch.zeros(2, n_obs, len(BANDS))
    phot_valid = torch.zeros(n_obs, len(BANDS), dtype=torch.bool)
    shared = np.zeros((n_obs, len(BANDS)))
    for band, seen in bands.items():
        factor = 10.0 ** (0.4 * band_extinction_mag(band, ebv)) * (1.0 + redshift)
        j = BANDS.index(band)
        shared[:, j] = seen.shared_sigma * factor * n_spaxels
        total = np.hypot(seen.sigma * factor, shared[:, j])
        flux, sigma = (torch.as_tensor(v).float() for v in (seen.flux * factor, total))
        phot_valid[:, j] = torch.isfinite(flux) & torch.isfinite(sigma) & (sigma > 0)
        phot[:, j] = flux.where(phot_valid[:, j], torch.tensor(0.0))
        phot_sigma[:, j] = sigma.where(phot_valid[:, j], torch.tensor(0.0))
    z = torch.as_tensor(redshift).float()
    observation = Observation(*spectra, phot, phot_sigma, phot_valid, z, unit_cgs=UNIT_CGS)
    complete = phot_valid[:, [BANDS.index(band) for band in bands]].all(dim=1).numpy()
    return observation, shared, complete
