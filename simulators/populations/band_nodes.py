"""Band means through a few sub-band nodes, on which redshift and dust act.

One basis value per band would be wrong under dust and redshift. Each band is therefore cut into
sub-bands fixed in rest-frame wavelength; a spectrum is kept as its mean in each, dust multiplies
the sub-bands, and the redshift changes only the weights with which they form the photon-counting
mean.
"""

from __future__ import annotations

import itertools

import numpy as np
import torch
from torch import Tensor

from priors.portable import Portable
from simulators.instruments.filters import FilterCurve, read_filter
from simulators.instruments.instrument import Instrument

_N_NODES = 32
_THROUGHPUT_TAIL = 2e-4
_TABLE_POINTS = 4096


class BandNodes(Portable):
    """Sub-bands of every band of an instrument; each sub-band is one node of the band's mean.

    Parameters
    ----------
    instrument
        Instrument whose bands are cut, wide enough for all its redshifts with bands.
    n_nodes
        Number of sub-bands in each band.
    """

    def __init__(self, instrument: Instrument, n_nodes: int = _N_NODES) -> None:
        curves = [read_filter(name) for name in instrument.bands]
        limits = [_support(curve) for curve in curves]
        stretch = 1.0 + instrument.max_redshift_bands
        edges = [np.geomspace(low / stretch, high, n_nodes + 1) for low, high in limits]
        self.edges_aa = torch.from_numpy(np.stack(edges)) if edges else torch.zeros(0, n_nodes + 1)
        tables = [_cumulative(curve, *limit) for curve, limit in zip(curves, limits, strict=True)]
        self._cumulative = _BandTables(limits, tables)
        self.wave_aa = (0.5 * (self.edges_aa[:, 1:] + self.edges_aa[:, :-1])).float()
        self.edges_aa = self.edges_aa.float()

    def project(self, wave_aa: np.ndarray, lum: np.ndarray) -> np.ndarray:
        """Photon-weighted means of spectra in the sub-bands.

        Parameters
        ----------
        wave_aa
            Rest-frame wavelengths in Å, ascending, shape (n_wave,).
        lum
            Luminosity per Å of the spectra, shape (..., n_wave).

        Returns
        -------
        np.ndarray
            Means in the unit of `lum`, shape (..., n_band, n_node).
        """
        edges = self.edges_aa.double().numpy()
        out = np.empty((*lum.shape[:-1], edges.shape[0], edges.shape[1] - 1))
        for i, row in enumerate(edges):
            for j, (low, high) in enumerate(itertools.pairwise(row)):
                inside = wave_aa[(wave_aa > low) & (wave_aa < high)]
                t = np.concatenate([[low], inside, [high]])
                out[..., i, j] = _integral_mean(t, wave_aa, lum)
        return out

    def weights(self, redshift: Tensor) -> Tensor:
        """Weight of each sub-band in its band's photon-counting mean.

        Parameters
        ----------
        redshift
            Redshift of each galaxy, shape (n,).

        Returns
        -------
        Tensor
            Weights, shape (n, n_band, n_node); they sum to 1 over the nodes up to the redshift
            `Instrument.max_redshift_bands`.
        """
        share, _ = self._cumulative.at(self.edges_aa * (1.0 + redshift[:, None, None]))
        return torch.diff(share, dim=2)


class BandLines(Portable):
    """Throughput of the bands at the wavelengths of emission lines.

    A sub-band would smear a line over its width; here each line keeps its own wavelength.

    Parameters
    ----------
    instrument
        Instrument whose bands the lines fall into.
    wave_aa
        Rest-frame wavelengths of the lines in Å, shape (n_line,).
    """

    def __init__(self, instrument: Instrument, wave_aa: Tensor) -> None:
        self.wave_aa = wave_aa
        curves = [read_filter(name) for name in instrument.bands]
        limits = [(float(c.wave_aa[0]), float(c.wave_aa[-1])) for c in curves]
        self._density = _BandTables(limits, [_density(curve) for curve in curves])

    def weights(self, redshift: Tensor) -> Tensor:
        """Band mean that a line of unit luminosity adds.

        Parameters
        ----------
        redshift
            Redshift of each galaxy, shape (n,).

        Returns
        -------
        Tensor
            In 1/Å of the rest frame, shape (n, n_band, n_line); zero outside the band.
        """
        stretch = 1.0 + redshift[:, None, None]
        density, inside = self._density.at(self.wave_aa * stretch)
        return torch.where(inside, density, 0.0) * stretch


