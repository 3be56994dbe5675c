"""Single spectra: reading them from the usual files, and bringing them to a model.

:func:`read_spectrum` and :func:`read_spectra` read; :meth:`Spectrum.observe` removes the Galactic
foreground, resamples to the model's rest-frame grid, masks what no model explains, and gives the
noise the form that the model knows.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from amortized_sfh.data.files.extensions import is_stack
from amortized_sfh.data.files.fits_files import InputFileError, open_fits
from amortized_sfh.data.foreground import band_extinction_mag, foreground_factor
from amortized_sfh.data.spectra.columns import SpectrumArrays
from amortized_sfh.data.spectra.single_files import (
    read_fits_spectrum,
    read_text_spectrum,
    stated_redshift,
)
from amortized_sfh.data.spectra.stacks import read_stack
from simulators.instruments.instrument import Instrument
from simulators.instruments.pixels import ObservedPixels
from simulators.observations.coverage import check_coverage
from simulators.observations.masks import mask_observation
from simulators.observations.observation import Observation, check_redshift
from simulators.wavelengths.air import rest_air_edges, to_medium
from simulators.wavelengths.resample import (
    apply,
    apply_weights,
    edges_from_centres,
    resample_matrix,
)

__all__ = ["Spectrum", "read_spectra", "read_spectrum"]

_FITS_START = b"SIMPLE  ="
_FITS_SUFFIXES = (".fits", ".fit", ".fts")
_SAME_STEP = 0.05
"""Pixels that differ from the instrument's by no more than this share are taken for its own."""


@dataclass(frozen=True)
class Spectrum:
    """One observed spectrum.

    Parameters
    ----------
    wavelength_aa : ndarray
        Observed wavelengths in Å, ascending, shape (n_wave,).
    flux, sigma : ndarray
        f_λ and its standard deviation, in units of ``unit_cgs``, shape (n_wave,).
    valid : ndarray
        True = use, shape (n_wave,).
    medium : str
        "air" or "vacuum".
    unit_cgs : float or None
        Unit of the flux in erg/s/cm²/Å; None where it is not known, and then neither are masses.
    name : str
        What to call it.
    redshift : float or None
        Redshift of the galaxy, if the file says it.

    Raises
    ------
    ValueError
        If shapes differ, the wavelengths do not ascend, or the medium is neither.
    """

    wavelength_aa: np.ndarray
    flux: np.ndarray
    sigma: np.ndarray
    valid: np.ndarray
    medium: str = "air"
    unit_cgs: float | None = None
    name: str = "spectrum"
    redshift: float | None = None

    def __post_init__(self) -> None:
        shape = np.shape(self.wavelength_aa)
        if len(shape) != 1 or shape[0] < 2:
            raise ValueError(f"{self.name}: wavelengths have shape {shape}; expected (n_wave,)")
        for field in ("flux", "sigma", "valid"):
            if np.shape(getattr(self, field)) != shape:
                raise ValueError(
                    f"{self.name}: {field} has shape {np.shape(getattr(self, field))}; "
                    f"expected {shape}, one value per wavelength"
                )
        step = np.diff(self.wavelength_aa)
        if not np.isfinite(self.wavelength_aa).all() or not (step > 0).all():
            where = int(np.argmin(np.where(np.isfinite(step), step > 0, False)))
            raise ValueError(
                f"{self.name}: wavelengths do not ascend after pixel {where} "
                f"({self.wavelength_aa[where]} Å, then {self.wavelength_aa[where + 1]} Å); "
                "sort the spectrum and drop double pixels"
            )
        if self.medium not in ("air", "vacuum"):
            raise ValueError(f"{self.name}: medium is {self.medium!r}; expected 'air' or 'vacuum'")

    def observe(
        self,
        instrument: Instrument,
        redshift: float,
        *,
        ebv: float = 0.0,
        photometry: Mapping[str, tuple[float, float]] | None = None,
    ) -> Observation:
        """Bring the spectrum to a model.

        Parameters
        ----------
        instrument : Instrument
            What the model was made for.
        redshift : float
            Redshift of the galaxy.
        ebv : float
            E(B-V) of the Milky Way in mag, removed from spectrum and bands.
        photometry : mapping, optional
            Band name to (f_λ, sigma) as observed, in the unit of the spectrum.

        Returns
        -------
        Observation
            One row. Emission lines, interstellar sodium and sky lines are masked; bands beyond the
            redshift limit of the model are not used.

        Raises
        ------
        ValueError
            If the redshift is absurd, the spectrum misses 30 % or more of the model's wavelengths,
            or a band is not known.

        Notes
        -----
        A model knows one kind of noise: that of its instrument's own pixels, resampled to the rest
        frame as cubes are. Spectra with other pixels are first brought to those pixels, with errors
        that keep the noise power per Å: the error that resampling propagates would make a spectrum
        with wide pixels, whose neighbours come out nearly equal, pass for better than it is.
        """
        z = check_redshift(redshift)
        edges = rest_air_edges(edges_from_centres(self.wavelength_aa), z, self.medium)
        check_coverage(instrument, (float(edges[0]), float(edges[-1])), z, self.name)
        spectrum = self._without_foreground(ebv)._on_pixels_of(instrument.pixels)
        bands = {
            band: (flux * factor, sigma * factor)
            for band, (flux, sigma) in (photometry or {}).items()
            for factor in [10.0 ** (0.4 * band_extinction_mag(band, ebv))]
        }
        observation = Observation.from_spectrum(
            spectrum.wavelength_aa,
            spectrum.flux,
            spectrum.sigma,
            redshift,
            spectrum.valid,
            bands,
            medium=spectrum.medium,
            unit_cgs=self.unit_cgs,
            grid=instrument.grid,
            bands=instrument.bands,
        )
        return mask_observation(observation, instrument)

    def _without_foreground(self, ebv: float) -> Spectrum:
        factor = foreground_factor(self.wavelength_aa, ebv)
        return replace(self, flux=self.flux * factor, sigma=self.sigma * factor)

    def _on_pixels_of(self, pixels: ObservedPixels) -> Spectrum:
        """The spectrum on the observed-frame pixels of an instrument."""
        edges = to_medium(edges_from_centres(self.wavelength_aa), self.medium, pixels.medium)
        width = torch.diff(edges)
        own = pixels.width_aa(0.5 * (edges[1:] + edges[:-1]))
        if bool(((width / own - 1.0).abs() < _SAME_STEP).all()):
            return self
        first = math.ceil(float(pixels.index(edges[0])))
        last = math.floor(float(pixels.index(edges[-1])))
        if last - first < 2:
            return self
        centres = pixels.wave_aa(torch.arange(first, last + 1))
        new_edges = edges_from_centres(centres)
        matrix = resample_matrix(edges, new_edges)
        flux, sigma = (torch.as_tensor(np.asarray(v, np.float64)) for v in (self.flux, self.sigma))
        out = apply(matrix, flux, sigma, torch.as_tensor(self.valid))
        usable = torch.as_tensor(self.valid) & torch.isfinite(sigma)
        power = torch.where(usable, sigma**2 * width, 0.0)
        return replace(
            self,
            wavelength_aa=centres.numpy(),
            flux=out.flux.numpy(),
            sigma=(apply_weights(matrix, power) / torch.diff(new_edges)).sqrt().numpy(),
            valid=out.valid.numpy(),
            medium=pixels.medium,
        )


