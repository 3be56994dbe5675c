"""Options that say which pixels and spaxels are left out."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_mask_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of masks.

    Parameters
    ----------
    parser
        Of a command that reads a cube.
    """
    group = parser.add_argument_group("masks")
    group.add_argument(
        "--ao",
        action=argparse.BooleanOptionalAction,
        help="mask the laser of the adaptive optics, 5770-6010 Å (as the cube's header says)",
    )
    group.add_argument(
        "--milky-way-sodium",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="mask Na D of the Milky Way and the sky in the observed frame (yes)",
    )
    group.add_argument(
        "--mask-lines",
        nargs="+",
        type=float,
        default=[],
        metavar="AA",
        help="further rest-frame lines to mask, air wavelengths in Å",
    )
    group.add_argument(
        "--mask-regions",
        type=Path,
        metavar="STARS.reg",
        help="ds9 regions whose spaxels are flagged and left out",
    )
