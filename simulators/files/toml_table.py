"""Tables of a TOML file as frozen dataclasses: every key known, every value of its type.

Use `fill` for a table whose keys are the fields of a dataclass. What a field may hold is read off
its annotation: numbers, words, and tuples of them.
"""

from __future__ import annotations

import math
import types
from collections.abc import Collection, Mapping
from dataclasses import MISSING, fields
from difflib import get_close_matches
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

__all__ = ["check_known", "fill", "nearest"]

_T = TypeVar("_T")
_NAMES = {float: "a number", int: "a whole number", bool: "true or false", str: "a text"}


def fill(kind: type[_T], table: Mapping[str, Any], where: str) -> _T:
    """Make a dataclass of a table.

    Parameters
    ----------
    kind
        A dataclass; fields without a default are required.
    table
        As `tomllib` reads it.
    where
        Name of the file and table, for messages.

    Returns
    -------
    dataclass
        Of type `kind`.

    Raises
    ------
    ValueError
        If a key is unknown (the message has the nearest known one) or missing, or a value has
        another type than its field or is refused by `kind`.

    Examples
    --------
    >>> from simulators.instruments.pixels import LinearPixels
    >>> fill(LinearPixels, {"step_aa": 2}, "survey.toml [pixels]").step_aa
    2.0
    """
    known = {field.name: field for field in fields(kind)}  # type: ignore[arg-type]
    check_known(table, known, where)
    for name, field in known.items():
        optional = field.default is not MISSING or field.default_factory is not MISSING
        if name not in table and not optional:
            raise ValueError(f"{where} has no {name!r}: add it")
    hints = get_type_hints(kind)
    values = {name: _convert(v, hints[name], f"{where}: {name}") for name, v in table.items()}
    try:
        return kind(**values)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from error


def check_known(names: Collection[str], known: Collection[str], where: str) -> None:
    """Refuse names that are not known.

    Parameters
    ----------
    names
        As given.
    known
        As allowed.
    where
        For the message.

    Raises
    ------
    ValueError
        If one is not known.
    """
    for name in names:
        if name not in known:
            raise ValueError(f"{where} has an unknown key {name!r}{nearest(name, known)}")


def nearest(name: str, known: Collection[str]) -> str:
    """What to say of a name that is not known: the nearest one, and all of them.

    Parameters
    ----------
    name
        As given.
    known
        As allowed.

    Returns
    -------
    str
        The end of a sentence.

    Examples
    --------
    >>> nearest("step_a", ["start_aa", "step_aa"])
    "; did you mean 'step_aa'? Expected one of start_aa, step_aa"
    """
    close = get_close_matches(name, list(known), n=1)
    hint = f"; did you mean {close[0]!r}? Expected" if close else "; expected"
    return f"{hint} one of {', '.join(known)}"


def _convert(value: Any, hint: Any, where: str) -> Any:
    """A TOML value as its field wants it."""
    if get_origin(hint) in (Union, types.UnionType):
        hint = next(option for option in get_args(hint) if option is not type(None))
    if get_origin(hint) is tuple:
        return _convert_tuple(value, get_args(hint), where)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if hint is float:
        if is_number and math.isfinite(value):
            return float(value)
    elif isinstance(value, hint) and (hint is not int or is_number):
        return value
    raise ValueError(f"{where} is {value!r}; expected {_NAMES[hint]}")


def _convert_tuple(value: Any, hints: tuple[Any, ...], where: str) -> tuple[Any, ...]:
    """A TOML array as a tuple, of any or of a fixed length."""
    if not isinstance(value, list):
        raise ValueError(f"{where} is {value!r}; expected a list")
    if hints[-1] is Ellipsis:
        return tuple(_convert(item, hints[0], where) for item in value)
    if len(value) != len(hints):
        raise ValueError(f"{where} is {value!r}; expected {len(hints)} values")
    return tuple(_convert(item, hint, where) for item, hint in zip(value, hints, strict=True))
