"""A MUSE cube on disk: its axes, units and extensions, and its spectra in chunks of rows.

:func:`open_cube` checks everything that can be checked without reading the data, so that a bad file
stops before any work is done.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from astropy.io import fits
from astropy.wcs import WCS
from torch import Tensor

from amortized_sfh.data.cube_files.axes import celestial, wavelength_axis
from amortized_sfh.data.cube_files.manga import find_manga_parts
from amortized_sfh.data.files.extensions import is_stack
from amortized_sfh.data.files.fits_files import InputFileError, find_image, open_fits
from amortized_sfh.data.files.flux_units import parse_flux_unit
from simulators.wavelengths.air import rest_air_edges
from simulators.wavelengths.wavegrid import PixelGrid

__all__ = ["UNIT_CGS", "CubeFile", "SpectraChunk", "open_cube"]

UNIT_CGS = 1e-20
"""Unit in which cubes are read, whatever the file's own, in erg/s/cm²/Å."""


class SpectraChunk(NamedTuple):
    """Spectra of whole rows of spaxels, in units of :data:`UNIT_CGS`.

    Attributes
    ----------
    spaxels : slice
        Which spaxels of the region these are, in row-major order.
    flux, variance : Tensor
        Shape (n_chunk, n_plane), float32; 0 where not valid.
    valid : Tensor
        True = use, shape (n_chunk, n_plane).
    bad_variance : Tensor
        True for a spaxel with flux but no positive finite variance somewhere, shape (n_chunk,).
    """

    spaxels: slice
    flux: Tensor
    variance: Tensor
    valid: Tensor
    bad_variance: Tensor


