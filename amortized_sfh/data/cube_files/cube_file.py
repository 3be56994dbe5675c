"""A cube on disk, of MUSE or MaNGA: its axes, units and extensions, and its spectra in chunks.

:func:`open_cube` checks everything that can be checked without reading the data, so that a bad file
stops before any work is done. Open a cube once and hand the :class:`CubeFile` on: all that follows
takes it in place of a path.
"""

from __future__ import annotations

import warnings
import weakref
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from astropy.io import fits
from astropy.wcs import WCS
from torch import Tensor

from amortized_sfh.data.cube_files.axes import celestial, wavelength_axis
from amortized_sfh.data.cube_files.manga import CubeParts, find_manga_parts
from amortized_sfh.data.cube_files.psf import DEFAULT_FWHM_ARCSEC, PsfWidth, find_psf
from amortized_sfh.data.files.extensions import (
    ERROR_HDUS,
    MUSE_FLUX_HDUS,
    MUSE_QUALITY_HDUS,
    is_row_stacked,
)
from amortized_sfh.data.files.fits_files import (
    InputFileError,
    InputWarning,
    as_input_errors,
    extension_names,
    find_image,
    open_fits,
)
from amortized_sfh.data.files.units import parse_flux_unit
from simulators.wavelengths.air import rest_air_edges
from simulators.wavelengths.rest_grid import RestGrid

UNIT_CGS = 1e-20
"""Unit in which cubes are read, whatever the file's own, in erg/s/cm²/Å."""

Window = tuple[slice, slice]
"""Rows and columns of a part of a cube."""


