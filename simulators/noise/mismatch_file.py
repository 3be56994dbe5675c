"""Measured template mismatch in a small HDF5 file.

Data set ``modes`` (n_mode, n_pix + n_band, relative); attributes ``format``, ``library``,
``other``, ``explained``, ``n_histories``, and ``instrument`` as JSON: wavelengths and bands of the
modes.
"""

from __future__ import annotations

import json
import os
from importlib import resources
from pathlib import Path

import h5py
import torch

from simulators.files.hdf5_format import new_hdf5
from simulators.instruments.instrument import Instrument
from simulators.noise.mismatch import TemplateMismatch

_FORMAT = "asfh-template-mismatch 1"


def write_mismatch(
    mismatch: TemplateMismatch, instrument: Instrument, path: str | os.PathLike[str]
) -> Path:
    """Write a mismatch; an existing file is replaced, and only by a complete one.

    Parameters
    ----------
    mismatch
        What to write.
    instrument
        The wavelengths and bands of its modes.
    path
        File.

    Returns
    -------
    Path
        The file.
    """
    with new_hdf5(path) as file:
        data = file.create_dataset("modes", data=mismatch.modes.cpu().numpy())
        data.attrs["units"] = "1"
        file.attrs.update(
            format=_FORMAT,
            library=mismatch.library,
            other=mismatch.other,
            explained=mismatch.explained,
            n_histories=mismatch.n_histories,
            instrument=json.dumps(instrument.to_dict()),
        )
    return Path(path)


def read_mismatch(path: str | os.PathLike[str], instrument: Instrument) -> TemplateMismatch:
    """Read a mismatch, from a file or by the name of one that the package carries.

    Parameters
    ----------
    path
        File from `write_mismatch`, or a name such as ``bc03-emiles``.
    instrument
        What it will be used for.

    Returns
    -------
    TemplateMismatch
        On the CPU.

    Raises
    ------
    FileNotFoundError
        If there is neither such a file nor such a name.
    ValueError
        If it is of another format, or its wavelengths or bands are not those of `instrument`.
    """
    path = _find(Path(path))
    try:
        with h5py.File(path, "r") as file:
            found = file.attrs.get("format")
            if found != _FORMAT:
                raise ValueError(f"{path.name} has format {found!r}, expected {_FORMAT!r}")
            own = Instrument.from_dict(json.loads(file.attrs["instrument"]))
            modes = torch.from_numpy(file["modes"][...])
            text = {n: str(file.attrs[n]) for n in ("library", "other")}
            explained, n_histories = float(file.attrs["explained"]), int(file.attrs["n_histories"])
    except (OSError, KeyError) as error:
        raise ValueError(f"{path.name} is not a template mismatch ({error})") from error
    if (own.grid, own.bands) != (instrument.grid, instrument.bands):
        raise ValueError(
            f"{path.name} was measured for instrument {own.name!r}, whose wavelengths or bands are "
            f"not those of {instrument.name!r}: measure it with that one"
        )
    return TemplateMismatch(modes=modes, explained=explained, n_histories=n_histories, **text)


def _find(path: Path) -> Path:
    """The file, or the one of that name in the package."""
    folder = Path(str(resources.files("simulators.noise") / "template_mismatches"))
    carried = folder / f"{path.name}.h5"
    if path.is_file() or not carried.is_file():
        carried = path
    if not carried.is_file():
        names = ", ".join(sorted(file.stem for file in folder.glob("*.h5")))
        raise FileNotFoundError(
            f"no template mismatch at {path}, and none of that name ({names}): measure one with "
            "`amortized-sfh mismatch`"
        )
    return carried
