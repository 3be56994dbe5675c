"""The workflow of `amortized-sfh simulate`: a training set, with a progress bar."""

from __future__ import annotations

from pathlib import Path

from tqdm import tqdm

from amortized_sfh.requests.generative import SimulateRequest
from amortized_sfh.training.training_set import simulate_to_file
from amortized_sfh.workflows.generative import read_generative_model
from simulators.runs.device import choose_device


def run_simulate(request: SimulateRequest) -> Path:
    """Write mock spectra of galaxies drawn from the prior; a run that was stopped goes on.

    Parameters
    ----------
    request
        Request for a training set.

    Returns
    -------
    Path
        The HDF5 file that was written.

    Raises
    ------
    FileExistsError
        If the file exists, is complete and may not be replaced.
    ValueError
        If the generative model cannot be built, or a number is out of range.
    """
    generative = read_generative_model(request.generative, choose_device(request.device))
    with tqdm(total=request.n, unit="spectrum", desc="simulate") as bar:

        def show(done: int) -> None:
            bar.update(done - bar.n)

        return simulate_to_file(
            generative,
            request.out,
            request.n,
            request.seed,
            progress=show,
            overwrite=request.overwrite,
        )
