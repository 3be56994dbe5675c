"""Requests as TOML files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from amortized_sfh._version import __version__

_Request = TypeVar("_Request")


def read_request(kind: type[_Request], path: str | Path) -> _Request:
    """Read a request from a TOML file.

    Parameters
    ----------
    kind
        Class of the request; its fields are the keys of the file, nested ones are tables.
    path
        Name of the TOML file.

    Returns
    -------
    request
        An instance of `kind`.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is no TOML, a key is unknown or missing, or a value is refused: the message
        names the file and, where it can be found, the line.
    """
    from simulators.files.toml_table import read_table

    return read_table(kind, Path(path))


def write_request(request: Any, path: str | Path) -> Path:
    """Write a request as a TOML file, from which the run can be repeated.

    Parameters
    ----------
    request
        An instance of any request. Whether existing products are replaced is not kept: a run that
        is repeated must say so anew.
    path
        Name of the file; an existing one is replaced.

    Returns
    -------
    Path
        The file that was written.
    """
    from simulators.files.toml_table import to_toml
    from simulators.files.whole_files import whole_file

    if hasattr(request, "overwrite"):
        request = replace(request, overwrite=False)
    text = f"# {type(request).__name__} of amortized-sfh {__version__}\n{to_toml(request)}"
    with whole_file(path) as partial:
        partial.write_text(text, "utf-8")
    return Path(path)
