"""Population files of pPXF: ``spectra_emiles_9.0.npz``, ``spectra_fsps_9.0.npz``, GALAXEV, XSL, ...

Use `read_ppxf_npz` for any of them. The layout, as pPXF documents it: ``templates`` (n_wave, n_age,
n_met) in L_sun/AA per M_sun formed, ``lam`` (n_wave,) and ``fwhm`` (n_wave, or a number) in AA,
``ages`` (n_age,) in Gyr, ``metals`` (n_met,) [M/H] in dex, ``masses`` (n_age, n_met) in stars and
remnants per M_sun formed. The files do not say whether wavelengths are in air (E-MILES) or in
vacuum (the others): it is measured, see `simulators.libraries.air_or_vacuum`.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from simulators.files.checksum import file_sha256
from simulators.libraries.air_or_vacuum import Medium, measured_medium
from simulators.libraries.red_extension import extend_red
from simulators.populations.ssp_grid import SSPGrid, axis_slice
from simulators.wavelengths.air import vacuum_to_air

_KEYS = ("templates", "lam", "fwhm", "ages", "metals", "masses")


def read_ppxf_npz(
    path: str | os.PathLike[str],
    *,
    medium: Medium | Literal["measured"] = "measured",
    wave_range_aa: tuple[float, float] = (1200.0, 11000.0),
) -> SSPGrid:
    """Read a population file of pPXF.

    Parameters
    ----------
    path : path
        Population file of pPXF, ending in ``.npz``.
    medium : {"measured", "air", "vacuum"}
        Medium of the file's wavelengths; measured on absorption lines by default. Vacuum
        wavelengths are converted, the spectra are not resampled.
    wave_range_aa : (float, float)
        Shortest and longest wavelength to keep, Angstrom.

    Returns
    -------
    SSPGrid
        Luminosities in float32; the name is the file's, without ``spectra_``.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If keys are missing, shapes disagree, or the medium cannot be told.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"no pPXF population file at {path}")
    if medium not in (*get_args(Medium), "measured"):
        raise ValueError(f"medium is {medium!r}, expected 'measured', 'air' or 'vacuum'")
    with np.load(path) as data:
        missing = sorted(set(_KEYS) - set(data.files))
        if missing:
            raise ValueError(
                f"{path.name} has keys {sorted(data.files)} and lacks {missing}; expected "
                f"{list(_KEYS)} (pPXF), or wave, age_gyr, mh, flux (packed E-MILES)"
            )
        arrays = {key: np.asarray(data[key]) for key in _KEYS}
    wave = arrays["lam"].astype(np.float64)
    keep = axis_slice("wave_aa", wave, wave_range_aa)
    fwhm = np.broadcast_to(arrays["fwhm"].astype(np.float64), wave.shape)
    expected = (wave.size, arrays["ages"].size, arrays["metals"].size)
    if arrays["templates"].shape != expected or arrays["masses"].shape != expected[1:]:
        raise ValueError(
            f"{path.name}: templates {arrays['templates'].shape} and masses "
            f"{arrays['masses'].shape}, expected {expected} and {expected[1:]}"
        )
    grid = _grid(path, arrays, wave[keep], keep, fwhm[keep])
    found = measured_medium(grid) if medium == "measured" else medium
    if found == "air":
        return grid
    return _grid(path, arrays, vacuum_to_air(wave[keep]), keep, fwhm[keep])


def _grid(
    path: Path, arrays: dict[str, np.ndarray], wave_aa: np.ndarray, keep: slice, fwhm: np.ndarray
) -> SSPGrid:
    lum = np.transpose(arrays["templates"][keep], (2, 1, 0))
    lum, note = extend_red(wave_aa, np.ascontiguousarray(lum, dtype=np.float32))
    return SSPGrid(
        wave_aa=wave_aa,
        age_gyr=arrays["ages"].astype(np.float64),
        mh=arrays["metals"].astype(np.float64),
        lum=lum,
        mass_alive=arrays["masses"].T.astype(np.float64),
        mass_kind="stars+remnants",
        lsf_fwhm_aa=np.ascontiguousarray(fwhm),
        name=path.stem.removeprefix("spectra_"),
        source=f"pPXF file {path.name}{note}",
        sha256=file_sha256(path),
    )