@dataclass(frozen=True)
class CubeFile:
    """What the headers of a cube say.

    Parameters
    ----------
    path : Path
        The file.
    shape : tuple of int
        (n_plane, ny, nx).
    edges_aa : Tensor
        Observed edges of the wavelength pixels, shape (n_plane + 1,), float64.
    medium : str
        "air" or "vacuum".
    unit_cgs : float
        Unit of the DATA extension in erg/s/cm²/Å.
    wcs : WCS or None
        Celestial WCS, None if the cube has none.
    data, stat, quality : int
        Indices of the extensions; ``quality`` is None without a DQ extension.
    inverse : bool
        Whether ``stat`` holds the inverse of the variance.
    ao : bool
        Whether the header names a mode with adaptive optics.
    """

    path: Path
    shape: tuple[int, int, int]
    edges_aa: Tensor
    medium: str
    unit_cgs: float
    wcs: WCS | None
    data: int
    stat: int
    quality: int | None
    inverse: bool = False
    ao: bool = False

    def planes(self, grid: PixelGrid, redshift: float, highest: float | None = None) -> slice:
        """Return the wavelength pixels that reach a model's rest-frame grid.

        Parameters
        ----------
        grid : WaveGrid or LogWaveGrid
            Rest-frame grid.
        redshift : float
            Redshift, or the lowest one.
        highest : float, optional
            Highest redshift, where spaxels have redshifts of their own.

        Returns
        -------
        slice
            Of the wavelength axis.

        Raises
        ------
        ValueError
            If there are none.
        """
        rest = rest_air_edges(self.edges_aa, redshift, self.medium)
        bluest = rest if highest is None else rest_air_edges(self.edges_aa, highest, self.medium)
        low, high = grid.edges_aa[0], grid.edges_aa[-1]
        inside = torch.nonzero((rest[1:] > low) & (bluest[:-1] < high)).flatten()
        if inside.numel() == 0:
            raise ValueError(
                f"{self.path} covers {rest[0]:.0f}-{rest[-1]:.0f} Å in the rest frame at z = "
                f"{redshift:g} and misses the model's {grid.start_aa:.0f}-{grid.end_aa:.0f} Å; "
                "check the redshift and the cube's CRVAL3, CD3_3 and CUNIT3"
            )
        return slice(int(inside[0]), int(inside[-1]) + 1)

    def air_centres_aa(self, planes: slice) -> np.ndarray:
        """Return observed air wavelengths of the centres of planes in Å, shape (n_plane,)."""
        edges = rest_air_edges(self.edges_aa[planes.start : planes.stop + 1], 0.0, self.medium)
        return (0.5 * (edges[1:] + edges[:-1])).numpy()

    def header(self, region: tuple[slice, slice]) -> fits.Header:
        """Return the celestial header of a region (rows, columns); empty without a WCS."""
        if self.wcs is None:
            return fits.Header()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return self.wcs[region].to_header(relax=True)

    def chunks(
        self, region: tuple[slice, slice], planes: slice, n_spaxels: int = 4096
    ) -> Iterator[SpectraChunk]:
        """Read the region in chunks of whole rows.

        Parameters
        ----------
        region : tuple of slice
            Rows and columns.
        planes : slice
            Wavelength pixels.
        n_spaxels : int
            About how many spaxels to hold in memory at a time.

        Yields
        ------
        SpectraChunk
            In row-major order; each spaxel of the region once.
        """
        rows, columns = region
        nx = columns.stop - columns.start
        step = max(1, n_spaxels // nx)
        with open_fits(self.path, memmap=False) as hdul:
            for y in range(rows.start, rows.stop, step):
                part = (planes, slice(y, min(y + step, rows.stop)), columns)
                start = (y - rows.start) * nx
                yield self._read(hdul, part, start)

    def _read(
        self, hdul: fits.HDUList, part: tuple[slice, slice, slice], start: int
    ) -> SpectraChunk:
        scale = self.unit_cgs / UNIT_CGS
        flux = self._section(hdul, self.data, part, scale)
        variance = self._variance(hdul, part, scale**2)
        seen = np.isfinite(flux)
        if self.quality is not None:
            seen &= self._section(hdul, self.quality, part, 1.0) == 0
        weighted = np.isfinite(variance) & (variance > 0)
        valid = seen & weighted
        flux[~valid] = 0.0
        variance[~valid] = 0.0
        return SpectraChunk(
            slice(start, start + len(flux)),
            torch.from_numpy(flux),
            torch.from_numpy(variance),
            torch.from_numpy(valid),
            torch.from_numpy((seen & ~weighted).any(axis=1)),
        )

    def _variance(
        self, hdul: fits.HDUList, part: tuple[slice, slice, slice], scale: float
    ) -> np.ndarray:
        """Return variances (n_spaxel, n_plane), 0 where there is none."""
        if not self.inverse:
            return self._section(hdul, self.stat, part, scale)
        inverse = self._section(hdul, self.stat, part, 1.0 / scale)
        given = np.isfinite(inverse) & (inverse > 0)
        return np.where(given, 1.0 / np.where(given, inverse, 1.0), 0.0).astype(np.float32)

    @staticmethod
    def _section(
        hdul: fits.HDUList, index: int, part: tuple[slice, slice, slice], scale: float
    ) -> np.ndarray:
        """Return (n_spaxel, n_plane) float32; scaled before rounding, as 1e-40 would vanish."""
        block = np.asarray(hdul[index].section[part])
        if scale != 1.0:
            block = block.astype(np.float64) * scale
        block = block.reshape(block.shape[0], -1).T
        return np.array(block, dtype=np.float32, order="C")


def open_cube(path: str | Path) -> CubeFile:
    """Read the headers of a MUSE cube as ESO delivers it, or of a LOGCUBE of MaNGA.

    Parameters
    ----------
    path : str or Path
        FITS file with the extensions DATA and STAT (variance), and DQ where there is one; or with
        FLUX, IVAR, MASK and WAVE, see :mod:`amortized_sfh.data.cube_files.manga`.

    Returns
    -------
    CubeFile
        Checked description of the file.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    InputFileError
        If it is no FITS file, truncated, has no cube or no variance, or its wavelength axis or
        flux unit is not understood.
    """
    with open_fits(path) as hdul:
        manga = find_manga_parts(hdul, path)
        data, stat, quality = _muse_parts(hdul, path) if manga is None else manga[:3]
        header = hdul[data].header.copy()
        nx, ny, n_plane = (int(header[f"NAXIS{i}"]) for i in (1, 2, 3))
        primary_unit = hdul[0].header.get("BUNIT")
        modes = [str(h.get("ESO INS MODE", "")) for h in (header, hdul[0].header)]
    try:
        unit = parse_flux_unit(header.get("BUNIT", primary_unit))
    except ValueError as error:
        raise InputFileError(f"{path}: {error}") from error
    edges, medium = wavelength_axis(path, header, n_plane) if manga is None else manga[3:]
    wcs = celestial(header)
    shape = (n_plane, ny, nx)
    inverse = manga is not None
    # MUSE's modes are WFM-NOAO-N, WFM-NOAO-E, WFM-AO-N, WFM-AO-E and NFM-AO-N
    ao = any("-AO-" in f"{mode.upper()}-" for mode in modes)
    return CubeFile(Path(path), shape, edges, medium, unit, wcs, data, stat, quality, inverse, ao)


def _muse_parts(hdul: fits.HDUList, path: str | Path) -> tuple[int, int, int | None]:
    """Indices of flux, variance and quality of a MUSE cube."""
    data = find_image(hdul, ("DATA", "SCI", "PRIMARY"), 3)
    if data is None:
        names = ", ".join(hdu.name or "(no name)" for hdu in hdul)
        if is_stack(hdul):
            raise InputFileError(
                f"{path} holds rows of spectra (found {names}); expected a cube: "
                "`amortized-sfh infer-spectrum` takes rows"
            )
        raise InputFileError(
            f"{path} has no 3-D extension DATA (found {names}); expected a MUSE cube"
        )
    stat = find_image(hdul, ("STAT", "VAR", "VARIANCE"), 3)
    return data, _checked_stat(path, hdul, stat, hdul[data].header), find_image(hdul, ("DQ",), 3)


def _checked_stat(
    path: str | Path, hdul: fits.HDUList, stat: int | None, header: fits.Header
) -> int:
    if stat is None:
        raise InputFileError(
            f"{path} has no extension STAT with the variance; posteriors need it: use the cube as "
            "the MUSE pipeline wrote it, or add a 3-D extension named STAT (flux unit squared)"
        )
    axes = [f"NAXIS{i}" for i in (1, 2, 3)]
    if any(hdul[stat].header[axis] != header[axis] for axis in axes):
        found = tuple(hdul[stat].header[axis] for axis in axes)
        raise InputFileError(
            f"{path}: STAT has size {found}, DATA {tuple(header[axis] for axis in axes)}; "
            "expected the same"
        )
    return stat
