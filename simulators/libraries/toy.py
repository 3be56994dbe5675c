"""A small synthetic library, for tests, examples and a first look without any download.

Use `toy_grid` where a real library's size or licence is in the way. Its spectra are black bodies
that fade and redden with age and [M/H], with eight absorption lines at their places in air: the
Balmer lines are strongest at some 10^8 years, the metal lines grow with age and metallicity. It is
no model of stars; the numbers have the right order of magnitude and the right signs, so that ages
and metallicities are recoverable from it, and every contract of a real library holds.
"""

from __future__ import annotations

import numpy as np

from simulators.files.checksum import combined_sha256
from simulators.populations.nebular_grid import NebularGrid
from simulators.populations.ssp_grid import SSPGrid

_AGE_GYR = (0.0, 0.003, 0.01, 0.05, 0.2, 1.0, 4.0, 14.0)
_MH = (-2.3, -1.2, -0.4, 0.45)
_FWHM_AA = 2.5
_BALMER_AA = (4861.33, 6562.80)
_METAL_AA = (5167.32, 5172.68, 5183.60, 5270.0, 5889.95, 5895.92)
_CM_AA = 1e-8
_SECOND_RADIATION_CM_K = 1.438776877
_VERSION = "toy library 1"


def toy_grid() -> SSPGrid:
    """Make the toy library of SSP spectra.

    Returns
    -------
    SSPGrid
        4 metallicities (-2.3 to 0.45), 8 ages (0 to 14 Gyr), 1800 to 10 000 AA in steps of 10 AA
        and of 1 AA from 4700 to 7100 AA; float32. The same numbers at every call.

    Examples
    --------
    >>> grid = toy_grid()
    >>> grid.lum.shape
    (4, 8, 2981)
    >>> grid.age_range_gyr, grid.mh_range
    ((0.0, 14.0), (-2.3, 0.45))
    """
    wave = np.concatenate(
        [np.arange(1800.0, 4700, 10), np.arange(4700.0, 7100), np.arange(7100.0, 10001, 10)]
    )
    age_gyr, mh = np.array(_AGE_GYR), np.array(_MH)
    # age 0 shines like 3 Myr, as real libraries' first spectra do
    log_age = np.log10(np.maximum(age_gyr, 0.003) * 1e9)[None, :, None]
    met = mh[:, None, None]
    temperature = 10 ** (4.35 - 0.19 * (log_age - 6.5) - 0.03 * (met + 0.4))
    bolometric = 10 ** (2.6 - 0.86 * (log_age - 6.5) - 0.05 * met)
    lum = bolometric * _planck_shape(wave, temperature)
    lum *= 1 - _absorption(wave, log_age, met)
    mass = 1 - 0.12 * np.clip(log_age[..., 0] - 6.5, 0, None) + 0 * met[..., 0]
    return SSPGrid(
        wave_aa=wave,
        age_gyr=age_gyr,
        mh=mh,
        lum=lum.astype(np.float32),
        mass_alive=mass,
        mass_kind="stars",
        lsf_fwhm_aa=np.where((wave >= 4700) & (wave < 7100), _FWHM_AA, 20.0),
        name="toy",
        source=f"{_VERSION}, analytic",
        sha256=combined_sha256([_VERSION]),
    )


def toy_nebular() -> NebularGrid:
    """Make nebular light for the toy library: a flat continuum and five lines.

    Returns
    -------
    NebularGrid
        5 log U (-4 to -2), the metallicities of `toy_grid`, 3 ages (1 to 20 Myr), float32.

    Examples
    --------
    >>> toy_nebular().line_lum.shape
    (5, 4, 3, 5)
    """
    wave, mh = np.array([1500.0, 3645.0, 3655.0, 10500.0]), np.array(_MH)
    log_u, age_gyr = np.linspace(-4.0, -2.0, 5), np.array([0.001, 0.005, 0.02])
    ionising = 10 ** (-150.0 * age_gyr - 0.1 * (mh[:, None] + 0.4))
    level = np.array([0.02, 0.02, 0.012, 0.008])
    continuum = np.ones((5, 1, 1, 1)) * ionising[None, :, :, None] * level
    # H beta, [O III], [O III], H alpha, [N II]: oxygen grows with log U, nitrogen with [M/H]
    lines = np.ones((5, 4, 3, 5)) * ionising[None, :, :, None] * np.array([6, 3, 9, 17, 4.0])
    lines[..., 1:3] *= 10 ** (0.8 * (log_u + 3.0))[:, None, None, None]
    lines[..., 4] *= 10 ** (0.6 * mh)[None, :, None]
    return NebularGrid(
        wave_aa=wave,
        age_gyr=age_gyr,
        mh=mh,
        log_u=log_u,
        continuum=continuum.astype(np.float32),
        line_wave_aa=np.array([4861.33, 4958.91, 5006.84, 6562.80, 6583.45]),
        line_lum=lines.astype(np.float32),
        name="toy",
        source=f"{_VERSION}, analytic",
        sha256=combined_sha256([_VERSION, "nebular"]),
    )


def _planck_shape(wave_aa: np.ndarray, temperature_k: np.ndarray) -> np.ndarray:
    """Black body per Angstrom, normalised to unit area over all wavelengths."""
    wave_cm = wave_aa * _CM_AA
    exponent = _SECOND_RADIATION_CM_K / (wave_cm * temperature_k)
    # int dlambda / (lambda^5 (exp(c2 / lambda T) - 1)) = (pi T / c2)^4 / 15
    area = (np.pi * temperature_k / _SECOND_RADIATION_CM_K) ** 4 / 15
    return _CM_AA / (wave_cm**5 * np.expm1(exponent) * area)


def _absorption(wave_aa: np.ndarray, log_age: np.ndarray, met: np.ndarray) -> np.ndarray:
    """Fraction of the continuum that the lines take away."""
    balmer = 0.15 + 0.45 * np.exp(-0.5 * ((log_age - 8.3) / 0.6) ** 2)
    metal = 0.10 * 10 ** (0.35 * (met + 0.4)) * np.clip(log_age - 5.5, 0, None)
    depth = np.zeros(np.broadcast_shapes(log_age.shape, met.shape, wave_aa.shape))
    for lines, strength, sigma_aa in ((_BALMER_AA, balmer, 4.0), (_METAL_AA, metal, 1.2)):
        for line in lines:
            depth = depth + strength * np.exp(-0.5 * ((wave_aa - line) / sigma_aa) ** 2)
    return np.minimum(depth, 0.95)
