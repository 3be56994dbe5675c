"""Options that only `infer-spectrum` has."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_spectrum_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of single spectra.

    Parameters
    ----------
    parser
        Of `infer-spectrum`.
    """
    parser.add_argument("--medium", choices=["air", "vacuum"], help="of the wavelengths")
    parser.add_argument(
        "--row", type=int, nargs="+", default=[], help="of a file with many spectra, from 0 (all)"
    )
    parser.add_argument(
        "--photometry", type=Path, metavar="FILE", help="ECSV or CSV table: band, flux, error, unit"
    )
    parser.add_argument("--no-plots", action="store_true")
