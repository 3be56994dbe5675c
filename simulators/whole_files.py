"""Files that appear under their names only when they are complete."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["whole_file"]


@contextmanager
def whole_file(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a file its name when it has been written, and leave nothing behind when that fails.

    Parameters
    ----------
    path
        Where to; an existing file is replaced.

    Yields
    ------
    Path
        Where to write: a hidden file beside it, whose suffix says nothing of its format.
    """
    path = Path(path)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