def read_spectrum(path: str | Path, medium: str | None = None) -> Spectrum:
    """Read the spectrum of a file that holds one.

    Understood are SDSS files (``loglam``, ``flux``, ``ivar``, ``and_mask``), FITS tables with
    wavelength, flux and error columns (also one row of arrays, as ESO's products), one-dimensional
    FITS images with CRVAL1 and CDELT1 or CD1_1 and an error extension (STAT, ERR, IVAR), and text
    or ECSV tables with columns ``wave``, ``flux``, ``sigma`` and optionally ``valid``.

    Parameters
    ----------
    path : str or Path
        The file.
    medium : {"air", "vacuum"}, optional
        Medium of the wavelengths; as the file says by default, and air if it does not.

    Returns
    -------
    Spectrum
        Without a unit in the file ``unit_cgs`` is None.

    Raises
    ------
    FileNotFoundError, InputFileError
        If there is no such file, it is truncated or no spectrum, or something is missing in it: the
        message names what was found.
    """
    spectra = read_spectra(path, medium)
    if len(spectra) > 1:
        raise InputFileError(
            f"{path} holds {len(spectra)} spectra; expected one: choose a row, 0 to "
            f"{len(spectra) - 1}"
        )
    return spectra[0]


def read_spectra(path: str | Path, medium: str | None = None) -> list[Spectrum]:
    """Read all spectra of a file.

    Parameters
    ----------
    path : str or Path
        Rows of spectra as MaNGA's, see :mod:`amortized_sfh.data.spectra.stacks`, or a file of one
        spectrum.
    medium : {"air", "vacuum"}, optional
        Medium of the wavelengths; as the file says by default, and air if it does not.

    Returns
    -------
    list of Spectrum
        At least one, in the order of the file; with redshifts where the file has them.

    Raises
    ------
    FileNotFoundError, InputFileError
        As :func:`read_spectrum`.
    """
    path = Path(path)
    name = path.name.split(".")[0]
    if not _is_fits(path):
        return [_spectrum(read_text_spectrum(path), medium, path, name)]
    with open_fits(path) as hdul:
        many, redshift = is_stack(hdul), stated_redshift(hdul)
    if not many:
        single = _spectrum(read_fits_spectrum(path), medium, path, name)
        return [replace(single, redshift=redshift)]
    stack = read_stack(path)
    spectra = [
        _spectrum(arrays, medium, path, f"{name}_{row:03d}")
        for row, arrays in enumerate(stack.spectra)
    ]
    if stack.redshift is None:
        return spectra
    pairs = zip(spectra, stack.redshift, strict=True)
    return [replace(spectrum, redshift=float(z)) for spectrum, z in pairs]


def _spectrum(arrays: SpectrumArrays, medium: str | None, path: Path, name: str) -> Spectrum:
    try:
        return Spectrum(
            arrays.wavelength_aa,
            arrays.flux,
            arrays.sigma,
            arrays.valid & np.isfinite(arrays.flux) & (arrays.sigma > 0),
            medium or arrays.medium or "air",
            arrays.unit_cgs,
            name,
        )
    except ValueError as error:
        raise InputFileError(f"{path} cannot be used: {error}") from error


def _is_fits(path: Path) -> bool:
    name = path.name.lower()
    for suffix in (".gz", ".bz2"):
        name = name.removesuffix(suffix)
    if name.endswith(_FITS_SUFFIXES) or not path.is_file():
        return True
    with path.open("rb") as stream:
        return stream.read(len(_FITS_START)) == _FITS_START
