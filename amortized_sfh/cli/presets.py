"""The command `presets`: the surveys that models can be trained for."""

from __future__ import annotations

import argparse

from amortized_sfh.cli.request_parser import add_command


def add_presets(commands: argparse._SubParsersAction) -> None:
    """Add the command.

    Parameters
    ----------
    commands
        Commands of the program.
    """
    parser = add_command(
        commands,
        "presets",
        "list the surveys that can be trained for, or show one as TOML",
        "phangs-muse-hst > my_survey.toml",
    )
    parser.add_argument(
        "preset", nargs="?", metavar="NAME|FILE", help="show this preset as a TOML file"
    )
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> None:
    from amortized_sfh.workflows.presets import describe_presets, show_preset

    print(describe_presets() if options.preset is None else show_preset(options.preset))
