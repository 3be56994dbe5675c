"""One band on the grid of a cube, and its sums over bins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import torch

from amortized_sfh.data.cube_files.coadder import Coadder
from amortized_sfh.data.cube_files.psf import PsfWidth
from simulators.noise.growth import NOISE_GROWTH

__all__ = ["BandImage", "band_provenance"]


@dataclass(frozen=True)
class BandImage:
    """One band on the grid of a cube.

    Parameters
    ----------
    band : str
        Name of the band.
    flux : ndarray
        f_λ per spaxel as observed, in units of 1e-20 erg/s/cm²/Å, shape (ny, nx), NaN outside.
    sigma : ndarray
        Standard deviation of a single spaxel, shape (ny, nx).
    sigma_sum : ndarray
        Larger, independent standard deviation per spaxel whose squares add up in wide bins:
        convolution correlates spaxels and makes each look better than their sum is.
    source : str
        File name of the image.
    shared_sigma : float
        Uncertainty of the flux of every spaxel from the sky level of the image. It is the same
        error in all of them, so that it grows with the number of spaxels of a bin.
    notes : dict
        What is known of the image, for the headers of products: short keyword to value.
    """

    band: str
    flux: np.ndarray
    sigma: np.ndarray
    sigma_sum: np.ndarray
    source: str = ""
    shared_sigma: float = 0.0
    notes: dict[str, object] = field(default_factory=dict)

    def coadd(
        self, row: np.ndarray, light: np.ndarray, slope: float = NOISE_GROWTH
    ) -> tuple[np.ndarray, np.ndarray]:
        """Sum the band over bins.

        Parameters
        ----------
        row : ndarray
            Bin of each spaxel, shape (ny, nx), -1 for none.
        light : ndarray
            Brightness of each spaxel, shape (ny, nx), see
            :class:`~amortized_sfh.data.cube_files.coadder.Coadder`.
        slope : float
            Noise growth, limited by the noise of the unconvolved image.

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
            total = Coadder(row.ravel(), light.ravel(), 1)
            total.add(everything, flux, value, valid)
            sums.append(total)
        _, ceiling, _ = sums[1].result(slope=0.0)
        out, sigma, ok = sums[0].result(slope, ceiling=ceiling.double() ** 2)
        blank = torch.tensor(float("nan"))
        return out.where(ok, blank)[:, 0].numpy(), sigma.where(ok, blank)[:, 0].numpy()


def band_provenance(images: Mapping[str, BandImage], psf: PsfWidth) -> dict[str, object]:
    """Return what the headers of products say about the images.

    Parameters
    ----------
    images : mapping
        Band name to image.
    psf : PsfWidth
        What they were convolved to.

    Returns
    -------
    dict
        Keyword to value; empty without images.
    """
    if not images:
        return {}
    out: dict[str, object] = {"PSFFWHM": psf.fwhm_arcsec, "PSFSRC": psf.source}
    for band, image in images.items():
        out[f"HST_{band}"] = image.source
        out |= {f"HST_{band}_{key}": value for key, value in image.notes.items()}
    return out
