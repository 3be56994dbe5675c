"""HDF5 files with a specification: written whole or not at all, checked before they are read."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from simulators.files.whole_files import whole_file

_PACK_ABOVE = 64


@contextmanager
def new_hdf5(path: str | os.PathLike[str]) -> Iterator[h5py.File]:
    """Open a new HDF5 file that appears under its name only when it is complete.

    Parameters
    ----------
    path
        Name of the file; an existing one is replaced.

    Yields
    ------
    h5py.File
        Open, empty file to be filled.
    """
    with whole_file(path) as partial, h5py.File(partial, "w") as file:
        yield file


@dataclass(frozen=True, kw_only=True)
class HDF5Format:
    """Specification of the HDF5 files of one kind; wavelengths in them are those of air.

    Parameters
    ----------
    name
        Value of the attribute `format` of a file.
    version
        Value of the attribute `schema_version` of a file.
    attributes
        Further attributes that a file must have.
    units
        Data sets that a file must have, and the value of the attribute `units` of each.
    """

    name: str
    version: int
    attributes: tuple[str, ...]
    units: Mapping[str, str]

    @property
    def _head(self) -> dict[str, str | int]:
        """Attributes that every file has, with their values."""
        return {"format": self.name, "schema_version": self.version, "medium": "air"}

    def write(
        self,
        path: str | os.PathLike[str],
        attributes: Mapping[str, object],
        arrays: Mapping[str, np.ndarray],
    ) -> Path:
        """Write a file; an existing one is replaced, and only by a complete one.

        Parameters
        ----------
        path
            Name of the file.
        attributes
            Values of at least the attributes of the format.
        arrays
            Values of its data sets, in the precision that they are to have.

        Returns
        -------
        Path
            Name of the file that was written.
        """
        with new_hdf5(path) as file:
            file.attrs.update({**self._head, **attributes})
            for key, units in self.units.items():
                large = arrays[key].size > _PACK_ABOVE
                packed = {"compression": "gzip", "shuffle": True} if large else {}
                file.create_dataset(key, data=arrays[key], **packed).attrs["units"] = units
        return Path(path)

    def read(self, path: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """Read a file that keeps the format.

        Parameters
        ----------
        path
            Name of the file.

        Returns
        -------
        attributes : dict
            All its attributes, of the format and beyond it.
        arrays : dict of str to ndarray
            Data sets of the format, in the precision of the file.

        Raises
        ------
        OSError
            If the file is no HDF5 or incomplete.
        ValueError
            If it is of another format or version, lacks something, or has other units.
        """
        with h5py.File(path, "r") as file:
            self._check(file, path.name)
            return dict(file.attrs), {key: file[key][...] for key in self.units}

    def _check(self, file: h5py.File, name: str) -> None:
        """Raise ValueError if an open file does not keep the format."""
        for key, value in self._head.items():
            found = file.attrs.get(key)
            if found != value:
                raise ValueError(f"{name}: attribute {key} is {found!r}, expected {value!r}")
        missing = [key for key in self.attributes if key not in file.attrs]
        missing += [key for key in self.units if key not in file]
        if missing:
            raise ValueError(f"{name} lacks {', '.join(missing)}: see the format's specification")
        for key, units in self.units.items():
            found = file[key].attrs.get("units")
            if found != units:
                raise ValueError(f"{name}: data set {key} has units {found!r}, expected {units!r}")
