"""The commands `measure-noise` and `mismatch`: measurements that models and inferences use."""

from __future__ import annotations

import argparse

from amortized_sfh.cli.options import add_run_options
from amortized_sfh.cli.request_parser import RequestParser
from amortized_sfh.cli.words import read_region
from amortized_sfh.requests.measurements import MeasureNoiseRequest, MismatchRequest


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
        _run_measure_noise,
        "measure the noise of a cube beyond its error bars",
        "NGC3627.fits --redshift 0.00243 --out noise.h5",
    )
    command.positional("cube", "CUBE")
    group = command.group("the measurement")
    command.option(group, "--region x0:x1,y0:y1", reader=read_region)
    command.option(group, "--redshift Z")
    command.option(group, "--line-width KMS", "line_half_width_kms")
    command.option(group, "--sky-fraction SHARE")
    command.group("products", "--out PROFILE.h5", "--name NAME", "--plot FILE.png")
    add_run_options(command)


def _run_measure_noise(request: MeasureNoiseRequest, _: str) -> None:
    from amortized_sfh.workflows.measure_noise import run_measure_noise

    print("\n".join(run_measure_noise(request)))


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
        _run_mismatch,
        "measure how much two stellar libraries differ over the prior",
        "--library bc03-miles --other E-MILES.npz --out mismatch.h5",
    )
    libraries = ("--library NAME|FILE", "--other NAME|FILE", "--preset NAME|FILE")
    command.group("the measurement", *libraries, "--n N", "--modes N")
    command.group("products", "--out MISMATCH.h5")
    add_run_options(command)


def _run_mismatch(request: MismatchRequest, _: str) -> None:
    from amortized_sfh.workflows.mismatch import run_mismatch

    print(run_mismatch(request))
