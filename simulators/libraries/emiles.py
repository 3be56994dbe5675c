"""E-MILES (and MILES) spectra: the MILES site's FITS directories, and packed npz files.

Use `read_emiles` for a folder as the MILES site delivers it (one FITS file per population, named
like ``Ebi1.30Zm2.27T00.0300_iTp0.00_baseFe.fits``), for a file packed from such a folder (npz keys
``wave, age_gyr, mh, flux``), or for a pPXF file ``spectra_emiles_*.npz``.

Three facts about E-MILES that a user should know:

* wavelengths are in air; luminosities are L_sun/AA per M_sun formed;
* the grid starts at 30 Myr (BaSTI) or 63 Myr (Padova): younger bins need
  `simulators.libraries.splice.splice_young`;
* populations younger than about 0.5 Gyr **end at 8950 AA**: beyond, the files hold zeros. F814W
  reaches to 9700 AA, so `read_emiles` continues these spectra by a power law and says so in
  `SSPGrid.source`.

References
----------
Vazdekis et al. 2016, MNRAS 463, 3409 (E-MILES); Pietrinferni et al. 2004, ApJ 612, 168 (BaSTI).
"""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from astropy.io import fits

from simulators.constants import FWHM_PER_SIGMA, SPEED_OF_LIGHT_KMS
from simulators.files.checksum import combined_sha256, file_sha256
from simulators.libraries.ppxf_npz import read_ppxf_npz
from simulators.libraries.red_extension import extend_red
from simulators.populations.ssp_grid import SSPGrid, axis_slice

_NAME = re.compile(
    r"^(?P<family>[EM])(?P<imf>[a-z]{2}\d\.\d\d)Z(?P<sign>[mp])(?P<mh>\d\.\d\d)"
    r"T(?P<age>\d\d\.\d{4})(?P<rest>.*?)(?:\.fits)?(?:\.gz)?$"
)
_PACKED_KEYS = {"wave", "age_gyr", "mh", "flux"}


class EMilesName(NamedTuple):
    """Parameters of a population, read from the name of its MILES-site file.

    >>> EMilesName.parse("Ebi1.30Zm2.27T00.0300_iTp0.00_baseFe.fits")
    EMilesName(family='E', imf='bi1.30', mh=-2.27, age_gyr=0.03, rest='_iTp0.00_baseFe')
    """

    family: str
    imf: str
    mh: float
    age_gyr: float
    rest: str

    @classmethod
    def parse(cls, name: str) -> EMilesName | None:
        """Parse a file name; None if it is not a MILES-site name."""
        match = _NAME.match(name)
        if match is None:
            return None
        sign = -1.0 if match["sign"] == "m" else 1.0
        mh, age = sign * float(match["mh"]), float(match["age"])
        return cls(match["family"], match["imf"], mh, age, match["rest"])

    @property
    def series(self) -> str:
        """Everything but age and metallicity, for example ``Ebi1.30_iTp0.00_baseFe``."""
        return f"{self.family}{self.imf}{self.rest}"


def emiles_fwhm_aa(wave_aa: np.ndarray) -> np.ndarray:
    """FWHM of the E-MILES line-spread function.

    Parameters
    ----------
    wave_aa : ndarray
        Wavelengths in air, Angstrom.

    Returns
    -------
    ndarray
        FWHM in Angstrom: 3 up to 3061, 5 up to 3541, 2.51 up to 8951 Angstrom, then a velocity
        dispersion of 60 km/s (Vazdekis et al. 2016, figure 8 and the site's resolution table).
    """
    red = wave_aa * (60.0 / SPEED_OF_LIGHT_KMS) * FWHM_PER_SIGMA
    return np.select([wave_aa < 3061, wave_aa < 3541, wave_aa < 8951], [3.0, 5.0, 2.51], red)


def read_emiles(
    path: str | os.PathLike[str],
    *,
    imf: str | None = None,
    mass_table: str | os.PathLike[str] | None = None,
    wave_range_aa: tuple[float, float] = (1200.0, 11000.0),
) -> SSPGrid:
    """Read E-MILES from a MILES-site folder or from an npz file.

    Parameters
    ----------
    path : path
        Folder of FITS files, or an npz file (pPXF's or packed).
    imf : str, optional
        IMF code such as ``bi1.30``; needed if a folder holds more than one, and with `mass_table`
        if the name of an npz file does not contain it.
    mass_table : path, optional
        The site's table with columns ``model`` (file names) and ``M(*+remn)``; rows are matched by
        file name (its ``mu`` column is not reliable). By default the one ``*_iTp0.00.dat`` beside
        the file or in the folder; without any the surviving mass is NaN, except for pPXF files,
        which carry their own.
    wave_range_aa : (float, float)
        Shortest and longest wavelength to keep, Angstrom.

    Returns
    -------
    SSPGrid
        Luminosities in float32; `mass_alive` counts stars and remnants.

    Raises
    ------
    FileNotFoundError
        If `path` does not exist or the folder holds no MILES-site file.
    ValueError
        If the files do not form one rectangular grid, or the npz has other keys.
    """
    path = Path(path)
    if path.is_dir():
        grid, imf = _read_folder(path, imf, wave_range_aa)
    elif not path.is_file():
        raise FileNotFoundError(f"no E-MILES folder or npz file at {path}")
    else:
        with np.load(path) as data:
            keys = set(data.files)
        if not keys >= _PACKED_KEYS:
            if mass_table is not None:
                raise ValueError("mass_table is for MILES-site data; a pPXF npz has its own masses")
            return read_ppxf_npz(path, wave_range_aa=wave_range_aa)
        grid = _read_packed(path, wave_range_aa)
        if imf is None and (match := re.search(r"(?:bi|un|ku|kb|ch)\d\.\d\d", path.stem)):
            imf = match[0]
    if mass_table is None:
        beside = sorted((path if path.is_dir() else path.parent).glob("*_iTp0.00.dat"))
        if len(beside) != 1 or imf is None:
            return grid
        mass_table = beside[0]
    return replace(grid, mass_alive=_read_masses(Path(mass_table), imf, grid))


