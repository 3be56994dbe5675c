"""Options that take bins, kinematics and spectra from other pipelines, and bins from ds9."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_dap_options(
    parser: argparse.ArgumentParser, grouping: argparse._MutuallyExclusiveGroup
) -> None:
    """Add the options of other pipelines' products.

    Parameters
    ----------
    parser
        Of a command that reads a cube.
    grouping
        Its options that choose the bins, of which one may be given.
    """
    grouping.add_argument(
        "--aperture-regions",
        type=Path,
        metavar="AP.reg",
        help="ds9 regions, each of which is co-added to one spectrum",
    )
    grouping.add_argument(
        "--dap",
        type=Path,
        metavar="MAPS.fits",
        help="bins and stellar velocities of a PHANGS-MUSE MAPS file",
    )
    grouping.add_argument(
        "--gist",
        type=Path,
        metavar="DIR",
        help="bins and stellar velocities of a run of GIST or nGIST",
    )
    parser.add_argument(
        "--gas-cleaned",
        action="store_true",
        help="with --gist: infer the emission-line-subtracted spectra of that run",
    )
