"""Unresolved sources on a mock galaxy: sharp in HST's images, as wide as MUSE's PSF in the cube.

What a spaxel receives of each is written down in closed form, so that bringing an image from HST's
resolution to MUSE's is tested against an answer that no convolution made.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from astropy.io import fits
from scipy.special import ndtr
from torch import Tensor

import amortized_sfh as asfh
from amortized_sfh.data import HST_PIXELS_PER_SPAXEL, band_extinction_mag, foreground_factor
from simulators.constants import FWHM_PER_SIGMA
from simulators.mock_galaxy import UNIT_CGS, MockGalaxy, native_light


@dataclass(frozen=True)
class UnresolvedSources:
    """Unresolved star-forming regions with the spectra of the spaxels that they lie on.

    Parameters
    ----------
    x, y
        Positions in spaxels from the corner of the cube, shape (n,).
    brightness
        Flux over that of the spaxel, shape (n,).
    n_side
        Number of spaxels on each side of the cube.
    """

    x: np.ndarray
    y: np.ndarray
    brightness: np.ndarray
    n_side: int

    @classmethod
    def scattered(cls, n_side: int, seed: int) -> UnresolvedSources:
        """Scatter one source for every four spaxels, as bright as one to three of them."""
        random = np.random.default_rng(seed)
        n = n_side**2 // 4
        x, y = random.uniform(0.0, n_side, (2, n))
        return cls(x, y, random.uniform(1.0, 3.0, n), n_side)

    def shares(self, fwhm: float, pixels: int = 1, border: int = 0) -> Tensor:
        """Compute the light that spaxels, or finer pixels, receive from each source.

        Parameters
        ----------
        fwhm
            Full width at half maximum of the Gaussian PSF, in spaxels.
        pixels
            Pixels per side of a spaxel.
        border
            Pixels beyond each side of the cube.

        Returns
        -------
        Tensor
            Light of each pixel over that of the spaxel on which the source lies, without the
            source; shape (number of pixels in rows of the image, n), float64.
        """
        edges = np.arange(-border, self.n_side * pixels + border + 1) / pixels
        sigma = fwhm / FWHM_PER_SIGMA
        along_y, along_x = (
            np.diff(ndtr((edges[:, None] - place) / sigma), axis=0) for place in (self.y, self.x)
        )
        both = along_y[:, None] * along_x[None] * self.brightness
        return torch.from_numpy(both.reshape(-1, len(self.x)))

    @property
    def spaxel(self) -> Tensor:
        """Number of the spaxel that each source lies on, counted along rows, shape (n,)."""
        return torch.from_numpy(self.y.astype(int) * self.n_side + self.x.astype(int))


@dataclass(frozen=True)
class SourceLight:
    """Light of the sources where the cube sees them, in `UNIT_CGS`, as observed.

    Parameters
    ----------
    flux
        Spectra on native pixels, shape (n_spaxel, n_wave).
    phot
        Bands, shape (n_spaxel, n_band).
    """

    flux: Tensor
    phot: Tensor


def add_sources(
    galaxy: MockGalaxy,
    files: asfh.MockFiles,
    sources: UnresolvedSources,
    fwhm: tuple[float, float],
    ebv: float,
) -> SourceLight:
    """Add sources to the files of a mock galaxy; the noise stays as it is.

    Parameters
    ----------
    galaxy
        The galaxy of the files.
    files
        Files of the cube and the images, changed in place.
    sources
        The sources to add to cube and images.
    fwhm
        Full widths at half maximum of the PSFs of cube and images, arcsec.
    ebv
        E(B-V) of the Milky Way in mag, as in the files.

    Returns
    -------
    SourceLight
        Light of the sources that a perfect reader would find in every spaxel.
    """
    wide, sharp = (width / galaxy.spaxel_arcsec for width in fwhm)
    wave, light = native_light(galaxy)
    host_flux, host_phot = light.flux[sources.spaxel].double(), light.phot[sources.spaxel].double()
    seen = sources.shares(wide)
    flux = seen @ host_flux
    with fits.open(files.cube, mode="update") as hdus:
        dimmed = flux.numpy().T / foreground_factor(wave.numpy(), ebv)[:, None]
        hdus["DATA"].data += dimmed.reshape(hdus["DATA"].data.shape).astype(np.float32)
    for j, (band, path) in enumerate(files.hst.items()):
        with fits.open(path, mode="update") as hdus:
            image = hdus["SCI"]
            border = (image.data.shape[0] - sources.n_side * HST_PIXELS_PER_SPAXEL) // 2
            counts = sources.shares(sharp, HST_PIXELS_PER_SPAXEL, border) @ host_phot[:, j]
            dimming = 10.0 ** (-0.4 * band_extinction_mag(band, ebv))
            counts = counts.numpy().reshape(image.data.shape) * dimming
            image.data += (counts * UNIT_CGS / image.header["PHOTFLAM"]).astype(np.float32)
    return SourceLight(flux.float(), (seen @ host_phot).float())
