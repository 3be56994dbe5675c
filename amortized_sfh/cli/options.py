"""Groups of options that several commands have."""

from __future__ import annotations

import argparse
from dataclasses import fields

from amortized_sfh.cli.request_parser import RequestParser

__all__ = ["add_generative_options", "add_inference_options", "add_run_options"]


def add_inference_options(command: RequestParser) -> argparse._ArgumentGroup:
    """Add the options of every inference.

    Parameters
    ----------
    command
        Parser of the command.

    Returns
    -------
    argparse group
        The group, for more of its kind.
    """
    group = command.parser.add_argument_group("inference")
    command.option(group, "--model", "model", "NAME|FOLDER")
    command.option(group, "--draws", "draws", "N")
    command.option(group, "--distance-mpc", "distance_mpc", "MPC")
    return group


def add_run_options(command: RequestParser) -> None:
    """Add seed, device and what happens to existing products, as far as the command has them.

    Parameters
    ----------
    command
        Parser of the command.
    """
    group = command.parser.add_argument_group("the run")
    known = {field.name for field in fields(command.kind)}
    for name, metavar in (("seed", "N"), ("device", "NAME"), ("overwrite", None)):
        if name in known:
            command.option(group, f"--{name}", name, metavar)


def add_generative_options(command: RequestParser) -> None:
    """Add the options that say what is simulated.

    Parameters
    ----------
    command
        Parser of the command.
    """
    group = command.parser.add_argument_group("what is simulated")
    for name in ("preset", "library", "mismatch", "noise_profile"):
        command.option(group, f"--{name.replace('_', '-')}", f"generative.{name}", "NAME|FILE")
    command.option(group, "--like", "generative.like", "MODEL")
