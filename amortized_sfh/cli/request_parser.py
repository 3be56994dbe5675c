"""A command whose words are the fields of a request, which a TOML file may state, too."""

from __future__ import annotations

import argparse
import inspect
import types
from collections.abc import Callable
from dataclasses import MISSING, Field, dataclass, field, fields
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

__all__ = ["RequestParser"]

_Request = TypeVar("_Request")
#: What a parsed command holds beside the fields of its request.
_NOT_FIELDS = ("config", "run", "parse", "command_line")


@dataclass(frozen=True)
class RequestParser(Generic[_Request]):
    """Parser of one command.

    An option is written down by its flag and the key of the request that it states, with a dot
    before the fields of nested tables (``masks.lines_aa``). Its type follows from the annotation of
    that field, and its help from the docstring.

    Parameters
    ----------
    parser
        Parser of the command's words.
    kind
        Class of the request.
    required
        Key of every value without which there is no request, and the word or flag that states it.
    """

    parser: argparse.ArgumentParser
    kind: type[_Request]
    required: dict[str, str] = field(default_factory=dict)
    _readers: dict[str, Callable[[Any], Any]] = field(default_factory=dict)

    @classmethod
    def add(
        cls,
        commands: argparse._SubParsersAction,
        name: str,
        kind: type[_Request],
        text: str,
        example: str,
    ) -> RequestParser[_Request]:
        """Add a command.

        Parameters
        ----------
        commands
            Commands of the program.
        name
            Name of the command.
        kind
            Class of its request.
        text
            One line that says what the command does.
        example
            Words after the program's name that show its use.

        Returns
        -------
        RequestParser
            To which options are to be added.
        """
        parser = commands.add_parser(
            name,
            help=text,
            description=f"{text[0].upper()}{text[1:]}.",
            epilog=f"example:\n  amortized-sfh {name} {example}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
            argument_default=argparse.SUPPRESS,
        )
        parser.add_argument(
            "--config",
            type=Path,
            metavar="FILE.toml",
            help="TOML file of a request, such as the one kept beside the products of an earlier "
            "run; options given here take the place of its values",
        )
        return cls(parser, kind)

    def positional(self, key: str, metavar: str) -> None:
        """Add a word without a flag, which a TOML file may state instead.

        Parameters
        ----------
        key
            Key of the request that the word states.
        metavar
            Name of the word in the help.
        """
        found = _field(self.kind, key)
        if found.default is MISSING:
            self.required[key] = metavar
        self.parser.add_argument(key, nargs="?", metavar=metavar, help=_help(self.kind, key))

    def option(
        self,
        group: argparse._ActionsContainer,
        flag: str,
        key: str,
        metavar: str | None = None,
        *,
        reader: Callable[[Any], Any] | None = None,
        **arguments: Any,
    ) -> None:
        """Add an option.

        Parameters
        ----------
        group
            Group of options that it belongs to.
        flag
            The option as it is written.
        key
            Key of the request that it states.
        metavar
            Name of its value in the help; none for a switch.
        reader
            Turns its words into the plain value that a TOML file would hold, where they are not
            that value themselves.
        arguments
            Arguments of `argparse.ArgumentParser.add_argument` in place of what the field says.
        """
        found = _field(self.kind, key)
        if found.default is MISSING and found.default_factory is MISSING:
            self.required[key] = flag
        if reader is None:
            arguments = _action(self.kind, key, flag) | arguments
        else:
            self._readers[key] = reader
        if metavar is not None:
            arguments["metavar"] = metavar
        group.add_argument(flag, **{"dest": key, "help": _help(self.kind, key), **arguments})

    def request(self, options: argparse.Namespace) -> _Request:
        """Return the request that words and TOML file state.

        Parameters
        ----------
        options
            The words as parsed.

        Returns
        -------
        request
            An instance of `kind`.

        Raises
        ------
        ValueError
            If a word or a value of the file is refused.
        """
        from simulators.files.toml_table import fill, read_toml

        config: Path | None = getattr(options, "config", None)
        table, lines = ({}, None) if config is None else read_toml(config)
        for key, value in vars(options).items():
            if key not in _NOT_FIELDS:
                reader = self._readers.get(key)
                _put(table, key.split("."), value if reader is None else reader(value))
        missing = [word for key, word in self.required.items() if key not in table]
        if missing:
            self.parser.error(f"the following are required: {', '.join(missing)}")
        return fill(self.kind, table, "" if config is None else str(config), lines)


def _owner(kind: type, key: str) -> tuple[type, str]:
    """Class that has the field of a dotted key, and the field's own name."""
    *path, name = key.split(".")
    for part in path:
        kind = get_type_hints(kind)[part]
    return kind, name


def _field(kind: type, key: str) -> Field:
    """Field of a dotted key."""
    kind, name = _owner(kind, key)
    return next(found for found in fields(kind) if found.name == name)


def _action(kind: type, key: str, flag: str) -> dict[str, Any]:
    """Arguments of argparse that follow from the annotation of a field."""
    owner, name = _owner(kind, key)
    hint = get_type_hints(owner)[name]
    optional = get_origin(hint) in (Union, types.UnionType)
    if optional:
        hint = next(option for option in get_args(hint) if option is not type(None))
    if hint is bool:
        if flag.startswith("--no-"):
            return {"action": "store_false"}
        asked = optional or _field(kind, key).default
        return {"action": argparse.BooleanOptionalAction if asked else "store_true"}
    if get_origin(hint) is Literal:
        return {"choices": list(get_args(hint))}
    if get_origin(hint) is tuple:
        return {"type": get_args(hint)[0], "nargs": "+"}
    return {"type": hint} if hint in (int, float) else {}


def _help(kind: type, key: str) -> str:
    """Help of an option: what the docstring says of its field, and the default."""
    owner, name = _owner(kind, key)
    section = (inspect.getdoc(owner) or "").partition("Parameters\n----------\n")[2]
    text, found = [], False
    for line in section.split("\n\n")[0].splitlines():
        if not line.startswith(" "):
            found = name in line.split(", ")
        elif found:
            text.append(line.strip())
    said = " ".join(text).replace("`", "").removesuffix(".").replace("%", "%%")
    said = said.removeprefix("If true, ")
    default = _field(kind, key).default
    if default is MISSING:
        said += " (required)"
    elif isinstance(default, int | float | str) and default is not False and "default" not in said:
        said += f" (default: {'yes' if default is True else default})"
    return said[:1].lower() + said[1:] if said[1:2].islower() else said


def _put(table: dict[str, Any], keys: list[str], value: Any) -> None:
    """Set a value of nested tables; tables given for the same key are joined."""
    *path, last = keys
    for key in path:
        table = table.setdefault(key, {})
    if isinstance(value, dict):
        for key, part in value.items():
            _put(table.setdefault(last, {}), [key], part)
    else:
        table[last] = value
