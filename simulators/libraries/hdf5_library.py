"""SSP libraries in the HDF5 format of this package: write any grid once, read it anywhere.

Use `write_hdf5_library` to keep a converted, spliced or cut library, and as the target format for a
library that has no reader here. Specification, version 1; all data sets are required:

================ ===================== ======================= ===================================
data set         shape                 ``units``               content
================ ===================== ======================= ===================================
``wave_aa``      (n_wave,)             ``Angstrom``            wavelengths in air, increasing
``age_gyr``      (n_age,)              ``Gyr``                 ages, increasing, the first may be 0
``mh``           (n_met,)              ``dex``                 log10(Z/Z_sun), increasing
``lum``          (n_met, n_age,        ``Lsun/(Angstrom        luminosity per mass formed, >= 0
                 n_wave)               Msun)``
``mass_alive``   (n_met, n_age)        ``1``                   surviving mass per mass formed or NaN
``lsf_fwhm_aa``  (n_wave,)             ``Angstrom``            FWHM of the line-spread function
================ ===================== ======================= ===================================

Attributes of the root: ``format`` = ``asfh-ssp-library``, ``schema_version`` = 1, ``medium`` =
``air``, ``mass_kind`` (``stars`` or ``stars+remnants``), ``name``, ``source`` (provenance in words)
and ``sha256`` (of the original files; optional: without it the file's own is taken).
Floats may have any width. A file is written beside its place and moved there when complete; the
same grid makes the same data, and no time stamp is stored.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import cast

import h5py
import numpy as np

from simulators.files.checksum import file_sha256
from simulators.files.hdf5_format import HDF5Format
from simulators.populations.ssp_grid import MassKind, SSPGrid

_FORMAT = HDF5Format(
    name="asfh-ssp-library",
    version=1,
    attributes=("mass_kind", "name", "source"),
    units={
        "wave_aa": "Angstrom",
        "age_gyr": "Gyr",
        "mh": "dex",
        "lum": "Lsun/(Angstrom Msun)",
        "mass_alive": "1",
        "lsf_fwhm_aa": "Angstrom",
    },
)


def write_hdf5_library(grid: SSPGrid, path: str | os.PathLike[str]) -> Path:
    """Write a grid to an HDF5 file.

    Parameters
    ----------
    grid : SSPGrid
        Library to write, in the precision of its arrays.
    path : path
        Name of the HDF5 file; an existing file is replaced.

    Returns
    -------
    Path
        Path of the file written.
    """
    attributes = {name: getattr(grid, name) for name in (*_FORMAT.attributes, "sha256")}
    return _FORMAT.write(path, attributes, {name: getattr(grid, name) for name in _FORMAT.units})


def read_hdf5_library(path: str | os.PathLike[str]) -> SSPGrid:
    """Read a grid from an HDF5 file.

    Parameters
    ----------
    path : path
        HDF5 file in the format that `write_hdf5_library` writes.

    Returns
    -------
    SSPGrid
        The library, in the precision of the file.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is not of this format, of another version, or breaks the specification.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"no SSP library file at {path}")
    if not h5py.is_hdf5(path):
        raise ValueError(
            f"{path.name} is not an HDF5 file; expected one made by write_hdf5_library"
        )
    attributes, arrays = _FORMAT.read(path)
    return SSPGrid(
        mass_kind=cast("MassKind", str(attributes["mass_kind"])),  # SSPGrid refuses other words
        name=str(attributes["name"]),
        source=str(attributes["source"]),
        sha256=str(attributes.get("sha256", "")) or file_sha256(path),
        **{name: _machine_floats(values) for name, values in arrays.items()},
    )


def _machine_floats(values: np.ndarray) -> np.ndarray:
    """Convert to the byte order of this machine; half precision and integers become float64."""
    return values.astype(np.float32 if values.dtype.itemsize == 4 else np.float64)
