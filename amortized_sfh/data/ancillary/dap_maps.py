"""Maps of the PHANGS-MUSE data analysis pipeline: its bins, and its stellar kinematics.

A ``<galaxy>_MAPS.fits`` of PHANGS-MUSE DR1 has one image per quantity on the grid of the mosaic:
BIN_ID (the Voronoi bins of the stellar continuum), V_STARS, FORM_ERR_V_STARS, SIGMA_STARS and
FORM_ERR_SIGMA_STARS, and fluxes, velocities and dispersions of emission lines.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from amortized_sfh.data.ancillary.spaxel_maps import read_bin_map
from amortized_sfh.data.files.fits_files import InputFileError, extension_names, open_fits
from simulators.wavelengths.doppler import velocity_from_log_shift

_EXTENSIONS = {
    "velocity_kms": "V_STARS",
    "velocity_error_kms": "FORM_ERR_V_STARS",
    "sigma_kms": "SIGMA_STARS",
    "sigma_error_kms": "FORM_ERR_SIGMA_STARS",
}
_BINS = "BIN_ID"


@dataclass(frozen=True, kw_only=True)
class DapMaps:
    """Bins and stellar kinematics that another pipeline measured in them.

    Parameters
    ----------
    bin_id : ndarray
        Bin of every spaxel, shape (ny, nx), int64, -1 for none.
    velocity_kms, velocity_error_kms : ndarray
        Stellar velocity (c Δλ/λ) relative to the redshift of the galaxy, and its formal error, in
        km/s, shape (ny, nx); NaN where there is none.
    sigma_kms, sigma_error_kms : ndarray
        Stellar velocity dispersion and its formal error in km/s, shape (ny, nx).
    source : str
        Name of the file or folder that the maps come from.

    Raises
    ------
    ValueError
        If the shapes differ.
    """

    bin_id: np.ndarray
    velocity_kms: np.ndarray
    velocity_error_kms: np.ndarray
    sigma_kms: np.ndarray
    sigma_error_kms: np.ndarray
    source: str

    def __post_init__(self) -> None:
        shapes = {f.name: np.shape(getattr(self, f.name)) for f in fields(self)[:-1]}
        if len(set(shapes.values())) > 1 or self.bin_id.ndim != 2:
            raise ValueError(f"{self.source}: maps have the shapes {shapes}; expected one (ny, nx)")


def read_dap_maps(path: str | Path) -> DapMaps:
    """Read bins and stellar kinematics from a MAPS file.

    Parameters
    ----------
    path : str or Path
        The file ``<galaxy>_MAPS.fits`` of PHANGS-MUSE.

    Returns
    -------
    DapMaps
        Velocities brought from pPXF's definition, c ln(1 + Δλ/λ), to c Δλ/λ. They are relative to
        the systemic velocity that PHANGS subtracted: give that as the redshift of the galaxy.

    Raises
    ------
    FileNotFoundError, InputFileError
        If there is no such file, it cannot be read, or an extension is missing: the message lists
        what it holds.
    ValueError
        If the bins are no whole numbers, or none has a spaxel.

    References
    ----------
    Emsellem et al. (2022, A&A 659, A191); velocities: Cappellari (2017, MNRAS 466, 798), eq. 8.
    """
    path = Path(path)
    with open_fits(path) as hdul:
        images = {h.name.upper(): i for i, h in enumerate(hdul) if h.header.get("NAXIS") == 2}
        missing = [name for name in (_BINS, *_EXTENSIONS.values()) if name not in images]
        if missing:
            raise InputFileError(
                f"{path} has no extension {', '.join(missing)}; it holds {extension_names(hdul)}; "
                "expected a MAPS file of the PHANGS-MUSE data analysis pipeline"
            )
        planes = {
            name: np.array(hdul[images[extension]].data, dtype=np.float64)
            for name, extension in _EXTENSIONS.items()
        }
        bins = np.array(hdul[images[_BINS]].data, dtype=np.float64)
    planes["velocity_kms"] = velocity_from_log_shift(planes["velocity_kms"])
    return DapMaps(bin_id=read_bin_map(bins, bins.shape), source=str(path), **planes)
