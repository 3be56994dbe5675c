"""Conditions of an observation: redshift, S/N, masks and bands, drawn anew for every mock."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from simulators.files.plain_values import PlainValues
from simulators.instruments.instrument import Instrument
from simulators.observations.masks import survey_mask

_Uniform = Callable[..., Tensor]
#: Largest share of a spectrum that a mock loses at one end; data that lack more were never seen.
MAX_TRIM = 0.3


class Conditions(NamedTuple):
    """Circumstances of a batch of observations.

    Attributes
    ----------
    redshift
        Redshift of each galaxy, shape (n,).
    snr
        Mean S/N of the native pixels, shape (n,).
    relative_noise
        Noise of each pixel relative to the mean over the spectrum, shape (n, n_pix).
    valid
        True where a pixel is used, bool, shape (n, n_pix).
    phot_snr
        S/N of each band, shape (n, n_band).
    phot_valid
        True where a band is used, bool, shape (n, n_band).
    """

    redshift: Tensor
    snr: Tensor
    relative_noise: Tensor
    valid: Tensor
    phot_snr: Tensor
    phot_valid: Tensor


@dataclass(frozen=True, kw_only=True)
class ConditionsPrior(PlainValues):
    """Distribution of observing conditions.

    Parameters
    ----------
    snr
        Range of the log-uniform S/N per native pixel.
    faint_share
        Share of spectra with S/N between 0 and the lower limit of `snr`.
    phot_snr
        Range of the log-uniform S/N of each band.
    distant_share
        Share of redshifts beyond the bands' limit (uniform up to the instrument's limit); the
        others are uniform below it.
    full_photometry, no_photometry
        Shares of spectra with all bands and with none; the others have a random subset.
    trimmed_share
        Share of spectra that lose up to 30 % of the range at one end.
    max_gaps
        Largest number of random gaps of 4 to 80 pixels.

    Raises
    ------
    ValueError
        If a range is out of order or a share is none.
    """

    snr: tuple[float, float] = (0.5, 300.0)
    faint_share: float = 0.03
    phot_snr: tuple[float, float] = (0.3, 100.0)
    distant_share: float = 0.2
    full_photometry: float = 0.6
    no_photometry: float = 0.15
    trimmed_share: float = 0.1
    max_gaps: int = 3

    def __post_init__(self) -> None:
        for name in ("snr", "phot_snr"):
            low, high = getattr(self, name)
            if not 0.0 < low <= high:
                raise ValueError(f"{name} is {low:g} to {high:g}; expected 0 < first <= last")
        for name in ("faint_share", "distant_share", "trimmed_share"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise ValueError(f"{name} is {getattr(self, name)}; expected a share from 0 to 1")
        photometry = self.full_photometry, self.no_photometry
        if min(photometry) < 0.0 or sum(photometry) > 1.0:
            raise ValueError(
                f"full_photometry and no_photometry are {photometry}; expected shares that add up "
                "to at most 1"
            )
        if self.max_gaps < 0:
            raise ValueError(f"max_gaps is {self.max_gaps}; expected 0 or more")

    def sample(
        self, n: int, instrument: Instrument, generator: torch.Generator | None = None
    ) -> Conditions:
        """Draw conditions.

        Parameters
        ----------
        n
            Number of observations to draw conditions for.
        instrument
            Instrument that sets wavelengths, bands and redshift limits.
        generator
            Source of randomness, whose device is that of the result; torch's own by default.

        Returns
        -------
        Conditions
            Conditions of n observations.
        """
        return self.sample_at(self.sample_redshift(n, instrument, generator), instrument, generator)

    def sample_redshift(
        self, n: int, instrument: Instrument, generator: torch.Generator | None = None
    ) -> Tensor:
        """Draw redshifts alone.

        Parameters
        ----------
        n, instrument, generator
            Number of redshifts, limits and source of randomness, as for `sample`.

        Returns
        -------
        Tensor
            Drawn redshifts, shape (n,).
        """
        uniform = _uniform(generator)
        low, near = instrument.min_redshift, instrument.max_redshift_bands
        far = instrument.max_redshift
        distant = (uniform(n) < self.distant_share) & (far > near)
        beyond = near + (far - near) * uniform(n)
        return torch.where(distant, beyond, low + (near - low) * uniform(n))

    def sample_at(
        self, redshift: Tensor, instrument: Instrument, generator: torch.Generator | None = None
    ) -> Conditions:
        """Draw conditions of spectra whose redshifts are given.

        Parameters
        ----------
        redshift
            Redshift of each galaxy, shape (n,).
        instrument
            Instrument that sets wavelengths, bands and redshift limits; beyond the limit of the
            bands there are none.
        generator
            Source of randomness, on the device of `redshift`; torch's own by default.

        Returns
        -------
        Conditions
            Conditions of n observations.
        """
        uniform = _uniform(generator)
        n = len(redshift)
        distant = redshift > instrument.max_redshift_bands
        snr = _log_uniform(uniform(n), *self.snr)
        snr = torch.where(uniform(n) < self.faint_share, self.snr[0] * uniform(n), snr)
        n_band = len(instrument.bands)
        choice = uniform(n, 1)
        subset = uniform(n, n_band) < 0.5
        phot_valid = torch.where(choice < self.full_photometry, True, subset)
        phot_valid = phot_valid & (choice < 1.0 - self.no_photometry) & ~distant[:, None]
        n_pix = instrument.grid.n_pix
        valid = survey_mask(instrument, redshift) & self._windows(uniform, n, n_pix)
        return Conditions(
            redshift=redshift,
            snr=snr,
            relative_noise=_relative_noise(uniform, n, n_pix),
            valid=valid,
            phot_snr=_log_uniform(uniform(n, n_band), *self.phot_snr),
            phot_valid=phot_valid,
        )

    def _windows(self, uniform: _Uniform, n: int, n_pix: int) -> Tensor:
        """Random gaps and trimmed ends, True = use, shape (n, n_pix)."""
        pixel = torch.arange(n_pix, device=uniform(1).device)
        cut = MAX_TRIM * n_pix * uniform(n, 1) * (uniform(n, 1) < self.trimmed_share)
        blue = uniform(n, 1) < 0.5
        use = torch.where(blue, pixel >= cut, pixel < n_pix - cut)
        n_gaps = (uniform(n, 1) * (self.max_gaps + 1)).long()
        for gap in range(self.max_gaps):
            start = uniform(n, 1) * n_pix
            length = _log_uniform(uniform(n, 1), 4.0, 80.0)
            inside = (pixel >= start) & (pixel < start + length)
            use &= ~(inside & (n_gaps > gap))
        return use


def _uniform(generator: torch.Generator | None) -> _Uniform:
    """Make a source of uniform numbers on the device of a generator."""
    device = generator.device if generator is not None else torch.device("cpu")

    def draw(*shape: int) -> Tensor:
        return torch.rand(*shape, generator=generator, device=device)

    return draw


def _log_uniform(unit: Tensor, low: float, high: float) -> Tensor:
    """Map uniform numbers to a log-uniform range."""
    return low * torch.exp(unit * math.log(high / low))


def _relative_noise(uniform: _Uniform, n: int, n_pix: int) -> Tensor:
    """Smooth tilt and curvature of the noise of up to about 30 %, and 3 % pixel to pixel."""
    x = torch.linspace(-1.0, 1.0, n_pix, device=uniform(1).device)
    tilt = 0.6 * (uniform(n, 1) - 0.5)
    curvature = 0.4 * (uniform(n, 1) - 0.5)
    shape = torch.exp(tilt * x + curvature * (x * x - 1.0 / 3.0))
    return shape * (1.0 + 0.1 * (uniform(n, n_pix) - 0.5))
