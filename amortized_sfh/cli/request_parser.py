"""A command whose words are the fields of a request, which a TOML file may state, too."""

from __future__ import annotations

import argparse
import inspect
import types
from collections.abc import Callable
from dataclasses import MISSING, Field, dataclass, field, fields
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

_Request = TypeVar("_Request")
#: What a parsed command holds beside the fields of its request.
_NOT_FIELDS = ("config", "run", "parse", "command_line")


def add_command(
    commands: argparse._SubParsersAction, name: str, text: str, example: str, **arguments: Any
) -> argparse.ArgumentParser:
    """Add a command to the program.

    Parameters
    ----------
    commands
        Commands of the program.
    name
        Name of the command.
    text
        One line that says what the command does.
    example
        Words after the name that show its use.
    arguments
        Further arguments of `argparse.ArgumentParser`.

    Returns
    -------
    argparse.ArgumentParser
        The parser of the command, to which its options are to be added.
    """
    return commands.add_parser(
        name,
        help=text,
        description=f"{text[0].upper()}{text[1:]}.",
        epilog=f"example:\n  amortized-sfh {name} {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        **arguments,
    )


@dataclass(frozen=True)
class RequestParser(Generic[_Request]):
    """Parser of one command.

    An option is written as its flag and the name of its value in the help, ``"--redshift Z"``, or
    as the flag alone if it is a switch. It states a key of the request, whose name is that of the
    flag if nothing else is said: a field, or ``"bins.map"`` for a field of a request inside the
    request. Its type follows from the annotation of that field, and its help from the docstring.

    Parameters
    ----------
    parser
        Parser of the command's words.
    kind
        Class of the request.
    """

    parser: argparse.ArgumentParser
    kind: type[_Request]
    _required: dict[str, str] = field(default_factory=dict)
    _readers: dict[str, Callable[[Any], Any]] = field(default_factory=dict)

    @classmethod
    def add(
        cls,
        commands: argparse._SubParsersAction,
        name: str,
        kind: type[_Request],
        run: Callable[[_Request, str], object],
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
        run
            Does what a request asks for; its second argument is the command line as one text.
        text
            One line that says what the command does.
        example
            Words after the name that show its use.

        Returns
        -------
        RequestParser
            To which options are to be added.
        """
        parser = add_command(commands, name, text, example, argument_default=argparse.SUPPRESS)
        parser.add_argument(
            "--config",
            type=Path,
            metavar="FILE.toml",
            help="TOML file of a request, such as the one kept beside the products of an earlier "
            "run; options given here take the place of its values",
        )
        command = cls(parser, kind)
        parser.set_defaults(
            parse=command.request,
            run=lambda options: run(command.request(options), options.command_line),
        )
        return command

    def positional(self, key: str, metavar: str) -> None:
        """Add a word without a flag, which a TOML file may state instead.

        Parameters
        ----------
        key
            Key of the request that the word states.
        metavar
            Name of the word in the help.
        """
        owner, found, _ = _find(self.kind, key)
        if found.default is MISSING:
            self._required[key] = metavar
        self.parser.add_argument(key, nargs="?", metavar=metavar, help=_help(owner, found))

    def group(self, title: str, *options: str) -> argparse._ArgumentGroup:
        """Add a group of options.

        Parameters
        ----------
        title
            Heading of the group in the help.
        options
            Options whose keys have the names of their flags.

        Returns
        -------
        argparse group
            The group, for more of its kind.
        """
        group = self.parser.add_argument_group(title)
        for words in options:
            self.option(group, words)
        return group

    def option(
        self,
        group: argparse._ActionsContainer,
        words: str,
        key: str | None = None,
        *,
        reader: Callable[[Any], Any] | None = None,
        **arguments: Any,
    ) -> None:
        """Add an option.

        Parameters
        ----------
        group
            Group of options that it belongs to.
        words
            The option as it is written, with the name of its value if it is no switch.
        key
            Key of the request that it states; by default it has the name of the flag.
        reader
            Turns its words into the plain value that a TOML file would hold, where they are not
            that value themselves.
        arguments
            Arguments of `argparse.ArgumentParser.add_argument` in place of what the field says.
        """
        flag, _, metavar = words.partition(" ")
        key = key or flag[2:].replace("-", "_")
        owner, found, hint = _find(self.kind, key)
        if found.default is MISSING and found.default_factory is MISSING:
            self._required[key] = flag
        stated = {"dest": key, "help": _help(owner, found)}
        if reader is None:
            stated |= _action(flag, hint, found.default)
        else:
            self._readers[key] = reader
        if metavar:
            stated["metavar"] = metavar
        group.add_argument(flag, **(stated | arguments))

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
        from simulators.files.toml_lines import read_toml
        from simulators.files.toml_table import fill

        config: Path | None = getattr(options, "config", None)
        table, lines = ({}, None) if config is None else read_toml(config)
        for key, value in vars(options).items():
            if key not in _NOT_FIELDS:
                reader = self._readers.get(key)
                _put(table, key.split("."), value if reader is None else reader(value))
        missing = [word for key, word in self._required.items() if key not in table]
        # what is wrong with a file, such as a misspelt key, is said by its line
        if missing and config is None:
            self.parser.error(f"the following are required: {', '.join(missing)}")
        return fill(self.kind, table, "" if config is None else str(config), lines)


def _find(kind: type, key: str) -> tuple[type, Field, Any]:
    """Class that declares the field of a dotted key, the field itself, and its type."""
    *path, name = key.split(".")
    for part in path:
        kind = get_type_hints(kind)[part]
    owner = next(base for base in kind.__mro__ if name in inspect.get_annotations(base))
    found = next(found for found in fields(kind) if found.name == name)
    return owner, found, get_type_hints(kind)[name]


def _action(flag: str, hint: Any, default: Any) -> dict[str, Any]:
    """Arguments of argparse that follow from the type and the default of a field."""
    optional = get_origin(hint) in (Union, types.UnionType)
    if optional:
        hint = next(option for option in get_args(hint) if option is not type(None))
    if hint is bool:
        if flag.startswith("--no-"):
            return {"action": "store_false"}
        return {"action": argparse.BooleanOptionalAction if optional or default else "store_true"}
    if get_origin(hint) is Literal:
        return {"choices": list(get_args(hint))}
    if get_origin(hint) is tuple:
        return {"type": get_args(hint)[0], "nargs": "+"}
    return {"type": hint} if hint in (int, float) else {}


def _help(owner: type, stated: Field) -> str:
    """Help of an option: what the docstring of its class says of the field, and the default."""
    section = (inspect.getdoc(owner) or "").partition("Parameters\n----------\n")[2]
    text, found = [], False
    for line in section.split("\n\n")[0].splitlines():
        if not line.startswith(" "):
            found = stated.name in line.split(", ")
        elif found:
            text.append(line.strip())
    said = " ".join(text).replace("`", "").removesuffix(".").replace("%", "%%")
    said = said.removeprefix("If true, ")
    default = stated.default
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
