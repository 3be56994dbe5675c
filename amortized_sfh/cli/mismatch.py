"""Options of `amortized-sfh mismatch`."""

from __future__ import annotations

import argparse
from pathlib import Path

from amortized_sfh.cli.presets import add_preset_option


def add_mismatch(commands: argparse._SubParsersAction) -> None:
    """Add the command that compares two stellar libraries."""
    parser = commands.add_parser("mismatch", help="measure how much two stellar libraries differ")
    add_preset_option(parser)
    parser.add_argument("--library", default="bc03-miles", help="name or file (bc03-miles)")
    parser.add_argument("--other", required=True, help="name or file of the library to compare")
    parser.add_argument("--n", type=int, default=8000, help="histories of the prior (8000)")
    parser.add_argument("--modes", type=int, default=16, help="errors to keep (16)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--overwrite", action="store_true")
    parser.add_argument("--out", type=Path, required=True, help="HDF5 file for `train --mismatch`")
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> None:
    from amortized_sfh.workflows.mismatch import mismatch

    print(mismatch(options))
