"""A folder of products that appears under its name only when it is complete."""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path


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
    if here and not overwrite:
        raise FileExistsError(
            f"{out} exists and is kept; add --overwrite (in Python overwrite=True) to replace it"
        )
    others = [name for name in here if name not in products]
    if others:
        raise FileExistsError(
            f"{out} holds files that are no products of this command ({', '.join(others[:3])}); "
            "choose another folder"
        )
    parent = out.absolute().parent
    if not parent.is_dir():
        raise FileNotFoundError(f"no such folder: {parent}; create it first")
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
    partial = out.with_name(f".{out.name}.{os.getpid()}.partial")
    replaced = out.with_name(f".{out.name}.{os.getpid()}.replaced")
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
