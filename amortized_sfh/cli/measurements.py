"""The commands `measure-noise` and `mismatch`: measurements that models and inferences use."""

from __future__ import annotations

import argparse

from amortized_sfh.cli.options import add_run_options
from amortized_sfh.cli.request_parser import RequestParser
from amortized_sfh.cli.words import read_region
from amortized_sfh.requests.measurements import MeasureNoiseRequest, MismatchRequest

__all__ = ["add_measure_noise", "add_mismatch"]


def add_measure_noise(commands: argparse._SubParsersAction) -> None:
    """Add the command `measure-noise`.

    Parameters
    ----------
    commands
        Commands of the program.
    """
    command = RequestParser.add(
        commands,
        "measure-noise",
        MeasureNoiseRequest,
        "measure the noise of a cube beyond its error bars",
        "NGC3627.fits --redshift 0.00243 --out noise.h5",
    )
    command.positional("cube", "CUBE")
    group = command.parser.add_argument_group("the measurement")
    command.option(group, "--region", "region", "x0:x1,y0:y1", reader=read_region)
    command.option(group, "--redshift", "redshift", "Z")
    command.option(group, "--line-width", "line_half_width_kms", "KMS")
    command.option(group, "--sky-fraction", "sky_fraction", "SHARE")
    group = command.parser.add_argument_group("products")
    command.option(group, "--out", "out", "PROFILE.h5")
    command.option(group, "--name", "name", "NAME")
    command.option(group, "--plot", "plot", "FILE.png")
    add_run_options(command)

    def run(options: argparse.Namespace) -> None:
        request = command.request(options)
        from amortized_sfh.workflows.measure_noise import run_measure_noise

        print("\n".join(run_measure_noise(request)))

    command.parser.set_defaults(run=run, parse=command.request)


def add_mismatch(commands: argparse._SubParsersAction) -> None:
    """Add the command `mismatch`.

    Parameters
    ----------
    commands
        Commands of the program.
    """
    command = RequestParser.add(
        commands,
        "mismatch",
        MismatchRequest,
        "measure how much two stellar libraries differ over the prior",
        "--library bc03-miles --other E-MILES.npz --out mismatch.h5",
    )
    group = command.parser.add_argument_group("the measurement")
    command.option(group, "--library", "library", "NAME|FILE")
    command.option(group, "--other", "other", "NAME|FILE")
    command.option(group, "--preset", "preset", "NAME|FILE")
    command.option(group, "--n", "n", "N")
    command.option(group, "--modes", "modes", "N")
    group = command.parser.add_argument_group("products")
    command.option(group, "--out", "out", "MISMATCH.h5")
    add_run_options(command)

    def run(options: argparse.Namespace) -> None:
        request = command.request(options)
        from amortized_sfh.workflows.mismatch import run_mismatch

        print(run_mismatch(request))

    command.parser.set_defaults(run=run, parse=command.request)
