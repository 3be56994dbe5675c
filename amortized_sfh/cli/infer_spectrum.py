"""The command `infer-spectrum`: the posterior of one spectrum, or of the rows of a file."""

from __future__ import annotations

import argparse

from amortized_sfh.cli.options import add_inference_options, add_run_options
from amortized_sfh.cli.request_parser import RequestParser
from amortized_sfh.cli.words import read_line_width
from amortized_sfh.requests.infer_spectrum import InferSpectrumRequest

__all__ = ["add_infer_spectrum"]


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
        "posterior of one spectrum, or of the rows of a file that holds many",
        "spectrum.fits --redshift 0.0038 --out result",
    )
    command.positional("spectrum", "SPECTRUM")
    group = command.parser.add_argument_group("the spectrum")
    command.option(group, "--redshift", "redshift", "Z")
    command.option(group, "--ebv", "ebv", "MAG")
    command.option(group, "--medium", "medium")
    command.option(group, "--row", "rows", "N")
    command.option(group, "--photometry", "photometry", "FILE")
    command.option(
        group, "--line-width", "line_half_width_kms", "KMS", reader=read_line_width, type=float
    )
    group = add_inference_options(command)
    command.option(group, "--measure-noise", "measure_noise")
    group = command.parser.add_argument_group("products")
    command.option(group, "--out", "out", "FOLDER")
    command.option(group, "--no-plots", "plots", help="draw no figures")
    add_run_options(command)

    def run(options: argparse.Namespace) -> None:
        request = command.request(options)
        from amortized_sfh.workflows.infer_spectra import run_infer_spectrum

        run_infer_spectrum(request)

    command.parser.set_defaults(run=run, parse=command.request)
