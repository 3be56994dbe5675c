"""Write a training set with a progress bar; a run that was stopped goes on."""

from __future__ import annotations

from pathlib import Path

from tqdm import tqdm

from amortized_sfh.training.store import simulate_to_file
from simulators.generative import default_generative_model


def simulate(
    out: Path,
    n: int,
    *,
    library: str = "bc03-miles",
    mismatch: Path | None = None,
    noise_profile: str | None = None,
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
    library
        SSP library, by name or file.
    mismatch, noise_profile
        Measured parts of the noise model, see `default_generative_model`.
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
    generative = default_generative_model(
        library, mismatch=mismatch, noise_profile=noise_profile
    ).to(device)
    with tqdm(total=n, unit="spectrum", desc="simulate") as bar:

        def show(done: int, _: int) -> None:
            bar.update(done - bar.n)

        return simulate_to_file(generative, out, n, seed, progress=show, overwrite=overwrite)
