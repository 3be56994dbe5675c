"""Options that tell more about HST images than their own headers."""

from __future__ import annotations

import argparse


def add_hst_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of HST images to a command that takes a cube.

    Parameters
    ----------
    parser
        Parser of the command.
    """
    parser.add_argument("--hst", nargs="+", default=[], metavar="BAND=FILE", help="HST images")
    parser.add_argument(
        "--hst-weight",
        nargs="+",
        default=[],
        metavar="BAND=FILE",
        help="weight maps of the images: inverse variance, or exposure time in s",
    )
    parser.add_argument(
        "--hst-mask",
        nargs="+",
        default=[],
        metavar="BAND=FILE",
        help="not 0 where a pixel of the image must not be used (saturated, bad)",
    )
    parser.add_argument(
        "--hst-sky",
        nargs="+",
        default=[],
        metavar="BAND=VALUE[,SIGMA]",
        help="sky level to subtract and its uncertainty, in the unit of the image",
    )
    parser.add_argument(
        "--psf-fwhm",
        type=float,
        help="of the cube in arcsec (from its header or file name, else 0.8)",
    )
    parser.add_argument(
        "--align", action="store_true", help="correct the measured offsets of the HST images"
    )
