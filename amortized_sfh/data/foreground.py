"""Galactic foreground extinction of spectra and HST bands.

Apply once, at observed wavelengths, when data are read; everything behind the readers is free of
foreground.
"""

from __future__ import annotations

import numpy as np
from astropy import units as u
from dust_extinction.parameter_averages import F99

from simulators.instruments.filters import read_filter

_R_V = 3.1
_MAX_EBV = 5.0


def extinction_mag(wavelength_aa: np.ndarray, ebv: float) -> np.ndarray:
    """Return the foreground extinction at observed wavelengths.

    Parameters
    ----------
    wavelength_aa : ndarray
        Observed wavelengths in Å, any shape, between 1000 Å and 3.3 µm.
    ebv : float
        E(B-V) of the Milky Way in mag, on the scale of Schlafly & Finkbeiner (2011); values of
        Schlegel, Finkbeiner & Davis (1998) must be multiplied by 0.86 first.

    Returns
    -------
    ndarray
        Extinction in mag, same shape.

    Raises
    ------
    ValueError
        If E(B-V) is negative, absurd or not finite.

    References
    ----------
    Fitzpatrick (1999, PASP 111, 63), R_V = 3.1.
    """
    if not 0.0 <= ebv <= _MAX_EBV:
        raise ValueError(f"ebv is {ebv!r}; expected E(B-V) between 0 and {_MAX_EBV:g} mag")
    wave = np.asarray(wavelength_aa, dtype=np.float64)
    if ebv == 0.0:
        return np.zeros_like(wave)
    return np.asarray(F99(Rv=_R_V)(wave * u.AA)) * _R_V * ebv


def foreground_factor(wavelength_aa: np.ndarray, ebv: float) -> np.ndarray:
    """Return the factor on observed fluxes and errors that removes the foreground.

    Parameters
    ----------
    wavelength_aa : ndarray
        Observed wavelengths in Å, any shape.
    ebv : float
        E(B-V) of the Milky Way in mag, see :func:`extinction_mag`.

    Returns
    -------
    ndarray
        Factors of at least 1, same shape.
    """
    return 10.0 ** (0.4 * extinction_mag(wavelength_aa, ebv))


def band_extinction_mag(band: str, ebv: float) -> float:
    """Return the foreground extinction in an HST band, at its pivot wavelength.

    Parameters
    ----------
    band : str
        One of the five WFC3/UVIS bands.
    ebv : float
        E(B-V) of the Milky Way in mag, see :func:`extinction_mag`.

    Returns
    -------
    float
        Extinction of the band in mag.

    Examples
    --------
    >>> round(band_extinction_mag("F555W", 0.029), 4)
    0.0925
    """
    return float(extinction_mag(np.array(read_filter(band).pivot_aa), ebv))
