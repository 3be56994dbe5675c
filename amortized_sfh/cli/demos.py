"""The commands `demo` and `demo-real`."""

from __future__ import annotations

import argparse
from pathlib import Path

from amortized_sfh.cli.request_parser import add_command


def add_demos(commands: argparse._SubParsersAction) -> None:
    """Add both commands.

    Parameters
    ----------
    commands
        Commands of the program.
    """
    for name, text, run in (
        ("demo", "maps of a mock NGC 3627 with known truth", _run_demo),
        ("demo-real", "maps of Abell 478 and two SDSS spectra: real data", _run_real),
    ):
        parser = add_command(commands, name, text, f"--out out/{name}")
        folder = f"folder to write (default out/{name})"
        parser.add_argument(
            "--out", type=Path, default=Path("out") / name, metavar="FOLDER", help=folder
        )
        kept = "replace existing products, which are kept otherwise"
        parser.add_argument("--overwrite", action="store_true", help=kept)
        parser.set_defaults(run=run)


def _run_demo(options: argparse.Namespace) -> None:
    from amortized_sfh.workflows.demos.mock_galaxy import demo

    table = demo(options.out, overwrite=options.overwrite)
    print("\n".join(table.pformat(max_lines=-1, max_width=-1)))
    print(f"maps, pictures and this table are in {options.out}")


def _run_real(options: argparse.Namespace) -> None:
    from amortized_sfh.workflows.demos.real_data import demo_real

    demo_real(options.out, overwrite=options.overwrite)
