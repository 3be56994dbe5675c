"""Files that appear under their names only when they are complete."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def whole_file(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a file its name when it has been written, and leave nothing behind when that fails.

    Parameters
    ----------
    path
        Name of the file; an existing one is replaced.

    Yields
    ------
    Path
        Hidden file beside it to write to, whose suffix says nothing of its format.
    """
    path = Path(path)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def check_output(path: str | Path, overwrite: bool = False) -> Path:
    """Return the path of an output that may be written; call it before a long run.

    Parameters
    ----------
    path
        Name of the file that is going to be written.
    overwrite
        If true, the file may exist.

    Returns
    -------
    Path
        Name of the file, as a path.

    Raises
    ------
    FileExistsError
        If the file exists and may not be overwritten.
    FileNotFoundError
        If its folder does not exist.
    """
    path = Path(path)
    if path.is_dir():
        raise FileExistsError(f"{path} is a folder; give the name of a file")
    if path.exists() and not overwrite:
        raise FileExistsError(
            f"{path} exists and is kept; add --overwrite (in Python overwrite=True) to replace it"
        )
    if not path.parent.is_dir():
        raise FileNotFoundError(f"no such folder: {path.parent}; create it first")
    return path
