"""Files that the packages carry, and files that are given by a name or by their path."""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib import resources
from pathlib import Path


def shipped_files(room: str, folder: str, suffix: str) -> dict[str, Path]:
    """List the files of one kind that a room of the packages carries.

    Parameters
    ----------
    room
        Importable name of the room, such as ``simulators.noise``.
    folder
        Folder of the files in the room.
    suffix
        End of the names of the files, such as ``.h5``.

    Returns
    -------
    dict of str to Path
        Path of each file by its name without the suffix, in alphabetical order.
    """
    files = Path(str(resources.files(room) / folder)).glob(f"*{suffix}")
    return {file.name.removesuffix(suffix): file for file in sorted(files)}


def find_file(
    name: str | os.PathLike[str], shipped: Mapping[str, Path], what: str, command: str
) -> Path:
    """Find a file by its path, or one that is shipped by its name.

    Parameters
    ----------
    name
        Path of a file, or a name of `shipped`; a file of that path comes first.
    shipped
        Shipped files, from `shipped_files`.
    what
        Words for such a file in error messages.
    command
        Command of `amortized-sfh` that measures one and writes such a file.

    Returns
    -------
    Path
        Path of the file, which exists.

    Raises
    ------
    FileNotFoundError
        If there is neither such a file nor such a name.
    """
    if Path(name).is_file():
        return Path(name)
    if str(name) not in shipped:
        raise FileNotFoundError(
            f"no {what} {name}: expected one of {', '.join(shipped)}, or a file: measure one with "
            f"`amortized-sfh {command}`"
        )
    return shipped[str(name)]
