"""Options that say what is simulated: survey, stars, and the measured parts of the noise."""

from __future__ import annotations

import argparse

from amortized_sfh.cli.presets import add_preset_option

#: The stars that are meant where no library is named.
DEFAULT_LIBRARY = "bc03-miles"


def add_nature_options(parser: argparse.ArgumentParser) -> None:
    """Add the options to a command that simulates or trains.

    Parameters
    ----------
    parser
        The command.
    """
    add_preset_option(parser)
    parser.add_argument(
        "--library", default=DEFAULT_LIBRARY, help=f"name or file ({DEFAULT_LIBRARY})"
    )
    parser.add_argument("--mismatch", help="name or file from `mismatch` (e.g. bc03-emiles)")
    parser.add_argument(
        "--noise-profile", help="name or file from `measure-noise` (e.g. muse-abell478)"
    )
    parser.add_argument(
        "--like", metavar="MODEL", help="all of this as that model had it; no library is needed"
    )