def _read_packed(path: Path, wave_range_aa: tuple[float, float]) -> SSPGrid:
    with np.load(path) as data:
        wave = data["wave"].astype(np.float64)
        keep = axis_slice("wave_aa", wave, wave_range_aa)
        lum = np.ascontiguousarray(np.moveaxis(data["flux"], 1, 0)[..., keep], dtype=np.float32)
        axes = {"age_gyr": data["age_gyr"].astype(float), "mh": data["mh"].astype(float)}
    source = f"E-MILES, {path.name}"
    return _grid(wave[keep], lum, axes, source, file_sha256(path))


def _read_folder(
    folder: Path, imf: str | None, wave_range_aa: tuple[float, float]
) -> tuple[SSPGrid, str]:
    found = {file: EMilesName.parse(file.name) for file in sorted(folder.glob("*.fits*"))}
    named = {file: name for file, name in found.items() if name and imf in (None, name.imf)}
    series = sorted({name.series for name in named.values()})
    if not named:
        raise FileNotFoundError(
            f"{folder} holds no files like Ebi1.30Zm2.27T00.0300_iTp0.00_baseFe.fits"
            + (f" with IMF {imf!r}" if imf else "")
        )
    if len(series) > 1:
        raise ValueError(f"{folder} holds {series}: choose one with imf=, or keep one per folder")
    ages = sorted({name.age_gyr for name in named.values()})
    mets = sorted({name.mh for name in named.values()})
    files = {(name.mh, name.age_gyr): file for file, name in named.items()}
    missing = [(mh, age) for mh in mets for age in ages if (mh, age) not in files]
    if missing:
        raise ValueError(
            f"{folder}: {len(missing)} of {len(mets)} x {len(ages)} populations are missing, the "
            f"first at [M/H] {missing[0][0]:+.2f}, {missing[0][1]} Gyr: the grid must be complete"
        )
    wave = _fits_wave(files[mets[0], ages[0]])
    keep = axis_slice("wave_aa", wave, wave_range_aa)
    lum = np.empty((len(mets), len(ages), len(wave[keep])), dtype=np.float32)
    for i, mh in enumerate(mets):
        for j, age in enumerate(ages):
            file = files[mh, age]
            if not np.array_equal(_fits_wave(file), wave):
                raise ValueError(f"{file.name} has another wavelength axis than the first file")
            lum[i, j] = np.squeeze(fits.getdata(file))[keep]
    digest = combined_sha256(f"{file.name} {file_sha256(file)}" for file in named)
    axes = {"age_gyr": np.array(ages), "mh": np.array(mets)}
    grid = _grid(wave[keep], lum, axes, f"MILES site, {series[0]}", digest)
    if series[0].startswith("M"):
        grid = replace(grid, name="miles", lsf_fwhm_aa=np.full(grid.n_wave, 2.51))
    return grid, next(iter(named.values())).imf


def _fits_wave(file: Path) -> np.ndarray:
    header = fits.getheader(file)
    missing = {"CRVAL1", "CDELT1", "NAXIS1"} - set(header)
    if missing:
        raise ValueError(f"{file.name} has no {', '.join(sorted(missing))}: not a MILES spectrum")
    pixel = np.arange(header["NAXIS1"]) + 1 - header.get("CRPIX1", 1.0)
    return header["CRVAL1"] + header["CDELT1"] * pixel


def _read_masses(table: Path, imf: str | None, grid: SSPGrid) -> np.ndarray:
    if imf is None:
        raise ValueError("the IMF is not in the file's name: pass imf=, for example 'bi1.30'")
    with table.open(encoding="utf-8") as lines:
        columns = next(lines).split()
        if columns[:1] != ["model"] or "M(*+remn)" not in columns:
            raise ValueError(f"{table.name} has columns {columns}, expected model ... M(*+remn)")
        masses = {}
        for values in filter(None, map(str.split, lines)):
            name = EMilesName.parse(values[0])
            if name is not None and name.imf == imf:
                masses[name.mh, name.age_gyr] = float(values[columns.index("M(*+remn)")])
    wanted = [[(round(mh, 2), round(age, 4)) for age in grid.age_gyr] for mh in grid.mh]
    missing = [key for row in wanted for key in row if key not in masses]
    if missing:
        raise ValueError(
            f"{table.name} has no {imf} row for {len(missing)} populations, the first at "
            f"[M/H] {missing[0][0]:+.2f}, {missing[0][1]} Gyr"
        )
    return np.array([[masses[key] for key in row] for row in wanted])


def _grid(
    wave_aa: np.ndarray, lum: np.ndarray, axes: dict[str, np.ndarray], source: str, sha256: str
) -> SSPGrid:
    lum, note = extend_red(wave_aa, lum)
    return SSPGrid(
        wave_aa=wave_aa,
        lum=lum,
        mass_alive=np.full(lum.shape[:2], np.nan),
        mass_kind="stars+remnants",
        lsf_fwhm_aa=emiles_fwhm_aa(wave_aa),
        name="emiles",
        source=source + note,
        sha256=sha256,
        **axes,
    )
