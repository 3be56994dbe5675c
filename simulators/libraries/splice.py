"""Young ages of one library put in front of another one.

Use `splice_young` for a library that starts too late, for example E-MILES (30 Myr) under age bins
that start at 0. The two libraries differ in tracks, IMF and spectra, so a step at the seam is
expected: `seam_ratio` measures it before a model is built on it.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy import sparse
from scipy.interpolate import PchipInterpolator

from simulators.constants import FWHM_PER_SIGMA
from simulators.files.checksum import combined_sha256
from simulators.populations.ssp_grid import MH_TOLERANCE, SSPGrid

_TINY = 1e-30


def splice_young(grid: SSPGrid, young_grid: SSPGrid, age_gyr: float | None = None) -> SSPGrid:
    """Take the populations younger than an age from another library.

    Parameters
    ----------
    grid : SSPGrid
        The library that keeps its wavelengths, metallicities and old ages.
    young_grid : SSPGrid
        The library that gives every age below `age_gyr`, brought to the axes and resolution of
        `grid`.
    age_gyr : float, optional
        First age of `grid` to keep, Gyr; its youngest by default.

    Returns
    -------
    SSPGrid
        Its name is ``grid+young``; `source` records the splice, and `mass_kind` is that of `grid`
        (`source` says so if the young masses count differently).

    Raises
    ------
    ValueError
        If nothing is younger than `age_gyr`, fewer than two ages are left of `grid`, or
        `young_grid` does not cover its wavelengths or metallicities.
    """
    age_gyr = grid.age_range_gyr[0] if age_gyr is None else float(age_gyr)
    n_young = int(np.searchsorted(young_grid.age_gyr, age_gyr * (1 - 1e-9)))
    if n_young == 0:
        raise ValueError(
            f"{young_grid.name} starts at {young_grid.age_range_gyr[0]:g} Gyr and has nothing "
            f"younger than {age_gyr:g} Gyr to splice into {grid.name}"
        )
    old = grid.select(age_range_gyr=(age_gyr * (1 - 1e-9), np.inf))
    lum, mass = _young_ages(young_grid, grid, n_young)
    note = f"; ages below {age_gyr:g} Gyr from {young_grid.name} ({young_grid.source})"
    if young_grid.mass_kind != grid.mass_kind:
        note += f", whose surviving mass counts {young_grid.mass_kind}"
    return replace(
        old,
        age_gyr=np.concatenate([young_grid.age_gyr[:n_young], old.age_gyr]),
        lum=np.concatenate([lum.astype(old.lum.dtype), old.lum], axis=1),
        mass_alive=np.concatenate([mass, old.mass_alive], axis=1),
        name=f"{grid.name}+{young_grid.name}",
        source=grid.source + note,
        sha256=combined_sha256([grid.sha256, young_grid.sha256, f"{age_gyr!r}"]),
    )


def _young_ages(source: SSPGrid, target: SSPGrid, n_age: int) -> tuple[np.ndarray, np.ndarray]:
    """Bring a library's first ages to the metallicities, wavelengths and LSF of another one.

    Up to `MH_TOLERANCE` beyond the source's metallicities its last one is taken. Luminosities are
    interpolated in [M/H] by a monotone cubic of their logarithm, and broadened by a Gaussian where
    the target's resolution is lower; they are never sharpened. Luminosities have the shape
    (n_met, n_age, target.n_wave), surviving masses (n_met, n_age).
    """
    for what, unit, have, need, tolerance in (
        ("wavelengths", "AA", source.wave_range_aa, target.wave_range_aa, 0.0),
        ("[M/H]", "dex", source.mh_range, target.mh_range, MH_TOLERANCE),
    ):
        if have[0] > need[0] + tolerance or have[1] < need[1] - tolerance:
            raise ValueError(
                f"{source.name} covers {what} {have} {unit}, {target.name} needs {need}: cut it "
                f"first with {target.name}.select(...)"
            )
    operator = _resampling(source, target)
    log_lum = np.log(np.maximum(source.lum[:, :n_age], _TINY))
    mh = target.mh.clip(*source.mh_range)
    lum = np.exp(PchipInterpolator(source.mh, log_lum, axis=0)(mh))
    mass = source.mass_alive[:, :n_age]
    if np.isfinite(mass).all():
        mass = PchipInterpolator(source.mh, mass, axis=0)(mh)
    else:
        mass = np.full(lum.shape[:2], np.nan)
    flat = operator @ lum.reshape(-1, source.n_wave).T
    return flat.T.reshape(*lum.shape[:2], target.n_wave), mass


def seam_ratio(spliced: SSPGrid, age_gyr: float) -> np.ndarray:
    """Light across a seam: the first spectrum behind it over the last one before it.

    Parameters
    ----------
    spliced : SSPGrid
        A grid from `splice_young`.
    age_gyr : float
        The age that was given to `splice_young`, Gyr.

    Returns
    -------
    ndarray, shape (n_met, n_wave)
        Ratio of luminosities; 1 where the two libraries agree (but for the fading between the two
        ages).

    Raises
    ------
    ValueError
        If the age is not inside the ages of the grid.
    """
    first = int(np.searchsorted(spliced.age_gyr, age_gyr * (1 - 1e-9)))
    if not 0 < first < len(spliced.age_gyr):
        raise ValueError(
            f"{age_gyr:g} Gyr is not inside the ages {spliced.age_range_gyr} of {spliced.name}"
        )
    return spliced.lum[:, first] / np.maximum(spliced.lum[:, first - 1], _TINY)


def _resampling(source: SSPGrid, target: SSPGrid) -> sparse.csr_matrix:
    """Matrix (target.n_wave, source.n_wave): Gaussian broadening, or linear interpolation."""
    wave, step = source.wave_aa, np.gradient(source.wave_aa)
    own = np.interp(target.wave_aa, wave, source.lsf_fwhm_aa)
    sigma = np.sqrt(np.clip(target.lsf_fwhm_aa**2 - own**2, 0, None)) / FWHM_PER_SIGMA
    broad = sigma > 0.5 * np.interp(target.wave_aa, wave, step)
    rows, columns, weights = [], [], []
    for row in np.flatnonzero(broad):
        centre, width = target.wave_aa[row], sigma[row]
        first, last = np.searchsorted(wave, [centre - 4 * width, centre + 4 * width])
        near = np.arange(first, last)
        kernel = step[near] * np.exp(-0.5 * ((wave[near] - centre) / width) ** 2)
        rows.append(np.full(len(near), row))
        columns.append(near)
        weights.append(kernel / kernel.sum())
    sharp = np.flatnonzero(~broad)
    left = np.clip(np.searchsorted(wave, target.wave_aa[sharp], "right") - 1, 0, len(wave) - 2)
    share = (target.wave_aa[sharp] - wave[left]) / (wave[left + 1] - wave[left])
    rows += [sharp, sharp]
    columns += [left, left + 1]
    weights += [1 - share, share]
    entries = np.concatenate(weights), (np.concatenate(rows), np.concatenate(columns))
    return sparse.csr_matrix(entries, shape=(target.n_wave, source.n_wave))
