"""Files and folders that appear under their names only when they are complete."""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Iterator
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
    partial = _beside(path, "partial")
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
    _check_place(path, path.parent, kept=path.exists() and not overwrite)
    return path


def check_output_folder(
    out: str | Path, products: Collection[str], overwrite: bool = False
) -> Path:
    """Return the path of a folder that may be written; call it before a long run.

    Parameters
    ----------
    out
        Name of the folder.
    products
        Names of everything that is going to be in it.
    overwrite
        If true, an existing folder is replaced. Only one that holds nothing but products is ever
        replaced.

    Returns
    -------
    Path
        Name of the folder, as a path.

    Raises
    ------
    FileExistsError
        If the folder exists and may not be replaced.
    FileNotFoundError
        If the folder that is to hold it does not exist.
    """
    out = Path(out)
    if out.exists() and not out.is_dir():
        raise FileExistsError(f"{out} is a file; give the name of a folder")
    here = sorted(path.name for path in out.iterdir()) if out.is_dir() else []
    _check_place(out, out.absolute().parent, kept=bool(here) and not overwrite)
    others = [name for name in here if name not in products]
    if others:
        raise FileExistsError(
            f"{out} holds files that are no products of this command ({', '.join(others[:3])}); "
            "choose another folder"
        )
    return out


@contextmanager
def output_folder(
    out: str | Path, products: Collection[str], overwrite: bool = False
) -> Iterator[Path]:
    """Write a folder elsewhere and put it in its place at the end.

    Parameters
    ----------
    out, products, overwrite
        Folder, names of its products and permission to replace it, as for `check_output_folder`.

    Yields
    ------
    Path
        An empty folder beside `out` to write into. It becomes `out` when the block ends well, and
        is removed when it fails.

    Raises
    ------
    FileExistsError, FileNotFoundError
        As `check_output_folder`.
    """
    out = check_output_folder(out, products, overwrite).absolute()
    partial, replaced = _beside(out, "partial"), _beside(out, "replaced")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    try:
        yield partial
        check_output_folder(out, products, overwrite)
        if out.exists():
            out.rename(replaced)
        partial.rename(out)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
        shutil.rmtree(replaced, ignore_errors=True)


def _beside(path: Path, word: str) -> Path:
    """Hidden name beside a path that no other process uses."""
    return path.with_name(f".{path.name}.{os.getpid()}.{word}")


def _check_place(path: Path, parent: Path, *, kept: bool) -> None:
    """Refuse an output that would replace what is kept, or whose folder does not exist."""
    if kept:
        raise FileExistsError(
            f"{path} exists and is kept; add --overwrite (in Python overwrite=True) to replace it"
        )
    if not parent.is_dir():
        raise FileNotFoundError(f"no such folder: {parent}; create it first")