class _BandTables(Portable):
    """One table for each band over `_TABLE_POINTS` uniformly spaced wavelengths, read linearly."""

    def __init__(self, limits_aa: list[tuple[float, float]], tables: list[np.ndarray]) -> None:
        self._start = torch.tensor([low for low, _ in limits_aa])
        self._step = torch.tensor([(high - low) / (_TABLE_POINTS - 1) for low, high in limits_aa])
        self._tables = torch.from_numpy(np.stack(tables)).float() if tables else torch.zeros(0, 2)

    def at(self, wave_aa: Tensor) -> tuple[Tensor, Tensor]:
        """Values at wavelengths (n, 1 or n_band, m), and whether the tables reach to them."""
        position = (wave_aa - self._start[:, None]) / self._step[:, None]
        inside = (position >= 0.0) & (position <= _TABLE_POINTS - 1.0)
        position = position.clamp(0.0, _TABLE_POINTS - 1.001)
        low = position.long()
        tables = self._tables.expand(len(wave_aa), -1, -1)
        left, right = tables.gather(2, low), tables.gather(2, low + 1)
        return left + (right - left) * (position - low), inside


def _density(curve: FilterCurve) -> np.ndarray:
    """Share of the band's photon weight per Å at uniformly spaced wavelengths."""
    wave = np.linspace(curve.wave_aa[0], curve.wave_aa[-1], _TABLE_POINTS)
    weight = np.interp(wave, curve.wave_aa, curve.throughput) * wave
    return weight / np.trapezoid(curve.throughput * curve.wave_aa, curve.wave_aa)


def _support(curve: FilterCurve) -> tuple[float, float]:
    """Wavelengths that hold all but a sliver of the photons of a band."""
    weight = curve.wave_aa * curve.throughput
    share = np.concatenate(
        [[0.0], np.cumsum(0.5 * (weight[1:] + weight[:-1]) * np.diff(curve.wave_aa))]
    )
    share /= share[-1]
    low = np.interp(_THROUGHPUT_TAIL, share, curve.wave_aa)
    high = np.interp(1.0 - _THROUGHPUT_TAIL, share, curve.wave_aa)
    return float(low), float(high)


def _cumulative(curve: FilterCurve, low: float, high: float) -> np.ndarray:
    """Share of the band's photon weight below uniformly spaced wavelengths."""
    wave = np.linspace(low, high, _TABLE_POINTS)
    weight = np.interp(wave, curve.wave_aa, curve.throughput) * wave
    share = np.concatenate([[0.0], np.cumsum(0.5 * (weight[1:] + weight[:-1]))])
    return share / share[-1]


def _integral_mean(t: np.ndarray, wave_aa: np.ndarray, lum: np.ndarray) -> np.ndarray:
    """Photon-weighted mean of spectra (..., n_wave) over the abscissae t, by trapezoids."""
    return np.trapezoid(at_wavelengths(t, wave_aa, lum) * t, t, axis=-1) / np.trapezoid(t, t)


def at_wavelengths(t: np.ndarray, wave_aa: np.ndarray, lum: np.ndarray) -> np.ndarray:
    """Interpolate spectra linearly in wavelength.

    Parameters
    ----------
    t
        Wavelengths in Å at which the spectra are wanted, shape (n,).
    wave_aa
        Wavelengths in Å of the spectra, ascending, shape (n_wave,).
    lum
        Spectra of any unit, shape (..., n_wave).

    Returns
    -------
    np.ndarray
        Spectra in the unit of `lum`, shape (..., n).
    """
    position = np.interp(t, wave_aa, np.arange(len(wave_aa)))
    index = np.minimum(position.astype(int), len(wave_aa) - 2)
    share = position - index
    return lum[..., index] * (1 - share) + lum[..., index + 1] * share
