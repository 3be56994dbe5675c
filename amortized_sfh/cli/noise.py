"""Options of noise: measuring that of a cube, and using what was measured."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_noise_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of measured noise to a command that reads a cube.

    Parameters
    ----------
    parser
        Parser of the command.
    """
    parser.add_argument(
        "--noise-profile",
        metavar="FILE|NAME",
        help="noise beyond the error bars, from `measure-noise`, or a name (muse-abell478)",
    )


def add_measure_noise(commands: argparse._SubParsersAction) -> None:
    """Add the command `measure-noise`.

    Parameters
    ----------
    commands
        Where the commands are.
    """
    parser = commands.add_parser("measure-noise", help="measure the noise of a cube, for `infer`")
    parser.add_argument("cube", type=Path)
    parser.add_argument("--out", type=Path, required=True, metavar="PROFILE.h5")
    parser.add_argument("--name", help="of the profile (that of the file)")
    parser.add_argument(
        "--region", metavar="x0:x1,y0:y1", help="with sky, and with the source if there is one"
    )
    parser.add_argument(
        "--redshift", type=float, help="of the galaxy, whose emission lines are then left out"
    )
    parser.add_argument(
        "--line-width", type=float, default=400.0, help="half width of these in km/s (400)"
    )
    parser.add_argument(
        "--sky-fraction", type=float, default=0.3, help="share of faint spaxels taken as sky (0.3)"
    )
    parser.add_argument("--plot", type=Path, metavar="FILE.png", help="figure to draw")
    parser.add_argument("--overwrite", action="store_true")
    parser.set_defaults(run=_run_measure_noise)


def _run_measure_noise(options: argparse.Namespace) -> None:
    from amortized_sfh.workflows.measure_noise import measure_noise_file

    print("\n".join(measure_noise_file(options)))
