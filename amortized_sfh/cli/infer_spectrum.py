"""The command `infer-spectrum`: the posterior of one spectrum, or of the rows of a file."""

from __future__ import annotations

import argparse

from amortized_sfh.cli.options import add_inference_options, add_run_options
from amortized_sfh.cli.request_parser import RequestParser
from amortized_sfh.cli.words import read_line_width
from amortized_sfh.requests.infer_spectrum import InferSpectrumRequest


def add_infer_spectrum(commands: argparse._SubParsersAction) -> None:
    """Add the command.

    Parameters
    ----------
    commands
        Commands of the program.
    """
    command = RequestParser.add(
        commands,
        "infer-spectrum",
        InferSpectrumRequest,
        _run,
        "posterior of one spectrum, or of the rows of a file that holds many",
        "spectrum.fits --redshift 0.0038 --out result",
    )
    command.positional("spectrum", "SPECTRUM")
    group = command.group("the spectrum", "--redshift Z", "--ebv MAG", "--medium")
    command.option(group, "--row N", "rows")
    command.option(group, "--photometry FILE")
    width = "line_half_width_kms"
    command.option(group, "--line-width KMS", width, reader=read_line_width, type=float)
    command.option(add_inference_options(command), "--measure-noise")
    group = command.group("products", "--out FOLDER")
    command.option(group, "--no-plots", "plots", help="draw no figures")
    add_run_options(command)


def _run(request: InferSpectrumRequest, _: str) -> None:
    from amortized_sfh.workflows.infer_spectra import run_infer_spectrum

    run_infer_spectrum(request)
