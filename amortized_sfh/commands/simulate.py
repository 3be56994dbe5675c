"""Write a training set with a progress bar; a run that was stopped goes on."""

from __future__ import annotations

from pathlib import Path

from tqdm import tqdm

from amortized_sfh.command_line.presets import DEFAULT_PRESET
from amortized_sfh.training.store import simulate_to_file
from simulators.survey import read_preset


def simulate(
    out: Path,
    n: int,
    *,
    preset: str | Path = DEFAULT_PRESET,
    library: str = "bc03-miles",
    seed: int = 0,
    device: str = "cpu",
    overwrite: bool = False,
) -> Path:
    """Simulate galaxies drawn from the default prior.

    Parameters
    ----------
    out
        HDF5 file to write.
    n
        Galaxies.
    preset
        Survey, by name or TOML file.
    library
        SSP library, by name or file.
    seed
        Source of randomness.
    device
        Where to compute.
    overwrite
        Replace an existing file.

    Returns
    -------
    Path
        The file.
    """
    generative = read_preset(preset).generative(library).to(device)
    with tqdm(total=n, unit="spectrum", desc="simulate") as bar:

        def show(done: int, _: int) -> None:
            bar.update(done - bar.n)

        return simulate_to_file(generative, out, n, seed, progress=show, overwrite=overwrite)
