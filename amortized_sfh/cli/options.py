"""Groups of options that several commands have."""

from __future__ import annotations

import argparse
from dataclasses import fields

from amortized_sfh.cli.request_parser import RequestParser


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
    return command.group("inference", "--model NAME|FOLDER", "--draws N", "--distance-mpc MPC")


def add_run_options(command: RequestParser) -> None:
    """Add seed, device and what happens to existing products, as far as the command has them.

    Parameters
    ----------
    command
        Parser of the command.
    """
    known = {f"--{field.name}" for field in fields(command.kind)}
    options = ("--seed N", "--device NAME", "--overwrite")
    command.group("the run", *(words for words in options if words.split()[0] in known))


def add_generative_options(command: RequestParser) -> None:
    """Add the options that say what is simulated.

    Parameters
    ----------
    command
        Parser of the command.
    """
    group = command.group("what is simulated")
    for name in ("preset", "library", "mismatch", "noise_profile"):
        flag = f"--{name.replace('_', '-')}"
        command.option(group, f"{flag} NAME|FILE", f"generative.{name}")
    command.option(group, "--like MODEL", "generative.like")
