"""HST bands on the spaxels of a cube: fluxes, sums over bins, and joining them with spectra."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import torch

from amortized_sfh.data.cube_files.coadder import Coadder
from amortized_sfh.data.cube_files.cube_file import UNIT_CGS
from amortized_sfh.data.cube_files.psf import PsfWidth
from amortized_sfh.data.foreground import band_extinction_mag
from simulators.noise.growth import NOISE_GROWTH
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


@dataclass(frozen=True)
class BandImage:
    """One HST band on the spaxels of a cube, at its resolution.

    Parameters
    ----------
    band : str
        Name of the band, such as "F555W".
    flux : ndarray
        f_λ per spaxel as observed, in units of 1e-20 erg/s/cm²/Å, shape (ny, nx), NaN outside.
    sigma : ndarray
        Standard deviation of the flux of single spaxels, shape (ny, nx).
    sigma_sum : ndarray
        Larger, independent standard deviation per spaxel whose squares add up in wide bins:
        convolution correlates spaxels and makes each look better than their sum is.
    source : str
        Name of the file that the image was read from.
    shared_sigma : float
        Uncertainty of the flux of every spaxel from the sky level of the image. It is the same
        error in all of them, so that it grows with the number of spaxels of a bin.
    notes : dict
        Facts about camera, noise, sky and position for the headers of products, by keyword.
    """

    band: str
    flux: np.ndarray
    sigma: np.ndarray
    sigma_sum: np.ndarray
    source: str = ""
    shared_sigma: float = 0.0
    notes: dict[str, object] = field(default_factory=dict)

    def at(self, spaxels: np.ndarray) -> BandFluxes:
        """Return the fluxes of single spaxels.

        Parameters
        ----------
        spaxels : ndarray
            Positions of the spaxels, counted row by row, shape (n_obs,); or True for each of them,
            shape (ny * nx,).

        Returns
        -------
        BandFluxes
            Fluxes of these spaxels.
        """
        return BandFluxes(
            self.flux.ravel()[spaxels], self.sigma.ravel()[spaxels], self.shared_sigma
        )

    def coadd(
        self, bin_of_spaxel: np.ndarray, light: np.ndarray, noise_growth: float = NOISE_GROWTH
    ) -> BandFluxes:
        """Sum the band over bins.

        Parameters
        ----------
        bin_of_spaxel : ndarray
            Number of the bin of each spaxel, shape (ny, nx), -1 for none.
        light : ndarray
            Brightness of each spaxel, shape (ny, nx), by which what is missing of a bin is made up
            for, see :class:`~amortized_sfh.data.cube_files.coadder.Coadder`.
        noise_growth : float
            Growth of the noise of sums per decade of spaxels, see
            :func:`~simulators.noise.growth.noise_growth_factor`; the noise of the unconvolved
            image (``sigma_sum``) limits it.

        Returns
        -------
        BandFluxes
            Fluxes of the n_bin bins, and their errors without the shared one; NaN where too much
            of a bin is missing.
        """
        flux, variance, wide = (
            torch.as_tensor(v.ravel()[:, None])
            for v in (self.flux, self.sigma**2, self.sigma_sum**2)
        )
        valid = torch.isfinite(flux) & torch.isfinite(variance)
        everything = slice(0, flux.shape[0])
        sums = []
        for value in (variance, wide):
            total = Coadder(bin_of_spaxel.ravel(), light.ravel(), 1)
            total.add(everything, flux, value, valid)
            sums.append(total)
        _, ceiling, _ = sums[1].result(slope=0.0)
        out, sigma, ok = sums[0].result(noise_growth, ceiling=ceiling.double() ** 2)
        summed, error = (v.masked_fill(~ok, torch.nan)[:, 0].numpy() for v in (out, sigma))
        return BandFluxes(summed, error, self.shared_sigma)


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


def band_provenance(images: Mapping[str, BandImage], psf: PsfWidth) -> dict[str, object]:
    """Return the cards that tell in the headers of products where the bands come from.

    Parameters
    ----------
    images : mapping
        Band name to image on the spaxels of the cube.
    psf : PsfWidth
        PSF of the cube, to which the images were convolved.

    Returns
    -------
    dict
        Values by keyword, such as ``HST_F555W_SKY``; empty without images.
    """
    if not images:
        return {}
    out: dict[str, object] = {"PSFFWHM": psf.fwhm_arcsec, "PSFSRC": psf.source}
    for band, image in images.items():
        out[f"HST_{band}"] = image.source
        out |= {f"HST_{band}_{key}": value for key, value in image.notes.items()}
    return out
