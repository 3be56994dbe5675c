"""One observed spectrum, and bringing it to a model.

:meth:`Spectrum.observe` removes the Galactic foreground, resamples to the model's rest-frame grid,
masks what no model explains, and gives the noise the form that the model knows.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch

from amortized_sfh.data.foreground import band_extinction_mag, foreground_factor
from simulators.instruments.instrument import Instrument
from simulators.instruments.observed_pixels import ObservedPixels
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

_SAME_STEP = 0.05
"""Pixels that differ from the instrument's by no more than this share are taken for its own."""


@dataclass(frozen=True, repr=False)
class Spectrum:
    """One observed spectrum.

    Parameters
    ----------
    wavelength_aa : ndarray
        Observed wavelengths of the pixels in Å, ascending, shape (n_wave,).
    flux, sigma : ndarray
        f_λ and its standard deviation, in units of ``unit_cgs``, shape (n_wave,).
    valid : ndarray
        True for pixels to be used, shape (n_wave,).
    medium : str
        Medium in which the wavelengths are given, "air" or "vacuum".
    unit_cgs : float or None
        Unit of the flux in erg/s/cm²/Å; None where it is not known, and then neither are masses.
    name : str
        Name of the spectrum in messages and products.
    redshift : float or None
        Redshift of the galaxy; None if the file does not state it.

    Examples
    --------
    >>> wave = np.linspace(3800.0, 7200.0, 1701)
    >>> Spectrum(wave, np.ones(1701), np.full(1701, 0.1), wave > 4000.0, name="A")
    Spectrum('A', 1701 pixels, 3800-7200 Å in air, 94 % to be used, no flux unit, no redshift)

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

    def __repr__(self) -> str:
        unit = "no flux unit" if self.unit_cgs is None else f"unit {self.unit_cgs:g} erg/s/cm²/Å"
        redshift = "no redshift" if self.redshift is None else f"z = {self.redshift:g}"
        return (
            f"Spectrum({self.name!r}, {len(self.wavelength_aa)} pixels, "
            f"{self.wavelength_aa[0]:.0f}-{self.wavelength_aa[-1]:.0f} Å in {self.medium}, "
            f"{100 * np.mean(self.valid):.0f} % to be used, {unit}, {redshift})"
        )

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
            Instrument of the model: its rest-frame grid, observed pixels and bands.
        redshift : float
            Redshift of the galaxy, by which wavelengths are brought to the rest frame.
        ebv : float
            E(B-V) of the Milky Way in mag, removed from spectrum and bands.
        photometry : mapping, optional
            Band name to (f_λ, sigma) as observed, in the unit of the spectrum; no bands by default.

        Returns
        -------
        Observation
            Batch of one. Emission lines, interstellar sodium and sky lines are masked; bands beyond
            the redshift limit of the model are not used.

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
        factor = foreground_factor(self.wavelength_aa, ebv)
        bare = replace(self, flux=self.flux * factor, sigma=self.sigma * factor)
        spectrum = bare._on_pixels_of(instrument.pixels)
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