class SpectraChunk(NamedTuple):
    """Spectra of whole rows of spaxels, in units of :data:`UNIT_CGS`.

    Attributes
    ----------
    spaxels : slice
        Positions of these spaxels in the window that is read, counted row by row.
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

    @property
    def with_nan(self) -> tuple[np.ndarray, np.ndarray]:
        """Fluxes and errors, each (n_chunk, n_plane), float32, NaN where not valid."""
        valid = self.valid.numpy()
        sigma = np.sqrt(self.variance.numpy())
        return np.where(valid, self.flux.numpy(), np.nan), np.where(valid, sigma, np.nan)


def window_shape(window: Window) -> tuple[int, int]:
    """Return the numbers of rows and columns of a window of a cube."""
    rows, columns = window
    return rows.stop - rows.start, columns.stop - columns.start


def central_window(window: Window, side: int) -> Window:
    """Return the middle of a window, at most so many rows and columns."""

    def middle(part: slice) -> slice:
        spare = max(part.stop - part.start - side, 0)
        return slice(part.start + spare // 2, part.stop - (spare - spare // 2))

    return middle(window[0]), middle(window[1])


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class CubeFile:
    """An open cube: its headers as read, and its pixels on request.

    The file stays open as long as the object lives.

    Parameters
    ----------
    path : Path
        Name of the file.
    shape : tuple of int
        Number of wavelengths, rows and columns, (n_plane, ny, nx).
    edges_aa : Tensor
        Observed edges of the wavelength pixels, shape (n_plane + 1,), float64.
    medium : str
        Medium of the wavelengths, "air" or "vacuum".
    unit_cgs : float
        Unit of the DATA extension in erg/s/cm²/Å.
    wcs : WCS or None
        Celestial WCS, None if the cube has none.
    psf : PsfWidth or None
        Width of the point spread function that headers or file name tell, None if they do not.
    ao : bool
        If true, the header names a mode with adaptive optics.
    data, stat, quality : int
        Indices of the extensions; ``quality`` is None without a DQ extension.
    inverse : bool
        If true, ``stat`` holds the inverse of the variance.
    hdus : astropy.io.fits.HDUList
        The open file, from which sections of the extensions are read.
    """

    path: Path
    shape: tuple[int, int, int]
    edges_aa: Tensor
    medium: str
    unit_cgs: float
    wcs: WCS | None
    psf: PsfWidth | None
    ao: bool
    data: int
    stat: int
    quality: int | None
    inverse: bool
    hdus: fits.HDUList

    def __repr__(self) -> str:
        n_plane, ny, nx = self.shape
        lacks = "" if self.wcs is not None else ", no celestial WCS"
        return (
            f"<CubeFile {self.path.name}: {n_plane} planes of {nx} x {ny} spaxels, "
            f"{self.edges_aa[0]:.0f}-{self.edges_aa[-1]:.0f} Å ({self.medium}), "
            f"{'' if self.ao else 'no '}adaptive optics{lacks}>"
        )

    def planes(self, grid: RestGrid, redshift: float, highest: float | None = None) -> slice:
        """Return the wavelength pixels that reach a model's rest-frame grid.

        Parameters
        ----------
        grid : LinearRestGrid or LogRestGrid
            Rest-frame grid of the model.
        redshift : float
            Redshift, or the lowest one.
        highest : float, optional
            Highest redshift, where spaxels have redshifts of their own.

        Returns
        -------
        slice
            Part of the wavelength axis.

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
            reach = "" if highest in (None, redshift) else f" at redshifts {redshift:g}-{highest:g}"
            raise ValueError(
                f"{self.path} covers {rest[0]:.0f}-{rest[-1]:.0f} Å in the rest frame at z = "
                f"{redshift:g} and misses the model's {grid.start_aa:.0f}-{grid.end_aa:.0f} Å"
                f"{reach}; check the redshift and the cube's CRVAL3, CD3_3 and CUNIT3"
            )
        return slice(int(inside[0]), int(inside[-1]) + 1)

    def air_centres_aa(self, planes: slice) -> np.ndarray:
        """Return observed air wavelengths of the centres of planes in Å, shape (n_plane,)."""
        edges = rest_air_edges(self.edges_aa[planes.start : planes.stop + 1], 0.0, self.medium)
        return (0.5 * (edges[1:] + edges[:-1])).numpy()

    def window_wcs(self, window: Window) -> WCS | None:
        """Return the celestial WCS of a window (rows, columns); None if the cube has none."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return None if self.wcs is None else self.wcs[window]

    def header(self, window: Window) -> fits.Header:
        """Return the celestial header of a window (rows, columns); empty without a WCS."""
        wcs = self.window_wcs(window)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return fits.Header() if wcs is None else wcs.to_header(relax=True)

    def psf_width(self, given: float | None = None, warn: bool = True) -> PsfWidth:
        """Return the PSF to convolve to: as given, else as the cube tells, else typical of MUSE.

        Parameters
        ----------
        given : float, optional
            FWHM in arcsec that the user names.
        warn : bool
            If true, warn where neither the user nor the cube tells.

        Returns
        -------
        PsfWidth
            The width, and "given", "file name", "header ..." or "default" as its source.
        """
        if given is not None:
            return PsfWidth(given, "given")
        if self.psf is None and warn:
            warnings.warn(
                f"{self.path.name} does not tell its PSF: HST images are convolved to "
                f"{DEFAULT_FWHM_ARCSEC} arcsec FWHM; give the true value",
                InputWarning,
                stacklevel=3,
            )
        return self.psf or PsfWidth(DEFAULT_FWHM_ARCSEC, "default")

    def chunks(
        self, window: Window, planes: slice, n_spaxels: int = 4096
    ) -> Iterator[SpectraChunk]:
        """Read a part of the cube in chunks of whole rows.

        Parameters
        ----------
        window : tuple of slice
            Rows and columns of the part.
        planes : slice
            Wavelength pixels, as :meth:`planes` gives them.
        n_spaxels : int
            About how many spaxels to hold in memory at a time.

        Yields
        ------
        SpectraChunk
            In row-major order; each spaxel of the window once.

        Raises
        ------
        InputFileError
            If the file turns out to be damaged.
        """
        rows, columns = window
        nx = columns.stop - columns.start
        step = max(1, n_spaxels // nx)
        for y in range(rows.start, rows.stop, step):
            part = (planes, slice(y, min(y + step, rows.stop)), columns)
            with as_input_errors(self.path):
                chunk = self._read(part, (y - rows.start) * nx)
            yield chunk

    def _read(self, part: tuple[slice, slice, slice], start: int) -> SpectraChunk:
        """Read a section (planes, rows, columns) whose first spaxel is at ``start``."""
        scale = self.unit_cgs / UNIT_CGS
        flux = self._section(self.data, part, scale)
        variance = self._variance(part, scale**2)
        seen = np.isfinite(flux)
        if self.quality is not None:
            seen &= self._section(self.quality, part, 1.0) == 0
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

    def _variance(self, part: tuple[slice, slice, slice], scale: float) -> np.ndarray:
        """Return variances (n_spaxel, n_plane), 0 where there is none."""
        if not self.inverse:
            return self._section(self.stat, part, scale)
        inverse = self._section(self.stat, part, 1.0 / scale)
        given = np.isfinite(inverse) & (inverse > 0)
        return np.where(given, 1.0 / np.where(given, inverse, 1.0), 0.0).astype(np.float32)

    def _section(self, index: int, part: tuple[slice, slice, slice], scale: float) -> np.ndarray:
        """Return (n_spaxel, n_plane) float32; scaled before rounding, as 1e-40 would vanish."""
        block = np.asarray(self.hdus[index].section[part])
        if scale != 1.0:
            block = block.astype(np.float64) * scale
        block = block.reshape(block.shape[0], -1).T
        return np.array(block, dtype=np.float32, order="C")


def open_cube(path: str | Path | CubeFile) -> CubeFile:
    """Open a MUSE cube as ESO delivers it, or a LOGCUBE of MaNGA, and read its headers.

    Parameters
    ----------
    path : str, Path or CubeFile
        FITS file with the extensions DATA and STAT (variance), and DQ where there is one; or with
        FLUX, IVAR, MASK and WAVE, see :mod:`amortized_sfh.data.cube_files.manga`. A cube that is
        open already is returned as it is.

    Returns
    -------
    CubeFile
        Checked description of the file, with the open file for its pixels.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    InputFileError
        If it is no FITS file, truncated, has no cube or no variance, or its wavelength axis or
        flux unit is not understood.
    """
    if isinstance(path, CubeFile):
        return path
    path = Path(path)
    with ExitStack() as stack:
        hdus = stack.enter_context(open_fits(path, memmap=False))
        manga = find_manga_parts(hdus, path)
        data, stat, quality, edges, medium = manga or _muse_parts(hdus, path)
        header, primary = hdus[data].header, hdus[0].header
        modes = [str(h.get("ESO INS MODE", "")) for h in (header, primary)]
        cube = CubeFile(
            path=path,
            shape=hdus[data].shape,
            edges_aa=edges,
            medium=medium,
            unit_cgs=parse_flux_unit(header.get("BUNIT", primary.get("BUNIT")), path),
            wcs=celestial(header),
            psf=find_psf(path, [hdu.header for hdu in hdus[:2]]),
            # MUSE's modes are WFM-NOAO-N, WFM-NOAO-E, WFM-AO-N, WFM-AO-E and NFM-AO-N
            ao=any("-AO-" in f"{mode.upper()}-" for mode in modes),
            data=data,
            stat=stat,
            quality=quality,
            inverse=manga is not None,
            hdus=hdus,
        )
        # the file is closed with the last user of the cube, not here
        weakref.finalize(cube, stack.pop_all().close)
    return cube


def _muse_parts(hdul: fits.HDUList, path: Path) -> CubeParts:
    """Find the parts of a MUSE cube."""
    data = find_image(hdul, MUSE_FLUX_HDUS, 3)
    if data is None:
        names = extension_names(hdul)
        if is_row_stacked(hdul):
            raise InputFileError(
                f"{path} holds rows of spectra (found {names}); expected a cube: "
                "`amortized-sfh infer-spectrum` takes rows"
            )
        raise InputFileError(
            f"{path} has no 3-D extension DATA (found {names}); expected a MUSE cube"
        )
    stat = find_image(hdul, ERROR_HDUS["variance"], 3)
    if stat is None:
        raise InputFileError(
            f"{path} has no extension STAT with the variance; posteriors need it: use the cube as "
            "the MUSE pipeline wrote it, or add a 3-D extension named STAT (flux unit squared)"
        )
    shape = hdul[data].shape
    if hdul[stat].shape != shape:
        raise InputFileError(
            f"{path}: STAT has size {hdul[stat].shape[::-1]}, DATA {shape[::-1]}; expected the same"
        )
    quality = find_image(hdul, MUSE_QUALITY_HDUS, 3)
    return data, stat, quality, *wavelength_axis(path, hdul[data].header, shape[0])
