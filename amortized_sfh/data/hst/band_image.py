"""The fluxes of one HST band on the spaxels of a cube, and their sums over bins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import torch

from amortized_sfh.data.cube_files.coadder import Coadder
from amortized_sfh.data.cube_files.psf import PsfWidth
from simulators.noise.growth import NOISE_GROWTH


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

    def coadd(
        self, bin_of_spaxel: np.ndarray, light: np.ndarray, noise_growth: float = NOISE_GROWTH
    ) -> tuple[np.ndarray, np.ndarray]:
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
        tuple of ndarray
            ``flux, sigma``, shape (n_bin,), without the shared error; NaN where too much of a bin
            is missing.
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
        blank = torch.tensor(float("nan"))
        return out.where(ok, blank)[:, 0].numpy(), sigma.where(ok, blank)[:, 0].numpy()


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
