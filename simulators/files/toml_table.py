"""Frozen dataclasses as TOML files: every key known, every value of its type.

Use `read_table` for a file whose keys are the fields of a dataclass, and `to_toml` for the
inverse. What a field may hold is read off its annotation: numbers, texts, paths, choices
(`Literal`), tuples of them, further dataclasses (tables inside the table), and ``dict[str, ...]``
of any of these (tables with free keys). Errors name the file and the line.
"""

from __future__ import annotations

import json
import math
import os
import re
import types
from collections.abc import Collection, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import (
    Any,
    Literal,
    NamedTuple,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

from simulators.files.toml_lines import TomlLines, read_toml

_T = TypeVar("_T")
_NAMES = {
    float: "a number",
    int: "a whole number",
    bool: "true or false",
    str: "a text",
    Path: "the name of a file",
}
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


def read_table(kind: type[_T], path: str | os.PathLike[str]) -> _T:
    """Read a TOML file as a dataclass.

    Parameters
    ----------
    kind
        A dataclass whose fields are the keys of the file.
    path
        Name of the TOML file.

    Returns
    -------
    dataclass
        An instance of `kind`.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is no TOML, or is refused by `fill`; the message names file and line.
    """
    table, lines = read_toml(path)
    return fill(kind, table, str(path), lines)


def fill(
    kind: type[_T], table: Mapping[str, Any], where: str, lines: TomlLines | None = None
) -> _T:
    """Make a dataclass of a table.

    Parameters
    ----------
    kind
        A dataclass; fields without a default are required. A field that is a dataclass itself takes
        a table.
    table
        Keys and values, as `tomllib` reads them.
    where
        Name of the file for error messages; empty if the values come from no file.
    lines
        Line number of each key, see `read_toml`; without them messages name no line.

    Returns
    -------
    dataclass
        An instance of `kind`.

    Raises
    ------
    ValueError
        If a key is unknown (the message has the nearest known one) or missing, or a value has
        another type than its field or is refused by `kind`.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True, kw_only=True)
    ... class Pixels:
    ...     step_aa: float = 1.25
    >>> fill(Pixels, {"step_aa": 2}, "survey.toml")
    Pixels(step_aa=2.0)
    >>> fill(Pixels, {"step": 2}, "survey.toml")
    Traceback (most recent call last):
    ValueError: survey.toml: unknown key 'step'; did you mean 'step_aa'? Expected one of step_aa
    """
    return _fill(kind, table, _Place(where, lines or {}))


def nearest(name: str, known: Collection[str]) -> str:
    """Return what to say of a name that is not known: the nearest one, and all of them.

    Parameters
    ----------
    name
        The name that was given.
    known
        The names that are allowed.

    Returns
    -------
    str
        The end of a sentence, from its semicolon on.

    Examples
    --------
    >>> nearest("step_a", ["start_aa", "step_aa"])
    "; did you mean 'step_aa'? Expected one of start_aa, step_aa"
    """
    close = get_close_matches(name, list(known), n=1)
    hint = f"; did you mean {close[0]!r}? Expected" if close else "; expected"
    return f"{hint} one of {', '.join(known)}"


def to_toml(value: Any) -> str:
    """Return a dataclass as the text of a TOML file.

    Every field is written, defaults too, but for None and empty collections: these are left out,
    since reading gives them back where they are the default. An empty collection that is not the
    default of its field is written as such.

    Parameters
    ----------
    value
        Dataclass of numbers, texts, paths, tuples of them, further dataclasses, and dictionaries.

    Returns
    -------
    str
        TOML; `fill` makes an equal dataclass of it.

    Raises
    ------
    ValueError
        If a field holds what cannot be written: a number that is not finite, None where that is
        not the default, or another type.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True, kw_only=True)
    ... class Pixels:
    ...     step_aa: float = 1.25
    ...     medium: str | None = None
    ...     ranges_aa: tuple[tuple[float, float], ...] = ((4750.0, 9350.0),)
    >>> print(to_toml(Pixels()), end="")
    step_aa = 1.25
    ranges_aa = [[4750.0, 9350.0]]
    """
    return "\n".join(_table_lines(value, ())).lstrip("\n") + "\n"


class _Place(NamedTuple):
    """A table or key of a file, and how messages call it."""

    where: str
    lines: TomlLines
    path: tuple[str, ...] = ()

    def key(self, name: str) -> _Place:
        """A key of this table."""
        return self._replace(path=(*self.path, name))

    @property
    def file(self) -> str:
        """File and line."""
        line = self.lines.get(self.path) if self.where else None
        return self.where if line is None else f"{self.where}, line {line}"

    @property
    def table(self) -> str:
        """The table as it is written in the file; empty outside all tables."""
        return f"[{_dotted(self.path)}]" if self.path else ""

    @property
    def prefix(self) -> str:
        """File, line and table, with a colon; of values from no file only a table in a table."""
        names = [self.file, self.table if self.where or len(self.path) > 1 else ""]
        text = ", ".join(name for name in names if name)
        return f"{text}: " if text else ""

    def wrong(self, value: Any, expected: str) -> ValueError:
        """The error for the value of this key; `expected` ends the sentence."""
        outer = self._replace(path=self.path[:-1]).table
        names = ", ".join(name for name in (self.file, outer) if name)
        return ValueError(f"{names}{': ' if names else ''}{self.path[-1]} is {value!r}{expected}")


def _fill(kind: type[Any], table: Mapping[str, Any], place: _Place) -> Any:
    """A table as a dataclass."""
    known = {field.name: field for field in fields(kind) if field.init}
    for name in table:
        if name not in known:
            file, inside = place.key(name).file, f" in {place.table}" if place.path else ""
            raise ValueError(
                f"{file}{': ' if file else ''}unknown key {name!r}{inside}{nearest(name, known)}"
            )
    for name, field in known.items():
        if name not in table and _default(field) is MISSING:
            owner = ", ".join(part for part in (place.file, place.table) if part) or kind.__name__
            raise ValueError(f"{owner} has no {name!r}: add it")
    hints = get_type_hints(kind)
    values = {name: _convert(v, hints[name], place.key(name)) for name, v in table.items()}
    try:
        return kind(**values)
    except ValueError as error:
        raise ValueError(f"{place.prefix}{error}") from error


def _convert(value: Any, hint: Any, place: _Place) -> Any:
    """A TOML value as its field wants it."""
    if get_origin(hint) in (Union, types.UnionType):
        hint = next(option for option in get_args(hint) if option is not type(None))
    if is_dataclass(hint) or get_origin(hint) is dict:
        if not isinstance(value, Mapping):
            raise place.wrong(value, f"; expected a table {place.table}")
        if is_dataclass(hint):
            return _fill(hint, value, place)  # type: ignore[arg-type]
        return {key: _convert(v, get_args(hint)[1], place.key(key)) for key, v in value.items()}
    if get_origin(hint) is tuple:
        return _convert_tuple(value, get_args(hint), place)
    if get_origin(hint) is Literal:
        if value in get_args(hint):
            return value
        raise place.wrong(value, nearest(str(value), get_args(hint)))
    return _convert_single(value, hint, place)


def _convert_single(value: Any, hint: Any, place: _Place) -> Any:
    """A number, text or path."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if hint is float:
        if is_number and math.isfinite(value):
            return float(value)
    elif hint is Path:
        if isinstance(value, str | Path):
            return Path(value)
    elif isinstance(value, hint) and (hint is not int or is_number):
        return value
    raise place.wrong(value, f"; expected {_NAMES[hint]}")


def _convert_tuple(value: Any, hints: tuple[Any, ...], place: _Place) -> tuple[Any, ...]:
    """A TOML array as a tuple, of any or of a fixed length."""
    if not isinstance(value, list | tuple):
        raise place.wrong(value, "; expected a list")
    if hints[-1] is Ellipsis:
        return tuple(_convert(item, hints[0], place) for item in value)
    if len(value) != len(hints):
        raise place.wrong(value, f"; expected {len(hints)} values")
    return tuple(_convert(item, hint, place) for item, hint in zip(value, hints, strict=True))


def _default(field: Field[Any]) -> Any:
    """Default value of a field, or `MISSING`."""
    return field.default if field.default_factory is MISSING else field.default_factory()


def _table_lines(value: Any, path: tuple[str, ...]) -> list[str]:
    """Lines of a dataclass or dictionary: its own keys, then the tables inside it."""
    if is_dataclass(value):
        # the fields of a base class come after those that the class itself declares
        declared = type(value).__annotations__
        known = sorted(fields(value), key=lambda field: field.name not in declared)
        items = [(f.name, getattr(value, f.name), _default(f)) for f in known if f.init]
    else:
        items = [(str(key), inner, MISSING) for key, inner in value.items()]
    own: list[str] = []
    tables: list[str] = []
    for key, inner, default in items:
        place = (*path, key)
        is_empty = inner is None or (isinstance(inner, tuple | list | Mapping) and not inner)
        if is_empty and inner == default:
            continue
        if is_dataclass(inner) or isinstance(inner, Mapping):
            lines = _table_lines(inner, place)
            needs_header = not lines or not lines[0].startswith("\n[")
            if lines or inner != default:
                header = [f"\n[{_dotted(place)}]"] if needs_header else []
                tables += [*header, *lines]
        else:
            own.append(f"{_key(key)} = {_plain(inner, place)}")
    return own + tables


def _plain(value: Any, path: tuple[str, ...]) -> str:
    """A value that is no table, as TOML writes it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return int.__repr__(value)
    if isinstance(value, float) and math.isfinite(value):
        return float.__repr__(value)
    if isinstance(value, str | Path):
        # JSON escapes as TOML does, but for one character.
        return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, tuple | list):
        return f"[{', '.join(_plain(item, path) for item in value)}]"
    raise ValueError(
        f"{_dotted(path)} is {value!r}; expected a finite number, a text, a path or a tuple of "
        "them: nothing else can be written as TOML"
    )


def _key(name: str) -> str:
    """A key as TOML writes it, with quotes where it needs them."""
    return name if _BARE_KEY.fullmatch(name) else _plain(name, ())


def _dotted(path: tuple[str, ...]) -> str:
    """A key inside tables as TOML writes it."""
    return ".".join(_key(name) for name in path)
