"""One type for what is observed, mock or real: spectra, photometric bands, masks and redshifts.

Readers of real data and the simulator both return :class:`Observation`; noise models, networks and
diagnostics take nothing else. ``valid`` is True where a value may be used.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from priors.portable import Portable
from simulators.instruments.filters import HST_BANDS
from simulators.observations.observed_arrays import (
    as_rows,
    band_columns,
    check_reach,
    decimal_scale,
)
from simulators.wavelengths.air import rest_air_edges
from simulators.wavelengths.resample import edges_from_centres, to_rest_frame
from simulators.wavelengths.rest_grid import REST_GRID, RestGrid

BANDS = HST_BANDS
"""HST WFC3/UVIS bands, in the order of every photometric array of the default instrument."""

_MIN_REDSHIFT, _MAX_REDSHIFT = -0.01, 1.0
"""Outside these a redshift is taken for a mistake: MUSE cannot see 4750 Å rest beyond z = 0.97."""

_SPECTRAL = ("flux", "sigma", "valid")
_BANDS = ("phot", "phot_sigma", "phot_valid")


@dataclass(frozen=True)
class Observation(Portable):
    """A batch of spectra on a model's rest-frame grid, with photometry in the bands it knows.

    Parameters
    ----------
    flux : Tensor
        f_λ as observed × (1 + z) on the rest-frame air grid, shape (n_obs, n_pix), float32, in
        units of ``unit_cgs``.
    sigma : Tensor
        Standard deviation of ``flux``, shape (n_obs, n_pix), float32; ignored where not valid.
    valid : Tensor
        True where a pixel may be used, shape (n_obs, n_pix), bool.
    phot, phot_sigma : Tensor
        Photon-counting mean f_λ in the bands of the instrument (by default :data:`BANDS`),
        × (1 + z), and its standard deviation, shape (n_obs, n_band), float32, in the same unit;
        signed.
    phot_valid : Tensor
        True where a band may be used, shape (n_obs, n_band), bool.
    redshift : Tensor
        Redshift of each galaxy, shape (n_obs,), float32.
    unit_cgs : float or None
        Unit of the fluxes in erg/s/cm²/Å; None if it is not known, and then masses are not, either.

    Raises
    ------
    ValueError
        If shapes or types do not fit together. Values are not inspected here, since that would
        stall a GPU at every training step: use :meth:`clean` for data from outside.
    """

    flux: Tensor
    sigma: Tensor
    valid: Tensor
    phot: Tensor
    phot_sigma: Tensor
    phot_valid: Tensor
    redshift: Tensor
    unit_cgs: float | None = None

    def __post_init__(self) -> None:
        if self.flux.ndim != 2:
            raise ValueError(f"flux has shape {tuple(self.flux.shape)}; expected (n_obs, n_pix)")
        if self.phot.ndim != 2:
            raise ValueError(f"phot has shape {tuple(self.phot.shape)}; expected (n_obs, n_band)")
        n_obs, n_band = self.flux.shape[0], self.phot.shape[1]
        expected = {name: tuple(self.flux.shape) for name in _SPECTRAL}
        expected |= dict.fromkeys(_BANDS, (n_obs, n_band))
        expected["redshift"] = (n_obs,)
        for name, shape in expected.items():
            value = getattr(self, name)
            if tuple(value.shape) != shape:
                raise ValueError(f"{name} has shape {tuple(value.shape)}; expected {shape}")
            boolean = value.dtype == torch.bool
            if boolean != name.endswith("valid"):
                kind = "bool" if name.endswith("valid") else "a floating type"
                raise ValueError(f"{name} has dtype {value.dtype}; expected {kind}")
        if self.unit_cgs is not None and not self.unit_cgs > 0:
            raise ValueError(f"unit_cgs is {self.unit_cgs!r}; expected a positive unit")

    def __len__(self) -> int:
        return self.flux.shape[0]

    def __repr__(self) -> str:
        """Say in one line how much was observed, and how well; S/N is that of up to 256 spectra."""
        if not len(self):
            return f"Observation(no spectra, {self.n_pix} pixels, {self.n_band} bands)"
        spectra = "1 spectrum" if len(self) == 1 else f"{len(self)} spectra"
        parts = [f"{spectra} of {self.n_pix} pixels", f"{self.n_band} bands"]
        if self.device.type != "meta":
            part = self[:: math.ceil(len(self) / 256)]
            low, high = float(self.redshift.min()), float(self.redshift.max())
            parts.append(f"z = {low:.4g}" + (f"-{high:.4g}" if high > low else ""))
            parts.append(f"{100 * float(part.valid.float().mean()):.0f} % to be used")
            parts.append(f"median S/N {float(part.median_snr().nanmedian()):.3g}")
        parts.append("no flux unit" if self.unit_cgs is None else f"{self.unit_cgs:g} erg/s/cm²/Å")
        return f"Observation({', '.join(parts)})"

    def __getitem__(self, key: int | slice | Tensor | np.ndarray | Sequence[int]) -> Observation:
        """Return a part of the batch; a single index gives a batch of one."""
        if isinstance(key, (int, np.integer)):
            key = slice(int(key), int(key) + 1) if key != -1 else slice(-1, None)
        elif not isinstance(key, slice):
            key = torch.as_tensor(key, device=self.device)
        return replace(self, **{name: getattr(self, name)[key] for name in _tensor_names()})

    @property
    def n_pix(self) -> int:
        """Number of spectral pixels."""
        return self.flux.shape[1]

    @property
    def n_band(self) -> int:
        """Number of photometric bands."""
        return self.phot.shape[1]

    @property
    def device(self) -> torch.device:
        """Device of the tensors."""
        return self.flux.device

    def clean(self) -> Observation:
        """Return a copy in which everything unusable is not valid and harmlessly zero.

        Unusable is what is not finite or has no positive finite sigma.
        """
        out: dict[str, Any] = {}
        for value, sigma, valid in (_SPECTRAL, _BANDS):
            v, s = getattr(self, value), getattr(self, sigma)
            ok = getattr(self, valid) & torch.isfinite(v) & torch.isfinite(s) & (s > 0)
            out |= {value: v.where(ok, 0.0), sigma: s.where(ok, 0.0), valid: ok}
        return replace(self, **out)

    def median_snr(self) -> Tensor:
        """Return the median S/N of the valid pixels, shape (n_obs,); NaN where there are none."""
        ratio = self.flux / torch.where(self.valid, self.sigma, 1.0)
        return torch.where(self.valid, ratio, torch.nan).nanmedian(dim=1).values

    def in_bands(self, bands: tuple[str, ...]) -> Observation:
        """Return an observation in :data:`BANDS` with other bands, or in another order.

        Parameters
        ----------
        bands : tuple of str
            Bands of the result; those that are not in :data:`BANDS` are missing.

        Returns
        -------
        Observation
            The same spectra with columns for these bands.

        Raises
        ------
        ValueError
            If the observation has other bands than :data:`BANDS`.
        """
        if bands == BANDS:
            return self
        if self.n_band != len(BANDS):
            raise ValueError(f"observation has {self.n_band} bands; expected {', '.join(BANDS)}")
        index = [BANDS.index(band) if band in BANDS else 0 for band in bands]
        columns: dict[str, Any] = {name: getattr(self, name)[:, index] for name in _BANDS}
        known = torch.tensor([band in BANDS for band in bands], dtype=torch.bool)
        columns["phot_valid"] = columns["phot_valid"] & known.to(self.device)
        return replace(self, **columns)

    @staticmethod
    def cat(observations: Sequence[Observation]) -> Observation:
        """Join batches along the first dimension.

        Parameters
        ----------
        observations : sequence of Observation
            Batches on the same grid, in the same bands and unit.

        Returns
        -------
        Observation
            All their spectra, in their order.

        Raises
        ------
        ValueError
            If there is nothing to join, or if the units or numbers of pixels or bands differ.
        """
        if not observations:
            raise ValueError("no observation to join; expected at least one")
        for name in ("unit_cgs", "n_pix", "n_band"):
            values = sorted({getattr(obs, name) for obs in observations}, key=str)
            if len(values) > 1:
                raise ValueError(f"observations differ in {name}: {values}; expected one value")
        joined = {n: torch.cat([getattr(o, n) for o in observations]) for n in _tensor_names()}
        return Observation(**joined, unit_cgs=observations[0].unit_cgs)

    @classmethod
    def from_spectrum(  # noqa: PLR0913 (the public border: one argument per physical input)
        cls,
        wavelength_aa: np.ndarray | Tensor,
        flux: np.ndarray | Tensor,
        sigma: np.ndarray | Tensor,
        redshift: float,
        valid: np.ndarray | Tensor | None = None,
        photometry: Mapping[str, tuple[float, float]] | None = None,
        *,
        medium: str = "air",
        unit_cgs: float | None = None,
        grid: RestGrid = REST_GRID,
        bands: tuple[str, ...] = BANDS,
    ) -> Observation:
        """Bring one observed spectrum, or several on the same wavelengths, to a model's grid.

        Parameters
        ----------
        wavelength_aa : array
            Observed wavelengths, shape (n_wave,), ascending, in Å; any sampling.
        flux, sigma : array
            Observed f_λ and its standard deviation, shape (n_wave,) or (n_obs, n_wave).
        redshift : float
            Redshift of the galaxy.
        valid : array, optional
            True where a pixel may be used, shape of ``flux``. Pixels without finite flux or
            positive finite sigma are never used.
        photometry : mapping, optional
            Band name to (f_λ as observed, its sigma), in the unit of ``flux``; Galactic foreground
            removed. Any subset of ``bands``; numbers or arrays of shape (n_obs,).
        medium : {"air", "vacuum"}
            Medium in which ``wavelength_aa`` are given; air by default.
        unit_cgs : float, optional
            Unit of the fluxes in erg/s/cm²/Å, without which there are no masses. Numbers far from
            one (a spectrum in cgs) are scaled by a power of ten that goes into the unit of the
            result, to be safe in single precision.
        grid : LinearRestGrid or LogRestGrid
            Rest-frame grid of the model.
        bands : tuple of str
            Bands of the model, in the order of its photometric arrays.

        Returns
        -------
        Observation
            A batch of n_obs (1 for a single spectrum).

        Raises
        ------
        ValueError
            If shapes do not fit, the redshift is absurd, a band is unknown, or the spectrum does
            not reach the model's wavelengths.

        Examples
        --------
        >>> wave = np.arange(4700.0, 7100.0, 1.25)
        >>> obs = Observation.from_spectrum(wave, np.ones_like(wave), np.full_like(wave, 0.1), 0.01)
        >>> len(obs), obs.n_pix
        (1, 1761)
        """
        z = check_redshift(redshift)
        edges = edges_from_centres(wavelength_aa)
        f, s = as_rows(flux), as_rows(sigma)
        v = torch.ones_like(f, dtype=torch.bool) if valid is None else as_rows(valid).bool()
        n_wave = edges.numel() - 1
        for name, value in (("flux", f), ("sigma", s), ("valid", v)):
            if value.shape != (f.shape[0], n_wave):
                raise ValueError(
                    f"{name} has shape {tuple(value.shape)} for {n_wave} wavelengths; "
                    f"expected ({n_wave},) or (n_obs, {n_wave})"
                )
        check_reach(rest_air_edges(edges, z, medium), grid, z)
        spectra = to_rest_frame(edges, (f, s, v), z, grid, medium)
        phot, phot_sigma, phot_valid = band_columns(photometry or {}, bands, f.shape[0], z)
        scale = decimal_scale(spectra.sigma[spectra.valid])
        return cls(
            flux=(spectra.flux / scale).float(),
            sigma=(spectra.sigma / scale).float(),
            valid=spectra.valid,
            phot=(phot / scale).float(),
            phot_sigma=(phot_sigma / scale).float(),
            phot_valid=phot_valid,
            redshift=torch.full((f.shape[0],), z),
            unit_cgs=None if unit_cgs is None else unit_cgs * scale,
        ).clean()


def check_redshift(redshift: float | None) -> float:
    """Return a redshift that makes sense.

    Parameters
    ----------
    redshift : float, optional
        Redshift of a galaxy; None if it is not known.

    Returns
    -------
    float
        The redshift as a number.

    Raises
    ------
    ValueError
        If it is missing, not finite, or not between -0.01 and 1.
    """
    if redshift is None:
        raise ValueError("redshift is missing; give the galaxy's redshift, e.g. 0.00243")
    z = float(redshift)
    if not _MIN_REDSHIFT < z < _MAX_REDSHIFT:
        raise ValueError(
            f"redshift is {redshift!r}; expected a number between {_MIN_REDSHIFT} and "
            f"{_MAX_REDSHIFT} (a redshift, not a velocity in km/s)"
        )
    return z


def _tensor_names() -> list[str]:
    return [field.name for field in fields(Observation) if field.name != "unit_cgs"]
