"""From the pixels of a cube to rows of spectra on the model's grid, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from amortized_sfh.data.cube_files.coadder import Coadder
from amortized_sfh.data.cube_files.cube_file import UNIT_CGS, CubeFile, SpectraChunk
from amortized_sfh.data.cube_noise.error_bars import CubeNoise
from amortized_sfh.data.cubes.cube_data import CubeData, CubeOptions
from amortized_sfh.data.foreground import band_extinction_mag, foreground_factor
from amortized_sfh.data.hst.band_image import BandImage
from amortized_sfh.quantities.flags import Flag, observation_flags
from simulators.observations.observation import BANDS, Observation
from simulators.wavelengths.doppler import shift_redshift
from simulators.wavelengths.resample import Resampled, to_rest_frame

__all__ = ["SpaxelBins", "SpaxelReader"]

_ROWS_AT_ONCE = 256
"""Spectra of different redshifts that are resampled at a time: each has a matrix of its own."""


class SpaxelBins(NamedTuple):
    """Which spaxels to co-add.

    Attributes
    ----------
    number : ndarray
        Bin of each spaxel, shape (ny, nx), negative for none.
    light : ndarray
        Median flux of each spaxel, shape (ny, nx), NaN without data.
    flag : ndarray
        Flags of each spaxel, shape (ny, nx).
    """

    number: np.ndarray
    light: np.ndarray
    flag: np.ndarray


@dataclass(frozen=True)
class SpaxelReader:
    """One pass over the region of a cube: as spaxels, as brightness images, or as bins.

    Parameters
    ----------
    cube : CubeFile
        The file.
    window : tuple of slice
        Rows and columns of the region.
    planes : slice
        Wavelength pixels to read.
    redshift : float
        Redshift of the galaxy.
    ebv : float
        E(B-V) of the Milky Way in mag.
    options : CubeOptions
        Grid, chunk size.
    noise : CubeNoise
        How error bars are enlarged.
    velocity : ndarray, optional
        Velocity of each spaxel relative to the redshift in km/s, shape (ny, nx), finite; spectra
        are then brought to their own rest frames.
    masked : ndarray, optional
        True for spaxels to leave out, shape (ny, nx).
    """

    cube: CubeFile
    window: tuple[slice, slice]
    planes: slice
    redshift: float
    ebv: float
    options: CubeOptions
    noise: CubeNoise
    velocity: np.ndarray | None = None
    masked: np.ndarray | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the region."""
        rows, columns = self.window
        return rows.stop - rows.start, columns.stop - columns.start

    @property
    def edges(self) -> Tensor:
        """Observed edges of the planes that are read, in Å."""
        return self.cube.edges_aa[self.planes.start : self.planes.stop + 1]

    def foreground(self) -> Tensor:
        """Return the correction for the Galactic foreground, shape (n_plane,)."""
        centres = 0.5 * (self.edges[1:] + self.edges[:-1])
        return torch.as_tensor(foreground_factor(centres.numpy(), self.ebv)).float()

    def to_grid(
        self, spectra: tuple[Tensor, Tensor, Tensor], velocity: np.ndarray | None
    ) -> Resampled:
        """Remove the foreground and resample to the rest-frame grid.

        Parameters
        ----------
        spectra : tuple of Tensor
            ``flux, sigma, valid``, each (n, n_plane).
        velocity : ndarray or None
            Velocity of each relative to the redshift in km/s, shape (n,).

        Returns
        -------
        Resampled
            Each (n, n_pix).
        """
        factor = self.foreground()
        flux, sigma, valid = spectra
        parts = (flux * factor, sigma * factor, valid)
        grid, medium = self.options.grid, self.cube.medium
        if velocity is None:
            return to_rest_frame(self.edges, parts, self.redshift, grid, medium)
        redshift = torch.as_tensor(shift_redshift(self.redshift, velocity))
        pieces = []
        for start in range(0, len(redshift), _ROWS_AT_ONCE):
            rows = slice(start, start + _ROWS_AT_ONCE)
            piece = (parts[0][rows], parts[1][rows], parts[2][rows])
            pieces.append(to_rest_frame(self.edges, piece, redshift[rows], grid, medium))
        return Resampled(*(torch.cat(columns) for columns in zip(*pieces, strict=True)))

    def chunks(self) -> Iterator[tuple[SpectraChunk, Resampled, np.ndarray]]:
        """Read the region piece by piece.

        Yields
        ------
        tuple
            Spectra as read, on the rest-frame grid, and the factor by which their errors grew.
        """
        velocity = None if self.velocity is None else self.velocity.ravel()
        for chunk in self.native_chunks():
            own = None if velocity is None else velocity[chunk.spaxels]
            error, factor = self.noise.enlarge(chunk.variance.sqrt(), np.ones(len(chunk.flux)))
            yield chunk, self.to_grid((chunk.flux, error, chunk.valid), own), factor

    def native_chunks(self) -> Iterator[SpectraChunk]:
        """Read the region piece by piece; what is masked is not valid."""
        masked = None if self.masked is None else torch.from_numpy(self.masked.ravel())
        for chunk in self.cube.chunks(self.window, self.planes, self.options.chunk_spaxels):
            if masked is None:
                yield chunk
            else:
                yield chunk._replace(valid=chunk.valid & ~masked[chunk.spaxels][:, None])

    def spaxels(self, images: Mapping[str, BandImage]) -> CubeData:
        """Return one row per spaxel with data."""
        n_all, n_pix = self.shape[0] * self.shape[1], self.options.grid.n_pix
        # Memory is touched only as rows are filled, so empty spaxels cost nothing.
        flux, sigma = torch.empty(n_all, n_pix), torch.empty(n_all, n_pix)
        valid = torch.empty(n_all, n_pix, dtype=torch.bool)
        row, flag = np.full(n_all, -1), np.zeros(n_all, dtype=np.int32)
        noise_scale, n_obs = np.ones(n_all), 0
        for chunk, out, factor in self.chunks():
            keep = out.valid.any(dim=1)
            part = slice(n_obs, n_obs + int(keep.sum()))
            flux[part], sigma[part], valid[part] = (value[keep] for value in out)
            noise_scale[part] = factor[keep.numpy()]
            order = n_obs + torch.cumsum(keep, dim=0) - 1
            row[chunk.spaxels] = torch.where(keep, order, -1).numpy()
            flag[chunk.spaxels] = _spaxel_flags(keep, chunk.bad_variance)
            n_obs = part.stop
        bands = {
            band: (image.flux.ravel()[row >= 0], image.sigma.ravel()[row >= 0], image.shared_sigma)
            for band, image in images.items()
        }
        spectra = Resampled(flux[:n_obs], sigma[:n_obs], valid[:n_obs])
        frame = None if self.velocity is None else self.velocity.ravel()[row >= 0]
        image, flags = row.reshape(self.shape), flag.reshape(self.shape)
        data = self.collect(spectra, bands, image, flags, frame)
        return replace(data, noise_scale=noise_scale[:n_obs])

    def brightness(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return median flux and median sigma per pixel, and flags, each (ny, nx)."""
        n_all = self.shape[0] * self.shape[1]
        signal, noise = np.full((2, n_all), np.nan)
        flag = np.zeros(n_all, dtype=np.int32)
        blank = torch.tensor(float("nan"))
        for chunk, out, _ in self.chunks():
            for image, value in ((signal, out.flux), (noise, out.sigma)):
                image[chunk.spaxels] = (
                    torch.where(out.valid, value, blank).nanmedian(dim=1)[0].numpy()
                )
            flag[chunk.spaxels] = _spaxel_flags(out.valid.any(dim=1), chunk.bad_variance)
        return signal.reshape(self.shape), noise.reshape(self.shape), flag.reshape(self.shape)

    def binned(self, bins: SpaxelBins, images: Mapping[str, BandImage]) -> CubeData:
        """Return one row per bin."""
        member = (bins.number >= 0) & np.isfinite(bins.light)
        if not member.any():
            raise ValueError(f"no spaxel of {self.cube.path} has both a bin and data")
        label, rows = np.unique(bins.number[member], return_inverse=True)
        row = np.full(self.shape, -1)
        row[member] = rows
        spectra = Coadder(row.ravel(), bins.light.ravel(), self.edges.numel() - 1)
        for chunk in self.native_chunks():
            spectra.add(chunk.spaxels, chunk.flux, chunk.variance, chunk.valid)
        flux, sigma, valid = spectra.result(slope=0.0)
        error, noise_scale = self.noise.enlarge(sigma, spectra.n_spaxels)
        frame = None if self.velocity is None else spectra.mean(self.velocity.ravel())
        out = self.to_grid((flux, error, valid), frame)
        bands = {
            band: (*image.coadd(row, bins.light, self.noise.growth), image.shared_sigma)
            for band, image in images.items()
        }
        data = self.collect(out, bands, row, bins.flag, frame)
        return replace(data, label=label, noise_scale=noise_scale)

    def collect(
        self,
        spectra: Resampled,
        bands: Mapping[str, tuple[np.ndarray, np.ndarray, float]],
        row: np.ndarray,
        flag: np.ndarray,
        frame_kms: np.ndarray | None,
    ) -> CubeData:
        """Join spectra and bands of the same rows, in frames (n_obs,) of their own if given."""
        n_obs = len(spectra.flux)
        if n_obs == 0:
            raise ValueError(
                f"{self.cube.path} has no usable spaxel in this region: all are NaN, masked or "
                "without positive variance"
            )
        n_spaxels = np.bincount(row[row >= 0], minlength=n_obs)
        z = shift_redshift(self.redshift, np.zeros(n_obs) if frame_kms is None else frame_kms)
        phot, phot_sigma = torch.zeros(2, n_obs, len(BANDS))
        phot_valid = torch.zeros(n_obs, len(BANDS), dtype=torch.bool)
        shared = np.zeros((n_obs, len(BANDS)))
        for band, (band_flux, band_sigma, per_spaxel) in bands.items():
            factor = 10.0 ** (0.4 * band_extinction_mag(band, self.ebv)) * (1.0 + z)
            j = BANDS.index(band)
            shared[:, j] = per_spaxel * factor * n_spaxels
            total = np.hypot(band_sigma * factor, shared[:, j])
            flux, sigma = (torch.as_tensor(v).float() for v in (band_flux * factor, total))
            phot_valid[:, j] = torch.isfinite(flux) & torch.isfinite(sigma) & (sigma > 0)
            phot[:, j] = flux.where(phot_valid[:, j], torch.tensor(0.0))
            phot_sigma[:, j] = sigma.where(phot_valid[:, j], torch.tensor(0.0))
        observation = Observation(
            *spectra, phot, phot_sigma, phot_valid, torch.as_tensor(z).float(), unit_cgs=UNIT_CGS
        )
        complete = phot_valid[:, [BANDS.index(band) for band in bands]].all(dim=1).numpy()
        missing = np.where(complete, 0, int(Flag.BAND_MISSING)).astype(np.int32)
        no_wcs = Flag.NO_WCS if self.cube.wcs is None else 0
        masked = 0 if self.masked is None else np.where(self.masked, Flag.MASKED_REGION, 0)
        return CubeData(
            observation,
            row,
            np.arange(n_obs),
            n_spaxels,
            observation_flags(observation) | no_wcs | missing,
            flag | no_wcs | masked,
            self.cube.header(self.window),
            np.ones(n_obs),
            shared_phot_sigma=shared,
            redshift=self.redshift,
            frame_kms=frame_kms,
            ao=self.cube.ao,
        )


def _spaxel_flags(has_data: Tensor, bad_variance: Tensor) -> np.ndarray:
    flags = np.zeros(len(has_data), dtype=np.int32)
    flags[~has_data.numpy()] |= Flag.NO_DATA
    flags[bad_variance.numpy()] |= Flag.BAD_VARIANCE
    return flags
