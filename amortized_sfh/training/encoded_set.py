"""Spectra that went through an encoder once, so that flow and heads can see them many times.

A frozen encoder gives the same latent vector for the same spectrum, and the flow learns several
times faster from latent vectors than spectra can be simulated and encoded.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

import h5py
import torch
from torch import Tensor

from amortized_sfh.networks.encoder import Encoder
from amortized_sfh.networks.point_heads import PointEstimate
from amortized_sfh.training.stored_rows import shuffled_batches, write_in_chunks
from amortized_sfh.training.stream import Stream
from simulators.files.checksum import tensors_sha256

_FORMAT = "latent vectors, version 1"
_FIELDS = ("latent", "u", *PointEstimate._fields)


class EncodedBatch(NamedTuple):
    """Encoded spectra of one training step with a frozen encoder.

    Attributes
    ----------
    latent
        Latent vectors, shape (n, n_latent).
    u
        True parameters in unbounded coordinates, shape (n, n_param).
    target
        True values of the quantities that the point heads estimate.
    """

    latent: Tensor
    u: Tensor
    target: PointEstimate


def encode_to_file(
    encoder: Encoder,
    stream: Stream,
    n: int,
    path: Path,
    progress: Callable[[int], None] | None = None,
) -> Path:
    """Encode the first n spectra of a stream; a file that a stopped run left is gone on with.

    Parameters
    ----------
    encoder
        Trained encoder, on the device of the stream.
    stream
        Stream of mock spectra with their truth.
    n
        Number of spectra, rounded up to whole chunks of the stream.
    path
        File to write; called ``<path>.part`` until it is complete. If it exists, it is kept.
    progress
        Called with the number of spectra that are done after each chunk; nothing by default.

    Returns
    -------
    Path
        Path of the complete file.

    Raises
    ------
    ValueError
        If the file belongs to another encoder, seed or number.
    """
    n_rows = stream.chunk_size * math.ceil(n / stream.chunk_size)
    weights = tensors_sha256(encoder.state_dict())[:16]
    source = f"{_FORMAT}: {n_rows} spectra of seed {stream.seed}, encoder {weights}"
    if path.exists():
        with h5py.File(path, "r") as file:
            _check_source(file, source)
        return path
    part = path.with_name(path.name + ".part")
    with h5py.File(part, "a") as file:
        file.attrs.setdefault("source", source)
        _check_source(file, source)
        make = partial(_encode_chunk, encoder, stream)
        device = stream.generative.simulator.device
        write_in_chunks(file, (n_rows, stream.chunk_size), make, device, progress)
    part.replace(path)
    return path


def _check_source(file: h5py.File, expected: str) -> None:
    """Refuse a file that holds something else."""
    found = file.attrs.get("source")
    if found != expected:
        raise ValueError(f"{file.filename} holds {found!r}, expected {expected!r}: remove it")


@torch.no_grad()
def _encode_chunk(encoder: Encoder, stream: Stream, chunk: int) -> dict[str, Tensor]:
    """Data sets of one chunk of the stream."""
    batch = next(stream.batches(stream.chunk_size, chunk))
    return dict(zip(_FIELDS, (encoder(batch.x).half(), batch.u, *batch.target), strict=True))


class EncodedSet:
    """Encoded spectra of a file; all of them are in memory.

    Parameters
    ----------
    path
        File made by `encode_to_file`.
    device
        torch device on which batches are returned.
    """

    def __init__(self, path: Path, device: torch.device | str = "cpu") -> None:
        self.device = torch.device(device)
        with h5py.File(path, "r") as file:
            self._columns = [torch.from_numpy(file[name][...]) for name in _FIELDS]

    def __len__(self) -> int:
        """Count the spectra."""
        return len(self._columns[0])

    def batches(
        self, batch_size: int, seed: int = 0, first_step: int = 0
    ) -> Iterator[EncodedBatch]:
        """Batches without end, in a new order in every pass.

        Parameters
        ----------
        batch_size
            Number of spectra per batch.
        seed
            Source of randomness of the order.
        first_step
            Number of the first batch, 0 at the start of a training.

        Returns
        -------
        Iterator of EncodedBatch
            Batches that are the same for the same arguments.

        Raises
        ------
        ValueError
            If there are fewer spectra than a batch has.
        """
        if batch_size > len(self):
            raise ValueError(f"batch size {batch_size} is more than the {len(self)} spectra")
        batches_of_rows = shuffled_batches(len(self), batch_size, seed, first_step)
        return (self._batch(torch.from_numpy(rows)) for rows in batches_of_rows)

    def _batch(self, rows: Tensor) -> EncodedBatch:
        latent, u, *target = (column[rows].to(self.device) for column in self._columns)
        return EncodedBatch(latent.float(), u, PointEstimate(*target))
