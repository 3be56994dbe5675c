"""The commands `simulate` and `train`: training sets, and models trained on them."""

from __future__ import annotations

import argparse

from amortized_sfh.cli.options import add_generative_options, add_run_options
from amortized_sfh.cli.request_parser import RequestParser
from amortized_sfh.requests.generative import SimulateRequest, TrainRequest

__all__ = ["add_simulate", "add_train"]


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
        "write a training set of mock spectra",
        "--like phangs-bc03 --n 165000 --out train.h5",
    )
    add_generative_options(command)
    group = command.parser.add_argument_group("products")
    command.option(group, "--n", "n", "N")
    command.option(group, "--out", "out", "SET.h5")
    add_run_options(command)

    def run(options: argparse.Namespace) -> None:
        request = command.request(options)
        from amortized_sfh.workflows.simulate import run_simulate

        run_simulate(request)

    command.parser.set_defaults(run=run, parse=command.request)


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
        "train a posterior model and a point model",
        "--preset manga --prefetch --out run",
    )
    add_generative_options(command)
    group = command.parser.add_argument_group("networks")
    command.option(group, "--start-from", "start_from", "MODEL|FOLDER")
    command.option(group, "--freeze-encoder", "freeze_encoder")
    command.option(group, "--passes", "passes", "N")
    group = command.parser.add_argument_group("the training")
    command.option(group, "--n", "n", "N")
    command.option(group, "--data", "data", "SET.h5")
    command.option(group, "--prefetch", "prefetch")
    command.option(group, "--batch-size", "batch_size", "N")
    command.option(group, "--learning-rate", "learning_rate", "RATE")
    group = command.parser.add_argument_group("products")
    command.option(group, "--out", "out", "FOLDER")
    command.option(group, "--name", "name", "NAME")
    add_run_options(command)

    def run(options: argparse.Namespace) -> None:
        request = command.request(options)
        from amortized_sfh.workflows.train import run_train

        run_train(request, command=options.command_line)

    command.parser.set_defaults(run=run, parse=command.request)
