"""Posterior draws of chosen observations on disk: ArviZ netCDF or plain HDF5."""

from __future__ import annotations

import json
from pathlib import Path

import h5py
import numpy as np

from amortized_sfh.inference.samples import PosteriorSamples
from simulators.files.whole_files import whole_file

SUFFIXES = (".nc", ".h5", ".hdf5")
"""Suffixes of files of draws: ArviZ netCDF, and HDF5 twice."""


def write_draws(
    samples: PosteriorSamples, path: str | Path, labels: np.ndarray | None = None
) -> None:
    """Write posterior draws to a file, which appears only when it is complete.

    Parameters
    ----------
    samples
        Draws of n_obs observations.
    path
        `.nc` for ArviZ netCDF, `.h5` or `.hdf5` for HDF5: `theta` and one data set per product.
    labels
        Number of each observation, such as its row in a map, shape (n_obs,); 0, 1, ... by default.

    Raises
    ------
    ValueError
        If the suffix is another.
    """
    path = Path(path)
    check_draws_path(path)
    labels = np.arange(len(samples)) if labels is None else np.asarray(labels)
    with whole_file(path) as partial:
        if path.suffix == ".nc":
            samples.to_arviz().assign_coords(spaxel=labels).to_netcdf(str(partial))
        else:
            _write_hdf5(samples, partial, labels)


def check_draws_path(path: Path) -> None:
    """Raise ValueError unless the suffix of a file of draws is known."""
    if path.suffix not in SUFFIXES:
        raise ValueError(
            f"draws file {path} ends in {path.suffix!r}, expected one of {', '.join(SUFFIXES)}"
        )


def _write_hdf5(samples: PosteriorSamples, path: Path, labels: np.ndarray) -> None:
    """Write theta and one data set per product, each (n_obs, n_draws[, n_bins])."""
    with h5py.File(path, "w") as file:
        file.attrs["age_edges_gyr"] = samples.bins.edges_gyr
        file.attrs["parameters"] = json.dumps(list(samples.space.names))
        file["label"] = labels
        file.create_dataset("theta", data=samples.theta.numpy(), compression="lzf")
        for name, values in {**samples.scalars(), **samples.per_bin()}.items():
            file.create_dataset(name, data=values.numpy(), compression="lzf")
