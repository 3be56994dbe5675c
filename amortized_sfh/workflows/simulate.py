"""Write a training set with a progress bar; a run that was stopped goes on."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from tqdm import tqdm

from amortized_sfh.training.training_set import simulate_to_file
from amortized_sfh.workflows.generative import read_nature


def simulate(options: Namespace, device: str) -> Path:
    """Simulate galaxies drawn from the prior.

    Parameters
    ----------
    options
        Of `amortized-sfh simulate`.
    device
        Where to compute.

    Returns
    -------
    Path
        The file.
    """
    generative = read_nature(options, device)
    with tqdm(total=options.n, unit="spectrum", desc="simulate") as bar:

        def show(done: int, _: int) -> None:
            bar.update(done - bar.n)

        return simulate_to_file(
            generative,
            options.out,
            options.n,
            options.seed,
            progress=show,
            overwrite=options.overwrite,
        )
