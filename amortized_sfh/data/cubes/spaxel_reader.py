"""From the pixels of a cube to rows of spectra on the model's grid, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from amortized_sfh.data.ancillary.spaxel_maps import fill_velocities
from amortized_sfh.data.cube_files.coadder import Coadder
from amortized_sfh.data.cube_files.cube_file import CubeFile, SpectraChunk, Window, window_shape
from amortized_sfh.data.cube_noise.error_bars import CubeNoise
from amortized_sfh.data.cubes.cube_data import CubeData, CubeOptions, VelocityMeasurement
from amortized_sfh.data.foreground import foreground_factor
from amortized_sfh.data.hst.band_image import BandFluxes, BandImage, join_bands
from amortized_sfh.quantities.flags import Flag, observation_flags
from simulators.wavelengths.doppler import shift_redshift
from simulators.wavelengths.resample import Resampled, to_rest_frame
from simulators.wavelengths.rest_grid import RestGrid

_ROWS_AT_ONCE = 256
"""Spectra of different redshifts that are resampled at a time: each has a matrix of its own."""


def to_own_frames(
    edges_aa: Tensor, spectra: Resampled, redshift: Tensor, grid: RestGrid, medium: str
) -> Resampled:
    """Bring spectra to the rest-frame grid of a model, each from a redshift of its own.

    Parameters
    ----------
    edges_aa : Tensor
        Observed pixel edges in Å, shape (n_in + 1,).
    spectra : Resampled
        Flux as observed, sigma and valid, each (n_obs, n_in).
    redshift : Tensor
        Redshift of each spectrum, shape (n_obs,), float64.
    grid : LinearRestGrid or LogRestGrid
        Rest-frame pixels of the model.
    medium : {"air", "vacuum"}
        Medium of the edges.

    Returns
    -------
    Resampled
        Flux × (1 + z), sigma and valid, each (n_obs, grid.n_pix).
    """
    pieces = []
    for start in range(0, len(redshift), _ROWS_AT_ONCE):
        rows = slice(start, start + _ROWS_AT_ONCE)
        piece = Resampled(*(values[rows] for values in spectra))
        pieces.append(to_rest_frame(edges_aa, piece, redshift[rows], grid, medium))
    return Resampled(*(torch.cat(columns) for columns in zip(*pieces, strict=True)))


@dataclass(frozen=True)
class SpaxelReader:
    """One pass over a window of a cube: as spaxels, as brightness images, or as bins.

    Parameters
    ----------
    cube : CubeFile
        The cube, as `open_cube` returned it.
    window : tuple of slice
        Rows and columns of the part that is read.
    planes : slice
        Wavelength pixels to read; enough for the frames of all spaxels.
    redshift : float
        Redshift of the galaxy.
    ebv : float
        E(B-V) of the Milky Way in mag.
    options : CubeOptions
        Grid of the model, size of chunks, and the function that measures velocities, if any.
    noise : CubeNoise
        Factors and residuals of the sky that enlarge the error bars.
    velocity : ndarray, optional
        Velocity of each spaxel relative to the redshift in km/s, shape (ny, nx), finite; spectra
        are then brought to their own rest frames.
    masked : ndarray, optional
        True for spaxels to leave out, shape (ny, nx).
    """

    cube: CubeFile
    window: Window
    planes: slice
    redshift: float
    ebv: float
    options: CubeOptions
    noise: CubeNoise
    velocity: np.ndarray | None = None
    masked: np.ndarray | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the window."""
        return window_shape(self.window)

    @property
    def edges(self) -> Tensor:
        """Observed edges of the planes that are read, in Å."""
        return self.cube.edges_aa[self.planes.start : self.planes.stop + 1]

    def spaxels(self, images: Mapping[str, BandImage]) -> CubeData:
        """Return one row per spaxel with data.

        Parameters
        ----------
        images : mapping
            Band name to HST image on the spaxels of the window.

        Returns
        -------
        CubeData
            Spectra and bands of the spaxels, in their own frames if there are velocities.

        Raises
        ------
        ValueError
            If no spaxel has data.
        """
        size = (self.shape[0] * self.shape[1], self.options.grid.n_pix)
        # memory is touched only as rows are filled, so empty spaxels cost nothing
        store = torch.empty(size), torch.empty(size), torch.empty(size, dtype=torch.bool)
        flag = np.zeros(size[0], dtype=np.int32)
        frames, noise_scales, n_filled, n_obs = [], [], 0, 0
        for chunk in self._native_chunks():
            native, factor = self._enlarged(chunk)
            velocity, filled = self._frames_of_spaxels(native, chunk.spaxels, images)
            spectra = self._to_grid(native, velocity)
            keep = spectra.valid.any(dim=1)
            part = slice(n_obs, n_obs + int(keep.sum()))
            for rows, values in zip(store, spectra, strict=True):
                rows[part] = values[keep]
            flag[chunk.spaxels] = _spaxel_flags(keep, chunk.bad_variance)
            noise_scales.append(factor[keep.numpy()])
            if velocity is not None:
                frames.append(velocity[keep.numpy()])
            n_filled, n_obs = n_filled + filled, part.stop
        seen = (flag & Flag.NO_DATA) == 0
        return self._collect(
            Resampled(*(rows[:n_obs] for rows in store)),
            {band: image.at(seen) for band, image in images.items()},
            np.where(seen, np.cumsum(seen) - 1, -1).reshape(self.shape),
            flag.reshape(self.shape),
            np.concatenate(noise_scales),
            np.concatenate(frames) if frames else None,
            n_filled,
        )

    def brightness(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the typical light of every spaxel on the model's grid.

        Returns
        -------
        signal, noise : ndarray
            Median flux and median error per pixel, shape (ny, nx), NaN without data.
        flag : ndarray
            Flags of each spaxel, shape (ny, nx), int32.
        """
        n_all = self.shape[0] * self.shape[1]
        signal, noise = np.full((2, n_all), np.nan)
        flag = np.zeros(n_all, dtype=np.int32)
        for chunk in self._native_chunks():
            native, _ = self._enlarged(chunk)
            out = self._to_grid(native, self._given_velocity(chunk.spaxels))
            for image, value in ((signal, out.flux), (noise, out.sigma)):
                shown = value.masked_fill(~out.valid, torch.nan)
                image[chunk.spaxels] = shown.nanmedian(dim=1).values.numpy()
            flag[chunk.spaxels] = _spaxel_flags(out.valid.any(dim=1), chunk.bad_variance)
        return signal.reshape(self.shape), noise.reshape(self.shape), flag.reshape(self.shape)

    def binned(
        self,
        number: np.ndarray,
        light: np.ndarray,
        flag: np.ndarray,
        images: Mapping[str, BandImage],
    ) -> CubeData:
        """Return one row per bin.

        Parameters
        ----------
        number : ndarray
            Bin of each spaxel, shape (ny, nx), negative for none.
        light : ndarray
            Median flux of each spaxel, shape (ny, nx), NaN without data.
        flag : ndarray
            Flags of each spaxel, shape (ny, nx).
        images : mapping
            Band name to HST image on the spaxels of the window.

        Returns
        -------
        CubeData
            Sums over the spaxels of each bin, in their own frames if there are velocities.

        Raises
        ------
        ValueError
            If no spaxel has both a bin and data.
        """
        member = (number >= 0) & np.isfinite(light)
        if not member.any():
            raise ValueError(f"no spaxel of {self.cube.path} has both a bin and data")
        label, rows = np.unique(number[member], return_inverse=True)
        row = np.full(self.shape, -1)
        row[member] = rows
        sums = Coadder(row.ravel(), light.ravel(), self.edges.numel() - 1)
        for chunk in self._native_chunks():
            sums.add(chunk.spaxels, chunk.flux, chunk.variance, chunk.valid)
        flux, sigma, valid = sums.result(slope=0.0)
        error, noise_scale = self.noise.enlarge(sigma, sums.n_spaxels)
        native = Resampled(flux, error, valid)
        growth = self.noise.growth
        bands = {band: image.coadd(row, light, growth) for band, image in images.items()}
        velocity, n_filled = self._frames_of_bins(native, bands, row)
        frame = None if velocity is None else sums.mean(velocity.ravel())
        spectra = self._to_grid(native, frame)
        data = self._collect(spectra, bands, row, flag, noise_scale, frame, n_filled)
        return replace(data, label=label)

    def _native_chunks(self) -> Iterator[SpectraChunk]:
        """Read the window piece by piece; what is masked is not valid."""
        masked = None if self.masked is None else torch.from_numpy(self.masked.ravel())
        for chunk in self.cube.chunks(self.window, self.planes, self.options.chunk_spaxels):
            if masked is None:
                yield chunk
            else:
                yield chunk._replace(valid=chunk.valid & ~masked[chunk.spaxels][:, None])

    def _enlarged(self, chunk: SpectraChunk) -> tuple[Resampled, np.ndarray]:
        """Spectra of single spaxels with the errors to use, and the factor by which these grew."""
        error, factor = self.noise.enlarge(chunk.variance.sqrt(), np.ones(len(chunk.flux)))
        return Resampled(chunk.flux, error, chunk.valid), factor

    def _to_grid(self, native: Resampled, velocity_kms: np.ndarray | None) -> Resampled:
        """Remove the foreground and resample to the rest-frame grid, (n, n_pix).

        Each spectrum is brought to the frame of its own velocity (n,), or all to that of the
        galaxy.
        """
        centres = 0.5 * (self.edges[1:] + self.edges[:-1])
        factor = torch.as_tensor(foreground_factor(centres.numpy(), self.ebv)).float()
        bare = Resampled(native.flux * factor, native.sigma * factor, native.valid)
        grid, medium = self.options.grid, self.cube.medium
        if velocity_kms is None:
            return to_rest_frame(self.edges, bare, self.redshift, grid, medium)
        redshift = torch.as_tensor(shift_redshift(self.redshift, velocity_kms))
        return to_own_frames(self.edges, bare, redshift, grid, medium)

    def _given_velocity(self, spaxels: slice) -> np.ndarray | None:
        """Velocities of some spaxels, if there is a map of them."""
        return None if self.velocity is None else self.velocity.ravel()[spaxels]

    def _frames_of_spaxels(
        self, native: Resampled, spaxels: slice, images: Mapping[str, BandImage]
    ) -> tuple[np.ndarray | None, int]:
        """Velocity of each spaxel of some rows of the map, and how many took their neighbour's."""
        measure = self.options.measure_velocity
        if measure is None:
            return self._given_velocity(spaxels), 0
        out = self._to_grid(native, None)
        seen = out.valid.any(dim=1).numpy()
        velocity = np.full(len(seen), np.nan)
        if seen.any():
            position = np.arange(spaxels.start, spaxels.stop)[seen]
            bands = {band: image.at(position) for band, image in images.items()}
            spectra = Resampled(*(value[seen] for value in out))
            velocity[seen] = self._measured(measure, spectra, bands, np.ones(int(seen.sum())))
        filled = fill_velocities(velocity.reshape(-1, self.shape[1]))
        return filled.velocity_kms.ravel(), filled.n_filled

    def _frames_of_bins(
        self, native: Resampled, bands: Mapping[str, BandFluxes], row: np.ndarray
    ) -> tuple[np.ndarray | None, int]:
        """Velocity of each spaxel (ny, nx), that of its bin, and how many took a neighbour's."""
        measure = self.options.measure_velocity
        if measure is None:
            return self.velocity, 0
        n_spaxels = np.bincount(row[row >= 0])
        velocity = self._measured(measure, self._to_grid(native, None), bands, n_spaxels)
        filled = fill_velocities(np.where(row >= 0, velocity[row], np.nan))
        return filled.velocity_kms, filled.n_filled

    def _measured(
        self,
        measure: VelocityMeasurement,
        spectra: Resampled,
        bands: Mapping[str, BandFluxes],
        n_spaxels: np.ndarray,
    ) -> np.ndarray:
        """Velocities in km/s of rows that are at the galaxy's redshift, (n,), from a first pass."""
        redshift = np.full(len(n_spaxels), self.redshift)
        observation, *_ = join_bands(spectra, bands, n_spaxels, redshift, self.ebv)
        velocity = np.asarray(measure(observation), dtype=np.float64)
        if velocity.shape != n_spaxels.shape:
            raise ValueError(
                f"measure_velocity returned velocities of shape {velocity.shape}; expected "
                f"{n_spaxels.shape}, one for each row"
            )
        return velocity

    def _collect(
        self,
        spectra: Resampled,
        bands: Mapping[str, BandFluxes],
        row: np.ndarray,
        flag: np.ndarray,
        noise_scale: np.ndarray,
        frame_kms: np.ndarray | None,
        n_filled: int,
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
        observation, shared, complete = join_bands(spectra, bands, n_spaxels, z, self.ebv)
        missing = np.where(complete, 0, int(Flag.BAND_MISSING)).astype(np.int32)
        no_wcs = Flag.NO_WCS if self.cube.wcs is None else 0
        masked = 0 if self.masked is None else np.where(self.masked, Flag.MASKED_REGION, 0)
        notes: dict[str, object] = {}
        if self.options.measure_velocity is not None:
            notes = {"VELMAP": "first pass", "VELFILL": n_filled}
        return CubeData(
            observation,
            row,
            np.arange(n_obs),
            n_spaxels,
            observation_flags(observation) | no_wcs | missing,
            flag | no_wcs | masked,
            self.cube.header(self.window),
            noise_scale,
            notes,
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
