"""The flat input of the networks: an observation packed into one vector, and unpacked again.

No other module knows at which index of the vector a pixel or a band is.

The scale that makes a spectrum of order one is computed here, from the noisy and masked data, by
the same function in training and in inference.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from amortized_sfh.quantities.spectrum_scale import spectrum_scale
from simulators.instruments.instrument import Instrument
from simulators.observations.observation import Observation

_N_GLOBAL = 2
_N_PER_BAND = 4


class Inputs(NamedTuple):
    """Parts of a packed input.

    Attributes
    ----------
    flux
        Spectrum minus one in units of the scale and, where noise dominates, of the noise; zero
        where masked. Shape (n, n_pix).
    precision
        asinh of the S/N per pixel relative to the scale; zero where masked. Shape (n, n_pix).
    bands
        Four numbers per band, zero where it is missing. Shape (n, 4 n_band).
    context
        Redshift and S/N of the scale. Shape (n, 2).
    """

    flux: Tensor
    precision: Tensor
    bands: Tensor
    context: Tensor


@dataclass(frozen=True)
class Layout:
    """Positions of the parts of the network input.

    Parameters
    ----------
    n_pix
        Number of pixels of the spectrum.
    n_band
        Number of photometric bands.
    """

    n_pix: int
    n_band: int

    @classmethod
    def of(cls, instrument: Instrument) -> Layout:
        """Layout of the observations of an instrument."""
        return cls(instrument.grid.n_pix, len(instrument.bands))

    @property
    def n_x(self) -> int:
        """Length of the packed input."""
        return 2 * self.n_pix + _N_PER_BAND * self.n_band + _N_GLOBAL

    def pack(self, observation: Observation) -> Tensor:
        """Scale an observation and flatten it.

        Parameters
        ----------
        observation
            Batch of n observations.

        Returns
        -------
        Tensor
            Packed data, shape (n, n_x), finite for any flux where sigma is positive.

        Raises
        ------
        ValueError
            If the observation has another number of pixels or bands.
        """
        if (observation.n_pix, observation.phot.shape[1]) != (self.n_pix, self.n_band):
            raise ValueError(
                f"observation has {observation.n_pix} pixels and {observation.phot.shape[1]} "
                f"bands, expected {self.n_pix} and {self.n_band}: put it on the model's grid"
            )
        scale, scale_snr = spectrum_scale(observation)
        valid = observation.valid
        sigma = torch.where(valid, observation.sigma, 1.0) / scale[:, None]
        flux = torch.where(valid, observation.flux, 0.0) / scale[:, None]
        flux = torch.where(valid, (flux - 1.0) / torch.sqrt(1.0 + sigma**2), 0.0)
        precision = torch.where(valid, torch.asinh(1.0 / sigma), 0.0)
        context = torch.stack([50.0 * observation.redshift, torch.log10(scale_snr) - 2.0], dim=1)
        return torch.cat([flux, precision, self._pack_bands(observation, scale), context], dim=1)

    def _pack_bands(self, observation: Observation, scale: Tensor) -> Tensor:
        """Flux in units of sigma and of the scale, precision, and whether there is one."""
        valid = observation.phot_valid
        sigma = torch.where(valid, observation.phot_sigma, 1.0)
        flux = torch.where(valid, observation.phot, 0.0)
        relative = torch.asinh(10.0 * flux / scale[:, None])
        parts = [
            torch.asinh(flux / sigma),
            torch.where(valid, relative - 2.0, 0.0),
            torch.where(valid, torch.asinh(scale[:, None] / sigma) - 3.0, 0.0),
            valid.float(),
        ]
        return torch.cat(parts, dim=1)

    def unpack(self, x: Tensor) -> Inputs:
        """Split a packed input.

        Parameters
        ----------
        x
            Packed data, shape (n, n_x).

        Returns
        -------
        Inputs
            The parts by name, as views of `x`.
        """
        sizes = [self.n_pix, self.n_pix, _N_PER_BAND * self.n_band, _N_GLOBAL]
        return Inputs(*x.split(sizes, dim=-1))
