"""Batches made ahead of the training by a second process."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch.utils.data import DataLoader, IterableDataset

from amortized_sfh.training.stream import Batch, Stream

#: Largest number of batches that wait for the training.
N_WAITING = 16


@dataclass(frozen=True)
class _StreamFrom(IterableDataset[Batch]):
    """Batches of a stream from one step on, as torch's loaders want them."""

    stream: Stream
    batch_size: int
    first_step: int

    def __iter__(self) -> Iterator[Batch]:
        return self.stream.batches(self.batch_size, self.first_step)


def prefetch(stream: Stream, batch_size: int, first_step: int = 0) -> Iterator[Batch]:
    """Yield the batches of a stream, simulated in a second process while the first one trains.

    Parameters
    ----------
    stream
        Stream of mock spectra, on the CPU.
    batch_size
        Number of spectra per batch; divides the chunk of the stream.
    first_step
        Number of the first batch, 0 at the start of a training.

    Yields
    ------
    Batch
        The same as `stream.batches(batch_size, first_step)`; the process starts with the first one.

    Raises
    ------
    ValueError
        If the stream simulates on a GPU, where a second process would gain nothing, or the batch
        size does not divide its chunk.
    """
    device = stream.generative.simulator.device
    if device.type != "cpu":
        raise ValueError(f"cannot prefetch on {device}: expected the CPU, leave --prefetch out")
    stream.batches(batch_size, first_step)  # checks
    return _from_worker(_StreamFrom(stream, batch_size, first_step))


def _from_worker(batches: _StreamFrom) -> Iterator[Batch]:
    yield from DataLoader(
        batches,
        batch_size=None,
        num_workers=1,
        prefetch_factor=N_WAITING,
        worker_init_fn=_start_worker,
    )


def _start_worker(_: int) -> None:
    # denormal numbers are slow on CPUs and worth nothing
    torch.set_flush_denormal(True)
