"""The commands `simulate` and `train`: training sets, and models trained on them."""

from __future__ import annotations

import argparse

from amortized_sfh.cli.options import add_generative_options, add_run_options
from amortized_sfh.cli.request_parser import RequestParser
from amortized_sfh.requests.generative import SimulateRequest, TrainRequest


def add_simulate(commands: argparse._SubParsersAction) -> None:
    """Add the command `simulate`.

    Parameters
    ----------
    commands
        Commands of the program.
    """
    command = RequestParser.add(
        commands,
        "simulate",
        SimulateRequest,
        _run_simulate,
        "write a training set of mock spectra",
        "--like phangs-bc03 --n 165000 --out train.h5",
    )
    add_generative_options(command)
    command.group("products", "--n N", "--out SET.h5")
    add_run_options(command)


def _run_simulate(request: SimulateRequest, _: str) -> None:
    from amortized_sfh.workflows.simulate import run_simulate

    run_simulate(request)


def add_train(commands: argparse._SubParsersAction) -> None:
    """Add the command `train`.

    Parameters
    ----------
    commands
        Commands of the program.
    """
    command = RequestParser.add(
        commands,
        "train",
        TrainRequest,
        _run_train,
        "train a posterior model and a point model",
        "--preset manga --prefetch --out run",
    )
    add_generative_options(command)
    command.group("networks", "--start-from MODEL|FOLDER", "--freeze-encoder", "--passes N")
    schedule = ("--batch-size N", "--learning-rate RATE")
    command.group("the training", "--n N", "--data SET.h5", "--prefetch", *schedule)
    command.group("products", "--out FOLDER", "--name NAME")
    add_run_options(command)


def _run_train(request: TrainRequest, command_line: str) -> None:
    from amortized_sfh.workflows.train import run_train

    run_train(request, command=command_line)
