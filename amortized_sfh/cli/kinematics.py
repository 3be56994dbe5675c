"""Options of velocities: the frames in which spaxels are read, and what posteriors must keep to."""

from __future__ import annotations

import argparse


def add_kinematics_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of kinematics.

    Parameters
    ----------
    parser
        Of a command that reads a cube.
    """
    group = parser.add_argument_group("kinematics")
    frames = group.add_mutually_exclusive_group()
    frames.add_argument(
        "--velocity-map",
        metavar="FILE[:EXT]",
        help="velocities of the spaxels in km/s relative to --redshift: each is read in its own "
        "rest frame, so that masks lie on its own lines",
    )
    frames.add_argument(
        "--two-pass",
        action="store_true",
        help="measure these velocities in a quick first pass",
    )
    group.add_argument(
        "--kinematics",
        choices=["free", "fixed", "prior"],
        default="free",
        help="infer v and sigma, fix them to those of --dap or --gist, or take those as a prior "
        "(free)",
    )
