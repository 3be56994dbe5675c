"""Fixed training sets in HDF5: galaxies without noise, which is drawn anew whenever they are read.

Use `simulate_to_file` and `TrainingSet` where the training data must be a file, as the 165 000
galaxies of Galceran et al. (2026); `amortized_sfh.training.stream` needs none and never repeats a
galaxy. The format is specified in `amortized_sfh.training.training_set_format`.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Literal

import h5py
import numpy as np
import torch
from torch import Tensor

from amortized_sfh.networks.input_layout import Layout
from amortized_sfh.networks.point_heads import point_targets
from amortized_sfh.quantities.derived import Derived, derive
from amortized_sfh.training.stored_rows import shuffled_batches, write_in_chunks
from amortized_sfh.training.stream import Batch
from amortized_sfh.training.training_set_format import CHUNK_SIZE, check_file, describe, open_part
from priors.space import ParameterSpace
from simulators.forward.simulator import ModelSpectra
from simulators.generative import GenerativeModel
from simulators.instruments.instrument import Instrument
from simulators.noise.noise_model_storage import build_noise, noise_arrays
from simulators.observations.conditions import ConditionsPrior
from simulators.runs.seeding import Purpose, chunk_generator

Split = Literal["train", "validation"]
_PACK_SIZE = 1024


def simulate_to_file(
    generative: GenerativeModel,
    path: str | os.PathLike[str],
    n: int,
    seed: int = 0,
    *,
    progress: Callable[[int], None] | None = None,
    resume: bool = True,
    overwrite: bool = False,
) -> Path:
    """Write noise-free spectra of galaxies drawn from the prior.

    Chunk k of a seed is always the same, so the first rows of a longer file are those of a shorter
    one. While the file grows it is called ``<path>.part``; it gets its name when it is complete.

    Parameters
    ----------
    generative
        Prior, forward model and the redshifts of its conditions.
    path
        HDF5 file to write.
    n
        Number of galaxies, at least 1.
    seed
        Source of randomness of histories and redshifts.
    progress
        Called with the number of galaxies done after each chunk; nothing by default.
    resume
        If true, a ``.part`` file that a stopped run left is gone on with; else it is removed.
    overwrite
        If true, a finished file is replaced.

    Returns
    -------
    Path
        Path of the finished file.

    Raises
    ------
    FileExistsError
        If the file exists and `overwrite` is False.
    ValueError
        If `n` is not positive, or if the ``.part`` file is damaged, in use, or belongs to a run
        with another seed, number, prior, library, instrument or package version.
    """
    path = Path(path)
    if n < 1:
        raise ValueError(f"n is {n}; expected at least one galaxy")
    if path.exists() and not overwrite:
        raise FileExistsError(f"{path} exists; choose another name or pass overwrite=True")
    part = path.with_name(path.name + ".part")
    if not resume:
        part.unlink(missing_ok=True)
    header = describe(generative, n, seed)
    with open_part(part, header, noise_arrays(generative.noise)) as file:
        make = partial(_simulate_chunk, generative, seed)
        write_in_chunks(file, (n, CHUNK_SIZE), make, generative.simulator.device, progress)
    part.replace(path)
    return path


@torch.no_grad()
def _simulate_chunk(generative: GenerativeModel, seed: int, chunk: int) -> dict[str, Tensor]:
    """Simulate the data sets of one chunk, `CHUNK_SIZE` rows each."""
    simulator = generative.simulator
    generator = chunk_generator(seed, chunk, simulator.device, Purpose.STORED)
    theta = generative.prior.sample((CHUNK_SIZE,), generator=generator)
    redshift = generative.conditions.sample_redshift(CHUNK_SIZE, simulator.instrument, generator)
    spectra = simulator(theta, redshift)
    mean = spectra.flux.mean(dim=1, keepdim=True)
    derived = derive(simulator, theta)
    return {
        "flux": spectra.flux / mean,
        "phot": spectra.phot / mean,
        "log_mean": mean[:, 0].log10(),
        "theta": theta,
        "redshift": redshift,
        **{f"derived/{name}": values for name, values in derived._asdict().items()},
    }


class TrainingSet:
    """Fixed training set in a file; spectra stay on disk, the small tables are in memory.

    Every batch gets fresh noise, masks and missing bands at the stored redshifts. The last galaxies
    of the file are for validation, so no galaxy is on both sides of the split.

    Parameters
    ----------
    path
        File made by `simulate_to_file`.
    validation_share
        Share of the galaxies that `split="validation"` gets.
    device
        torch device on which noise is drawn and batches are returned.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is not a finished training set of a known version, or the share is not at least
        0 and below 1.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        validation_share: float = 0.05,
        device: torch.device | str = "cpu",
    ) -> None:
        if not 0.0 <= validation_share < 1.0:
            raise ValueError(f"validation_share is {validation_share}; expected 0 <= share < 1")
        self.path, self.device = Path(path), torch.device(device)
        check_file(self.path)
        with h5py.File(self.path, "r") as file:
            text = {k: v for k, v in file.attrs.items() if isinstance(v, str)}
            self.seed, n_all = int(file.attrs["seed"]), int(file.attrs["n"])
            names = ("theta", "redshift", "phot", *(f"derived/{n}" for n in Derived._fields))
            columns = (torch.from_numpy(file[name][...]) for name in names)
            self.theta, self.redshift, self._phot, *derived = columns
            arrays = {n: torch.from_numpy(v[...]) for n, v in file.get("noise", {}).items()}
        self.derived = Derived(*derived)
        self.space = ParameterSpace.from_dict(json.loads(text["prior"]))
        self.instrument = Instrument.from_dict(json.loads(text["instrument"]))
        noise = build_noise(self.instrument, json.loads(text["noise"]), arrays)
        self.noise = noise.to(self.device)
        self.conditions = ConditionsPrior.from_dict(json.loads(text["conditions"]))
        self.layout = Layout.of(self.instrument)
        self.n_validation = math.ceil(validation_share * n_all)
        self.n_train = n_all - self.n_validation

    def __len__(self) -> int:
        """Count the galaxies."""
        return len(self.theta)

    def batches(
        self, batch_size: int, seed: int = 0, split: Split = "train", first_step: int = 0
    ) -> Iterator[Batch]:
        """Noisy batches, the same for the same arguments.

        Parameters
        ----------
        batch_size
            Number of galaxies per batch.
        seed
            Source of randomness of the order and of the noise.
        split
            "train": without end, in a new order and with new noise in every epoch; the last batch
            of an epoch is left out if it is not full. "validation": once, in the order of the file.
        first_step
            Number of the first batch, 0 at the start of a training.

        Yields
        ------
        Batch
            Network input and targets of the next galaxies, as from a stream.

        Raises
        ------
        ValueError
            If the split is unknown or has less than one batch.
        """
        if split not in ("train", "validation"):
            raise ValueError(f"split is {split!r}; expected 'train' or 'validation'")
        n_split = self.n_train if split == "train" else self.n_validation
        if not 1 <= batch_size <= max(n_split, 1) or n_split == 0:
            raise ValueError(
                f"batch_size is {batch_size}; expected 1 to {n_split}, the galaxies for {split}"
            )
        if split == "train":
            batches_of_rows = shuffled_batches(self.n_train, batch_size, seed, first_step)
        else:
            held_out = np.arange(self.n_train, len(self))
            starts = range(first_step * batch_size, self.n_validation, batch_size)
            batches_of_rows = (held_out[start : start + batch_size] for start in starts)
        numbered = enumerate(batches_of_rows, start=first_step)
        return (self._batch(rows, seed, step) for step, rows in numbered)

    def as_sbi_tensors(self, n: int | None = None, seed: int = 0) -> tuple[Tensor, Tensor]:
        """Parameters and noisy data for ``sbi.inference.NPE(...).append_simulations(u, x)``.

        Parameters
        ----------
        n
            Number of galaxies, drawn without replacement; all of them if None.
        seed
            Source of randomness of the choice and of the noise.

        Returns
        -------
        u : Tensor
            Unbounded parameters, shape (n, n_param).
        x : Tensor
            Packed data, shape (n, n_x).

        Raises
        ------
        ValueError
            If `n` is not between 1 and the number of galaxies.
        """
        n = len(self) if n is None else n
        if not 1 <= n <= len(self):
            raise ValueError(f"n is {n}; expected 1 to {len(self)}, the galaxies in the file")
        rows = np.random.default_rng(seed).permutation(len(self))[:n]
        parts = [
            self._batch(rows[start : start + _PACK_SIZE], seed, start // _PACK_SIZE)
            for start in range(0, n, _PACK_SIZE)
        ]
        return torch.cat([part.u for part in parts]), torch.cat([part.x for part in parts])

    @torch.no_grad()
    def _batch(self, rows: np.ndarray, seed: int, step: int) -> Batch:
        """Observe the galaxies at `rows` with the noise of `step`."""
        generator = chunk_generator(seed, step, self.device, Purpose.NOISE)
        spectra = ModelSpectra(
            self._read_flux(rows).to(self.device), self._phot[rows].to(self.device)
        )
        redshift = self.redshift[rows].to(self.device)
        conditions = self.conditions.sample_at(redshift, self.instrument, generator)
        observation = self.noise.observe(spectra, conditions, generator)
        theta = self.theta[rows].to(self.device)
        truth = Derived(*(values[rows].to(self.device) for values in self.derived))
        target = point_targets(truth, theta[:, self.space.mh])
        return Batch(self.layout.pack(observation), self.space.to_u(theta), target)

    def _read_flux(self, rows: np.ndarray) -> Tensor:
        """Spectra at `rows`, in their order; HDF5 wants ascending indices."""
        ascending = np.argsort(rows)
        flux = np.empty((len(rows), self.layout.n_pix), dtype=np.float32)
        with h5py.File(self.path, "r") as file:
            flux[ascending] = file["flux"][rows[ascending]]
        return torch.from_numpy(flux)
