"""The `presets` command, and the option with which other commands take a preset."""

from __future__ import annotations

import argparse

#: The survey that is meant where none is named.
DEFAULT_PRESET = "phangs-muse-hst"


def add_presets(commands: argparse._SubParsersAction) -> None:
    """Add the command `presets`.

    Parameters
    ----------
    commands
        Commands of the program.
    """
    parser = commands.add_parser("presets", help="list the surveys that can be trained for")
    parser.add_argument("preset", nargs="?", metavar="NAME|FILE", help="show this one as TOML")
    parser.set_defaults(run=_run_presets)


def add_preset_option(parser: argparse.ArgumentParser) -> None:
    """Add `--preset`.

    Parameters
    ----------
    parser
        A command that simulates or trains.
    """
    parser.add_argument(
        "--preset",
        default=DEFAULT_PRESET,
        metavar="NAME|FILE",
        help=f"survey, by name or as a TOML file, see `presets` ({DEFAULT_PRESET})",
    )


def _run_presets(options: argparse.Namespace) -> None:
    from amortized_sfh.workflows.presets import describe_presets, show_preset

    print(describe_presets() if options.preset is None else show_preset(options.preset))
