"""Options that say how a galaxy's disc lies on the sky, and ask for its radial profile."""

from __future__ import annotations

import argparse


def add_disc_options(parser: argparse.ArgumentParser) -> None:
    """Add `--inclination`, `--position-angle`, `--centre`, `--profile` and `--effective-radius`.

    Parameters
    ----------
    parser
        A command that makes maps.
    """
    group = parser.add_argument_group("the disc on the sky")
    group.add_argument(
        "--inclination",
        type=float,
        default=0.0,
        metavar="DEG",
        help="surface densities are those of the plane (0: as seen on the sky)",
    )
    group.add_argument(
        "--position-angle", type=float, metavar="DEG", help="of the major axis, east of north"
    )
    group.add_argument(
        "--centre",
        metavar="x,y|RA,DEC",
        help="pixels of the map from 0, or with units: 170.0625d,12.9915d (centre of the light)",
    )
    group.add_argument(
        "--profile",
        type=int,
        metavar="N",
        help="radial profile in N annuli of the plane, OUT_profile.ecsv and .png",
    )
    group.add_argument(
        "--effective-radius", type=float, metavar="ARCSEC", help="for profiles in units of it"
    )
