"""A grid of nebular light around simple stellar populations, as a reader returns it.

`NebularGrid` is to the gas what `SSPGrid` is to the stars: continuum and lines per formed stellar
mass, over ionisation parameter, metallicity and age.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False, kw_only=True)
class NebularGrid:
    """Nebular continuum and lines on a rectangular grid.

    Parameters
    ----------
    wave_aa : ndarray, shape (n_wave,)
        Wavelengths of the continuum, air, Å, increasing.
    age_gyr : ndarray, shape (n_age,)
        Ages of the stars in Gyr, increasing and positive.
    mh : ndarray, shape (n_met,)
        [M/H] of stars and gas, increasing.
    log_u : ndarray, shape (n_u,)
        log10 of the ionisation parameter, increasing.
    continuum : ndarray, shape (n_u, n_met, n_age, n_wave)
        L_sun/Å per M_sun of stars formed.
    line_wave_aa : ndarray, shape (n_line,)
        Wavelengths of the lines, air, Å, increasing.
    line_lum : ndarray, shape (n_u, n_met, n_age, n_line)
        L_sun per M_sun of stars formed.
    name, source, sha256 : str
        Short name; provenance in words; SHA-256 of the files that were read (hex).

    Raises
    ------
    ValueError
        If an axis does not increase, a shape disagrees or a value is negative or not finite.
    """

    wave_aa: np.ndarray
    age_gyr: np.ndarray
    mh: np.ndarray
    log_u: np.ndarray
    continuum: np.ndarray
    line_wave_aa: np.ndarray
    line_lum: np.ndarray
    name: str
    source: str
    sha256: str

    def __post_init__(self) -> None:
        for field in ("wave_aa", "age_gyr", "mh", "log_u", "line_wave_aa"):
            axis = getattr(self, field)
            if axis.ndim != 1 or not np.isfinite(axis).all() or not (np.diff(axis) > 0).all():
                raise ValueError(f"{field} must be one finite, increasing axis, got {axis}")
        node = (len(self.log_u), len(self.mh), len(self.age_gyr))
        for field, last in (("continuum", self.wave_aa), ("line_lum", self.line_wave_aa)):
            values = getattr(self, field)
            if values.shape != (*node, len(last)):
                raise ValueError(
                    f"{field} has shape {values.shape}, expected {(*node, len(last))} from the axes"
                )
            if not (values.min() >= 0 and np.isfinite(values.max())):
                raise ValueError(
                    f"{field} spans {values.min():g} to {values.max():g}, expected finite and >= 0"
                )
