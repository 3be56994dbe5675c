"""TOML files with the line of each key, which `tomllib` does not keep."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

#: Line number of each key of a TOML file; a key inside tables is ``("table", "inner", "key")``.
TomlLines: TypeAlias = Mapping[tuple[str, ...], int]


def read_toml(path: str | os.PathLike[str]) -> tuple[dict[str, Any], TomlLines]:
    """Read a TOML file, and find the line of each of its keys.

    Parameters
    ----------
    path
        Name of the TOML file.

    Returns
    -------
    table : dict
        Content of the file, as `tomllib` reads it.
    lines : mapping of tuple to int
        Line number of each key, from 1.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is no TOML.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f"no such file: {path}")
    return parse_toml(Path(path).read_text("utf-8"), str(path))


def parse_toml(text: str, where: str) -> tuple[dict[str, Any], TomlLines]:
    r"""Read the text of a TOML file, and find the line of each of its keys.

    Parameters
    ----------
    text
        Content of the file.
    where
        Name of the file for error messages.

    Returns
    -------
    table : dict
        Content of the file, as `tomllib` reads it.
    lines : mapping of tuple to int
        Line number of each key, from 1.

    Raises
    ------
    ValueError
        If the text is no TOML.

    Examples
    --------
    >>> parse_toml("[redshift]\nmax = 0.1", "survey.toml")[1]
    {('redshift',): 1, ('redshift', 'max'): 2}
    """
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{where} is no TOML file: {error}") from error
    return table, _line_numbers(text)


def _line_numbers(text: str) -> dict[tuple[str, ...], int]:
    """Line of every key of a text that is TOML.

    `tomllib` keeps no lines. But each statement, which may span several lines, is TOML by itself,
    and no shorter part of it is: lines are joined until they are.
    """
    found: dict[tuple[str, ...], int] = {}
    table: tuple[str, ...] = ()
    statement, first = "", 1
    for number, line in enumerate(text.split("\n"), start=1):
        statement, first = (statement + "\n" + line, first) if statement else (line, number)
        try:
            content = tomllib.loads(statement)
        except tomllib.TOMLDecodeError:
            continue
        is_header = statement.lstrip().startswith("[")
        _note_lines(content, () if is_header else table, first, found)
        table = _last_key(content) if is_header else table
        statement = ""
    return found


def _last_key(header: Mapping[str, Any]) -> tuple[str, ...]:
    """The keys of a header such as ``[a.b]`` or ``[[a.b]]``, as it is read by itself."""
    path: tuple[str, ...] = ()
    inner: Any = header
    while inner:
        (key, inner), *_ = inner.items()
        inner = inner[0] if isinstance(inner, list) else inner
        path = (*path, key)
    return path


def _note_lines(
    content: Mapping[str, Any],
    path: tuple[str, ...],
    line: int,
    found: dict[tuple[str, ...], int],
) -> None:
    """Note the line of all keys that are not known yet, in tables too."""
    for key, value in content.items():
        found.setdefault((*path, key), line)
        if isinstance(value, dict):
            _note_lines(value, (*path, key), line, found)
