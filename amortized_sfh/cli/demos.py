"""The commands `demo` and `demo-real`."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

__all__ = ["add_demos"]


def add_demos(commands: argparse._SubParsersAction) -> None:
    """Add both commands.

    Parameters
    ----------
    commands
        Commands of the program.
    """
    _add(commands, "demo", "maps of a mock NGC 3627 with known truth", _run_demo)
    _add(commands, "demo-real", "maps of Abell 478 and two SDSS spectra: real data", _run_real)


def _add(
    commands: argparse._SubParsersAction,
    name: str,
    text: str,
    run: Callable[[argparse.Namespace], None],
) -> None:
    """Add a command that needs nothing but a folder."""
    parser = commands.add_parser(
        name,
        help=text,
        description=f"{text[0].upper()}{text[1:]}.",
        epilog=f"example:\n  amortized-sfh {name} --out out/{name}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--out", type=Path, default=Path("out") / name, metavar="FOLDER",
        help=f"folder to write (default out/{name})",
    )  # fmt: skip
    parser.add_argument(
        "--overwrite", action="store_true",
        help="replace existing products, which are kept otherwise",
    )  # fmt: skip
    parser.set_defaults(run=run)


def _run_demo(options: argparse.Namespace) -> None:
    from amortized_sfh.workflows.demos.mock_galaxy import demo

    table = demo(options.out, overwrite=options.overwrite)
    print("\n".join(table.pformat(max_lines=-1, max_width=-1)))
    print(f"maps, pictures and this table are in {options.out}")


def _run_real(options: argparse.Namespace) -> None:
    from amortized_sfh.workflows.demos.real_data import demo_real

    demo_real(options.out, overwrite=options.overwrite)
