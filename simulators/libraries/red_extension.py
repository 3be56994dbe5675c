"""Continuation of spectra that stop at shorter wavelengths than the others of their library.

E-MILES holds zeros beyond 8950 AA for populations younger than about 0.5 Gyr. Taken as they are,
they would cost F814W 0.14-0.18 mag. Continued by a power law, F814W is within 0.011 mag of the full
spectrum (measured on BC03 spectra of 0.03-0.4 Gyr and [M/H] -0.7 to +0.4, cut at 8951 AA).
"""

from __future__ import annotations

import numpy as np

_FIT_AA = 1000.0


def extend_red(wave_aa: np.ndarray, lum: np.ndarray) -> tuple[np.ndarray, str]:
    """Continue spectra that end in zeros by a power law.

    The power law is a straight line in log-log, fitted to the last 1000 AA with light.

    Parameters
    ----------
    wave_aa : ndarray, shape (n_wave,)
        Wavelengths of the spectra, Angstrom, increasing.
    lum : ndarray, shape (..., n_wave)
        Luminosities; changed nowhere but in trailing zeros.

    Returns
    -------
    lum : ndarray, shape (..., n_wave)
        The continued spectra (the input itself if none ends in zeros).
    note : str
        Note for the provenance of a grid with the shortest wavelength at which a spectrum had
        ended; empty if none did.

    Raises
    ------
    ValueError
        If a spectrum is zero everywhere.
    """
    short = lum[..., -1] == 0
    if not short.any():
        return lum, ""
    lum, end = lum.copy(), float(wave_aa[-1])
    for index in zip(*np.nonzero(short), strict=True):
        lit = np.flatnonzero(lum[index])
        if not len(lit):
            raise ValueError(f"the spectrum at index {tuple(map(int, index))} is zero everywhere")
        last = lit[-1]
        fit = (wave_aa > wave_aa[last] - _FIT_AA) & (wave_aa <= wave_aa[last]) & (lum[index] > 0)
        slope, level = np.polyfit(np.log(wave_aa[fit]), np.log(lum[index][fit]), 1)
        lum[index][last + 1 :] = np.exp(level + slope * np.log(wave_aa[last + 1 :]))
        end = min(end, float(wave_aa[last]))
    return lum, f"; spectra that end at {end:.0f} AA continued by a power law"
