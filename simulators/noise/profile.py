"""Noise profiles: the noise of a spectrograph's cubes beyond the error bars that come with them.

A `NoiseProfile` is measured once from a cube (``amortized-sfh measure-noise``) and then used to
draw noise like it or to read cubes with honest error bars. The package carries ``muse-abell478``.
Files are HDF5, version 1 of the format; all data sets are required:

============= =============== ============== =================================================
data set      shape           ``units``      content
============= =============== ============== =================================================
``wave_aa``   (n,)            ``Angstrom``   observed wavelengths in air, increasing
``scale``     (n,)            ``STAT sigma`` noise of one spaxel over its error bar
``kernel``    (n_tap,)        ``1``          taps that correlate white noise along wavelength
``sky_modes`` (n_mode, n)     ``sky sigma``  residuals of sky subtraction, strongest first
============= =============== ============== =================================================

Attributes of the root: ``format`` = ``asfh-noise-profile``, ``schema_version`` = 1, ``medium`` =
``air``, ``name``, ``source`` (provenance in words) and ``growth``.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from simulators.files.hdf5_format import HDF5Format
from simulators.files.shipped import find_file, shipped_files
from simulators.noise.growth import NOISE_GROWTH

MAX_TAPS = 7
MAX_MODES = 5
_MAX_BEYOND_AA = 100.0
"""A profile serves wavelengths at most this far beyond its own, where its ends are held."""

_FORMAT = HDF5Format(
    name="asfh-noise-profile",
    version=1,
    attributes=("name", "source", "growth"),
    units={"wave_aa": "Angstrom", "scale": "STAT sigma", "kernel": "1", "sky_modes": "sky sigma"},
)


@dataclass(frozen=True, kw_only=True, eq=False)
class NoiseProfile:
    """Noise of a cube relative to its error bars.

    Parameters
    ----------
    name : str
        Short name, written in products.
    wave_aa : ndarray, shape (n,)
        Observed wavelengths in air, Angstrom, strictly increasing.
    scale : ndarray, shape (n,)
        True noise of a single spaxel over the error that STAT gives, smooth in wavelength.
    kernel : tuple of float
        Taps that turn white noise into that of native pixels along wavelength: symmetric, odd in
        number (at most 7), of unit L2 norm.
    growth : float
        The noise of a bin of N spaxels is 1 + growth * log10 N times that of independent ones.
    sky_modes : ndarray, shape (n_mode, n)
        Residuals of sky subtraction, each the shape times the rms amplitude over spaxels, in units
        of the scaled error of a single sky spaxel; orthogonal, strongest first, at most 5, or none
        (0, n). Neighbouring spaxels share them.
    source : str
        Data that it was measured from, in words.

    Raises
    ------
    ValueError
        If a field breaks these rules.
    """

    name: str
    wave_aa: np.ndarray
    scale: np.ndarray
    kernel: tuple[float, ...]
    growth: float
    sky_modes: np.ndarray
    source: str

    def __post_init__(self) -> None:
        """Check the fields."""
        wave, n = self.wave_aa, self.wave_aa.size
        if wave.ndim != 1 or n < 2 or not np.isfinite(wave).all() or not (np.diff(wave) > 0).all():
            raise ValueError(
                f"wave_aa of profile {self.name} has shape {wave.shape}; expected at least two "
                "finite wavelengths that increase strictly, in Angstrom"
            )
        if self.scale.shape != (n,) or not (np.isfinite(self.scale) & (self.scale > 0)).all():
            raise ValueError(
                f"scale has shape {self.scale.shape}; expected ({n},), finite and positive"
            )
        if not (np.isfinite(self.growth) and self.growth >= 0.0):
            raise ValueError(f"growth is {self.growth}; expected a finite number of at least 0")
        _check_kernel(self.kernel)
        _check_modes(self.sky_modes, n)

    @property
    def autocorrelation(self) -> np.ndarray:
        """Correlation of the noise of native pixels at lags 0, 1, ..., shape (n_tap,)."""
        taps = np.asarray(self.kernel)
        return np.correlate(taps, taps, mode="full")[len(taps) - 1 :]

    def scale_at(self, wave_aa: np.ndarray) -> np.ndarray:
        """Scale at observed air wavelengths (m,) in Angstrom, shape (m,).

        Raises
        ------
        ValueError
            If a wavelength lies more than 100 Angstrom outside the profile.
        """
        self._check_range(wave_aa)
        return np.interp(wave_aa, self.wave_aa, self.scale)

    def sky_modes_at(self, wave_aa: np.ndarray) -> np.ndarray:
        """Modes at observed air wavelengths (m,) in Angstrom, shape (n_mode, m), 0 beyond the ends.

        Raises
        ------
        ValueError
            If a wavelength lies more than 100 Angstrom outside the profile.
        """
        self._check_range(wave_aa)
        modes = [np.interp(wave_aa, self.wave_aa, m, left=0.0, right=0.0) for m in self.sky_modes]
        return np.reshape(modes, (len(modes), len(wave_aa)))

    def _check_range(self, wave_aa: np.ndarray) -> None:
        low, high = float(np.min(wave_aa)), float(np.max(wave_aa))
        first, last = self.wave_aa[0], self.wave_aa[-1]
        if low < first - _MAX_BEYOND_AA or high > last + _MAX_BEYOND_AA:
            raise ValueError(
                f"noise profile {self.name} covers {first:.0f}-{last:.0f} Angstrom and {low:.0f}-"
                f"{high:.0f} is asked for; expected at most {_MAX_BEYOND_AA:.0f} Angstrom beyond "
                "it: measure one over these wavelengths"
            )


def white_profile(wave_aa: np.ndarray, growth: float = NOISE_GROWTH) -> NoiseProfile:
    """Make the profile of a cube whose error bars are right and whose pixels are independent.

    Parameters
    ----------
    wave_aa : ndarray, shape (n,)
        Observed wavelengths in air that it is to cover, Angstrom, strictly increasing.
    growth : float
        Growth of the noise of bins per decade of spaxels.

    Returns
    -------
    NoiseProfile
        Profile with scale 1, a kernel of one tap and no residuals of sky subtraction.

    Examples
    --------
    >>> white_profile(np.array([4750.0, 9350.0])).autocorrelation
    array([1.])
    """
    wave = np.asarray(wave_aa, dtype=np.float64)
    return NoiseProfile(
        name="white",
        wave_aa=wave,
        scale=np.ones(len(wave)),
        kernel=(1.0,),
        growth=growth,
        sky_modes=np.zeros((0, len(wave))),
        source="error bars as given",
    )


def write_noise_profile(profile: NoiseProfile, path: str | os.PathLike[str]) -> Path:
    """Write a profile; an existing file is replaced, and only by a complete one.

    Parameters
    ----------
    profile : NoiseProfile
        The profile; arrays but the wavelengths are kept in single precision.
    path : path
        Name of the HDF5 file.

    Returns
    -------
    Path
        Path of the file written.
    """
    attributes = {name: getattr(profile, name) for name in _FORMAT.attributes}
    arrays = {
        name: np.asarray(
            getattr(profile, name), np.float64 if name in ("wave_aa", "kernel") else np.float32
        )
        for name in _FORMAT.units
    }
    return _FORMAT.write(path, attributes, arrays)


def read_noise_profile(path: str | os.PathLike[str]) -> NoiseProfile:
    """Read a profile from a file, or one that the package carries by its name.

    Parameters
    ----------
    path : path or str
        HDF5 file, or a name such as ``muse-abell478``.

    Returns
    -------
    NoiseProfile
        The profile, in double precision.

    Raises
    ------
    FileNotFoundError
        If there is neither such a file nor such a name.
    ValueError
        If the file is damaged, of another format or version, or breaks the specification.
    """
    shipped = shipped_files("simulators.noise", "profiles", ".h5")
    found = find_file(path, shipped, "noise profile", "measure-noise")
    try:
        attributes, arrays = _FORMAT.read(found)
    except OSError as error:
        raise ValueError(
            f"{found.name} is not a complete HDF5 file; expected a noise profile: write it "
            "anew with `amortized-sfh measure-noise`"
        ) from error
    doubles = {name: np.asarray(values, dtype=np.float64) for name, values in arrays.items()}
    kernel = tuple(doubles.pop("kernel").ravel().tolist())
    name, source, growth = (attributes[key] for key in _FORMAT.attributes)
    return NoiseProfile(
        name=str(name), source=str(source), growth=float(growth), kernel=kernel, **doubles
    )


def _check_kernel(kernel: tuple[float, ...]) -> None:
    taps = np.asarray(kernel, dtype=np.float64)
    if taps.ndim != 1 or len(taps) % 2 == 0 or len(taps) > MAX_TAPS:
        raise ValueError(
            f"kernel has shape {taps.shape}; expected an odd number of taps, at most {MAX_TAPS}"
        )
    symmetric = np.allclose(taps, taps[::-1], rtol=0.0, atol=1e-6)
    if not symmetric or not abs(float(np.sqrt((taps**2).sum())) - 1.0) < 1e-6:
        raise ValueError(f"kernel is {kernel}; expected symmetric taps of unit L2 norm")


def _check_modes(modes: np.ndarray, n: int) -> None:
    fits = modes.ndim == 2 and modes.shape[1] == n and len(modes) <= MAX_MODES
    if not fits or not np.isfinite(modes).all():
        raise ValueError(
            f"sky_modes has shape {modes.shape}; expected (n_mode, {n}), at most {MAX_MODES} modes "
            "of finite numbers"
        )
    norm = np.sqrt((modes**2).sum(axis=1))
    if not (norm > 0).all() or not (np.diff(norm) <= 1e-6 * norm[:-1]).all():
        raise ValueError(f"sky_modes have norms {norm}; expected positive ones that descend")
    if (np.abs(modes @ modes.T - np.diag(norm**2)) > 1e-3 * np.outer(norm, norm)).any():
        raise ValueError("sky_modes overlap by more than 1e-3; expected orthogonal modes")
