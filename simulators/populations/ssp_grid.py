"""A grid of simple stellar population (SSP) spectra, as every library reader returns it.

`SSPGrid` is the border between file formats and physics: readers in `simulators.libraries` fill it,
the spectral basis is computed from it, and nothing downstream knows which library it came from.
Use it directly to look at a library or to write a new reader.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np

MH_TOLERANCE = 0.005
"""A metallicity this much (dex) outside a library takes the library's last one."""

MassKind = Literal["stars", "stars+remnants"]


@dataclass(frozen=True, eq=False, kw_only=True)
class SSPGrid:
    """SSP spectra on a rectangular grid of metallicity, age and wavelength.

    All arrays are checked once, here; a reader that returns an `SSPGrid` returned a usable one.

    Parameters
    ----------
    wave_aa : ndarray, shape (n_wave,)
        Strictly increasing wavelengths in **air**, Angstrom; steps may vary.
    age_gyr : ndarray, shape (n_age,)
        Strictly increasing ages in Gyr. The first may be 0 (then the spectrum of age 0 is that of
        a population just formed, and interpolation in log age must hold it constant up to the
        first positive age).
    mh : ndarray, shape (n_met,)
        Strictly increasing metallicities [M/H] = log10(Z / Z_sun) in dex.
    lum : ndarray, shape (n_met, n_age, n_wave)
        Luminosity density in L_sun / Angstrom per M_sun **formed**, non-negative.
    mass_alive : ndarray, shape (n_met, n_age)
        Surviving mass per mass formed, in [0, 1]; NaN everywhere where the library does not say.
    mass_kind : {"stars", "stars+remnants"}
        Content of `mass_alive`: living stars alone, or with their remnants.
    lsf_fwhm_aa : ndarray, shape (n_wave,)
        FWHM of the library's line-spread function in Angstrom.
    name : str
        Short name, such as ``bc03-miles``.
    source : str
        Provenance in words: file, edition, splices.
    sha256 : str
        SHA-256 of what was read (hex).

    Raises
    ------
    ValueError
        If shapes disagree, an axis does not increase, or a value is not usable.
    """

    wave_aa: np.ndarray
    age_gyr: np.ndarray
    mh: np.ndarray
    lum: np.ndarray
    mass_alive: np.ndarray
    mass_kind: MassKind
    lsf_fwhm_aa: np.ndarray
    name: str
    source: str
    sha256: str

    def __post_init__(self) -> None:
        """Check axes, shapes and values."""
        for field in ("wave_aa", "age_gyr", "mh"):
            _check_axis(field, getattr(self, field))
        expected = {
            "lum": (len(self.mh), len(self.age_gyr), self.n_wave),
            "mass_alive": (len(self.mh), len(self.age_gyr)),
            "lsf_fwhm_aa": (self.n_wave,),
        }
        for field, shape in expected.items():
            found = getattr(self, field).shape
            if found != shape:
                raise ValueError(
                    f"{field} has shape {found}, expected {shape} from mh, age_gyr and wave_aa"
                )
        if self.mass_kind not in get_args(MassKind):
            raise ValueError(f"mass_kind is {self.mass_kind!r}, expected {get_args(MassKind)}")
        if self.wave_aa[0] <= 0 or self.age_gyr[0] < 0:
            raise ValueError(
                f"wavelengths must be positive and ages not negative, got wave_aa[0] = "
                f"{self.wave_aa[0]:g} AA and age_gyr[0] = {self.age_gyr[0]:g} Gyr"
            )
        lowest, highest = float(self.lum.min()), float(self.lum.max())
        if not (lowest >= 0 and np.isfinite(highest)):
            raise ValueError(
                f"lum spans {lowest:g} to {highest:g}, expected finite and >= 0 (L_sun/AA/M_sun)"
            )
        mass = self.mass_alive
        if not np.isnan(mass).all() and not ((mass >= 0) & (mass <= 1)).all():
            raise ValueError(
                f"mass_alive spans {mass.min():g} to {mass.max():g}, expected [0, 1] or all NaN"
            )
        if not ((self.lsf_fwhm_aa >= 0) & np.isfinite(self.lsf_fwhm_aa)).all():
            raise ValueError("lsf_fwhm_aa must be finite and >= 0 Angstrom")

    @property
    def n_wave(self) -> int:
        """Number of wavelengths."""
        return len(self.wave_aa)

    @property
    def age_range_gyr(self) -> tuple[float, float]:
        """Youngest and oldest age in Gyr."""
        return float(self.age_gyr[0]), float(self.age_gyr[-1])

    @property
    def mh_range(self) -> tuple[float, float]:
        """Lowest and highest [M/H] in dex."""
        return float(self.mh[0]), float(self.mh[-1])

    @property
    def wave_range_aa(self) -> tuple[float, float]:
        """Shortest and longest wavelength in Angstrom (air)."""
        return float(self.wave_aa[0]), float(self.wave_aa[-1])

    def select(
        self,
        wave_range_aa: tuple[float, float] | None = None,
        age_range_gyr: tuple[float, float] | None = None,
        mh_range: tuple[float, float] | None = None,
    ) -> SSPGrid:
        """Cut the grid to inclusive ranges (nothing is interpolated).

        Parameters
        ----------
        wave_range_aa : (float, float), optional
            Wavelengths to keep, Angstrom (air).
        age_range_gyr : (float, float), optional
            Ages to keep, Gyr.
        mh_range : (float, float), optional
            [M/H] to keep, dex.

        Returns
        -------
        SSPGrid
            The smaller grid; `name`, `source` and `sha256` are kept.

        Raises
        ------
        ValueError
            If fewer than two points of an axis are left.
        """
        wave = axis_slice("wave_aa", self.wave_aa, wave_range_aa)
        age = axis_slice("age_gyr", self.age_gyr, age_range_gyr)
        met = axis_slice("mh", self.mh, mh_range)
        return replace(
            self,
            wave_aa=self.wave_aa[wave],
            age_gyr=self.age_gyr[age],
            mh=self.mh[met],
            lum=np.ascontiguousarray(self.lum[met, age, wave]),
            mass_alive=self.mass_alive[met, age],
            lsf_fwhm_aa=self.lsf_fwhm_aa[wave],
        )


def _check_axis(field: str, axis: np.ndarray) -> None:
    if axis.ndim != 1 or len(axis) < 2:
        raise ValueError(f"{field} has shape {axis.shape}, expected one axis of at least 2 points")
    if not np.isfinite(axis).all() or not (np.diff(axis) > 0).all():
        raise ValueError(f"{field} must be finite and strictly increasing, got {axis}")


def axis_slice(field: str, axis: np.ndarray, limits: tuple[float, float] | None) -> slice:
    """Slice of an increasing axis inside inclusive limits.

    Parameters
    ----------
    field : str
        Name of the axis, for the message.
    axis : ndarray, shape (n,)
        Strictly increasing values of the axis.
    limits : (float, float) or None
        Lowest and highest value to keep; None keeps all.

    Returns
    -------
    slice
        Contiguous range of indices.

    Raises
    ------
    ValueError
        If fewer than two points are left.
    """
    if limits is None:
        return slice(None)
    low, high = limits
    first, last = np.searchsorted(axis, low, "left"), np.searchsorted(axis, high, "right")
    if last - first < 2:
        raise ValueError(
            f"{field} range {limits} keeps {max(last - first, 0)} points, expected at least 2; "
            f"the grid spans {axis[0]:g} to {axis[-1]:g}"
        )
    return slice(int(first), int(last))
