"""Filter curves, and photon-counting photometry with them.

The package carries six curves: the five WFC3/UVIS bands of the HST images and Bessell's V. Use
`read_filter` to get one, `photon_mean_flux` for the mean flux density that a photon-counting
detector reports, and `filter_weights` where many spectra share one wavelength axis (the mean is
then one matrix product) or where the mean has to be done elsewhere, for example in torch.

Wavelengths of the HST curves are those of the instrument's tables (vacuum); the 0.8-2.7 AA between
air and vacuum moves no band by more than 0.001 mag and is ignored.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from simulators.constants import SPEED_OF_LIGHT_AA_S
from simulators.files.shipped import shipped_files

HST_BANDS = ("F275W", "F336W", "F438W", "F555W", "F814W")
"""The WFC3/UVIS bands, in the order used everywhere."""


_AB_ZERO_CGS = 3.631e-20  # 3631 Jy in erg/s/cm2/Hz


@dataclass(frozen=True, eq=False)
class FilterCurve:
    """Throughput of one band for photon-counting detectors.

    Parameters
    ----------
    name : str
        Name of the band, such as ``F275W``.
    wave_aa : ndarray, shape (n_curve,)
        Strictly increasing wavelengths, Angstrom.
    throughput : ndarray, shape (n_curve,)
        Fraction of photons detected, up to a constant; zero at both ends, linear in between.

    Raises
    ------
    ValueError
        If the table is not a filter curve: wrong shapes, wavelengths that do not increase,
        negative or not finite values, or no throughput anywhere.
    """

    name: str
    wave_aa: np.ndarray
    throughput: np.ndarray
    pivot_aa: float = field(init=False)
    """Pivot wavelength sqrt(int T lambda / int T / lambda), Angstrom."""

    def __post_init__(self) -> None:
        wave, through = self.wave_aa, self.throughput
        if wave.ndim != 1 or wave.shape != through.shape or len(wave) < 2:
            raise ValueError(
                f"filter {self.name}: wave_aa {wave.shape} and throughput {through.shape} must be "
                f"two columns of the same length, at least 2"
            )
        if not (np.diff(wave) > 0).all() or wave[0] <= 0:
            raise ValueError(f"filter {self.name}: wave_aa must be positive and increase strictly")
        if not (np.isfinite(through) & (through >= 0)).all() or not through.any():
            raise ValueError(f"filter {self.name}: throughput must be finite, >= 0, not all zero")
        point, weight = _simpson_nodes(wave)
        detected = weight * np.interp(point, wave, through)
        pivot = np.sqrt((detected * point).sum() / (detected / point).sum())
        object.__setattr__(self, "pivot_aa", float(pivot))

    @property
    def support_aa(self) -> tuple[float, float]:
        """Range outside which the throughput is zero, Angstrom."""
        positive = np.flatnonzero(self.throughput)
        first, last = max(positive[0] - 1, 0), min(positive[-1] + 1, len(self.wave_aa) - 1)
        return float(self.wave_aa[first]), float(self.wave_aa[last])


def filter_names() -> tuple[str, ...]:
    """Return the names of the filter curves that `read_filter` knows.

    Examples
    --------
    >>> filter_names()
    ('F275W', 'F336W', 'F438W', 'F555W', 'F814W', 'V')
    """
    return (*HST_BANDS, "V")


def read_filter(name: str) -> FilterCurve:
    """Read one of the curves that come with the package.

    Parameters
    ----------
    name : str
        One of `filter_names`: the WFC3/UVIS bands, or ``V`` (Bessell 1990).

    Returns
    -------
    FilterCurve
        The curve, normalised to its peak.

    Raises
    ------
    ValueError
        If there is no such curve.

    Examples
    --------
    >>> round(read_filter("F555W").pivot_aa)
    5308
    """
    if name not in filter_names():
        raise ValueError(f"no filter curve {name!r}; expected one of {', '.join(filter_names())}")
    file = shipped_files("simulators.instruments", "filter_curves", ".txt")[name]
    return FilterCurve(name, *np.loadtxt(file, unpack=True, encoding="utf-8"))


def filter_weights(wave_aa: np.ndarray, curve: FilterCurve) -> np.ndarray:
    """Return weights w such that ``flux @ w`` is the photon-counting mean flux density.

    Flux and throughput are taken as linear between their own tabulated wavelengths, and the
    integral of their product is exact: no resampling of either.

    Parameters
    ----------
    wave_aa : ndarray, shape (n_wave,)
        Strictly increasing wavelengths of the spectra, Angstrom.
    curve : FilterCurve
        Throughput of the band.

    Returns
    -------
    ndarray, shape (n_wave,)
        Non-negative weights that sum to 1.

    Raises
    ------
    ValueError
        If the wavelengths do not cover the band or do not increase.
    """
    low, high = curve.support_aa
    if not (np.diff(wave_aa) > 0).all():
        raise ValueError("wave_aa must increase strictly")
    if wave_aa[0] > low or wave_aa[-1] < high:
        raise ValueError(
            f"spectra cover {wave_aa[0]:g}-{wave_aa[-1]:g} AA, but filter {curve.name} needs "
            f"{low:g}-{high:g} AA: use a wider grid or leave the band out"
        )
    inside = wave_aa[(wave_aa > low) & (wave_aa < high)]
    in_band = curve.wave_aa[(curve.wave_aa >= low) & (curve.wave_aa <= high)]
    point, weight = _simpson_nodes(np.union1d(inside, in_band))
    weight = weight * point * np.interp(point, curve.wave_aa, curve.throughput)
    left = np.clip(np.searchsorted(wave_aa, point, "right") - 1, 0, len(wave_aa) - 2)
    share = (point - wave_aa[left]) / (wave_aa[left + 1] - wave_aa[left])
    total = np.bincount(left, weight * (1 - share), len(wave_aa))
    total += np.bincount(left + 1, weight * share, len(wave_aa))
    return total / total.sum()


def photon_mean_flux(wave_aa: np.ndarray, flux: np.ndarray, curve: FilterCurve) -> np.ndarray:
    """Return the mean flux density in a band, as a photon-counting detector measures it.

    The mean is int(f lambda T) / int(lambda T) over wavelength (Bessell & Murphy 2012, eq. A12).

    Parameters
    ----------
    wave_aa : ndarray, shape (n_wave,)
        Strictly increasing wavelengths, Angstrom.
    flux : ndarray, shape (..., n_wave)
        Flux (or luminosity) density per Angstrom, any unit.
    curve : FilterCurve
        Throughput of the band.

    Returns
    -------
    ndarray, shape (...)
        Mean density per Angstrom, in the unit of `flux`.

    Raises
    ------
    ValueError
        If shapes disagree or the wavelengths do not cover the band.

    References
    ----------
    Bessell & Murphy 2012, PASP 124, 140.
    """
    wave_aa, flux = np.asarray(wave_aa, dtype=np.float64), np.asarray(flux)
    if wave_aa.ndim != 1 or flux.shape[-1:] != wave_aa.shape:
        raise ValueError(
            f"flux has shape {flux.shape}, expected (..., {wave_aa.size}) to match wave_aa"
        )
    return flux @ filter_weights(wave_aa, curve)


def ab_magnitude(mean_flux_cgs: np.ndarray, curve: FilterCurve) -> np.ndarray:
    """Return the AB magnitude of a photon-counting mean flux density.

    Parameters
    ----------
    mean_flux_cgs : ndarray, any shape
        Mean flux density of `photon_mean_flux`, erg/s/cm2/AA.
    curve : FilterCurve
        Throughput of the band, whose pivot wavelength turns f_lambda into f_nu.

    Returns
    -------
    ndarray
        AB magnitudes (zero: 3631 Jy); NaN where the flux is not positive.
    """
    flux = np.asarray(mean_flux_cgs, dtype=np.float64)
    flux_nu = np.where(flux > 0, flux, np.nan) * curve.pivot_aa**2 / SPEED_OF_LIGHT_AA_S
    return -2.5 * np.log10(flux_nu / _AB_ZERO_CGS)


def _simpson_nodes(wave_aa: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights of Simpson's rule on every interval: exact for cubics on each."""
    step = np.diff(wave_aa)
    middle = 0.5 * (wave_aa[:-1] + wave_aa[1:])
    at_ends = np.zeros_like(wave_aa)
    at_ends[:-1] += step / 6
    at_ends[1:] += step / 6
    return np.concatenate([wave_aa, middle]), np.concatenate([at_ends, step * (2 / 3)])
