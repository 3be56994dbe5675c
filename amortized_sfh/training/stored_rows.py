"""Rows of a fixed set in an HDF5 file: written chunk by chunk, read in a random order."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from itertools import count

import h5py
import numpy as np
import torch
from torch import Tensor

from simulators.runs.parallel import map_on


def write_in_chunks(
    file: h5py.File,
    shape: tuple[int, int],
    make: Callable[[int], Mapping[str, Tensor]],
    device: torch.device,
    progress: Callable[[int], None] | None = None,
) -> None:
    """Fill a file, from where a stopped run left off; the last chunk may be cut.

    Parameters
    ----------
    file
        HDF5 file open for writing; its attribute `n_chunks_done` is kept up to date.
    shape
        Number of rows of the whole file, and of one chunk.
    make
        Makes the chunk of a number: rows of every data set by its name.
    device
        Torch device on which chunks are made.
    progress
        Called with the number of rows done after each chunk; nothing by default.
    """
    n, size = shape
    chunks = range(int(file.attrs.get("n_chunks_done", 0)), math.ceil(n / size))
    for chunk, columns in zip(chunks, map_on(device, make, chunks), strict=True):
        rows = slice(chunk * size, min((chunk + 1) * size, n))
        for name, column in columns.items():
            values = column[: rows.stop - rows.start].cpu().numpy()
            if name not in file:
                file.create_dataset(name, (n, *values.shape[1:]), values.dtype)
            file[name][rows] = values
        # the data reach the file before the counter says so
        file.flush()
        file.attrs["n_chunks_done"] = chunk + 1
        file.flush()
        if progress is not None:
            progress(rows.stop)


def shuffled_batches(
    n: int, batch_size: int, seed: int = 0, first_step: int = 0
) -> Iterator[np.ndarray]:
    """Row numbers of random batches, without end: another order in every pass.

    Parameters
    ----------
    n
        Number of rows of the set.
    batch_size
        Rows per batch, at most `n`; a last batch that is not full is left out of a pass.
    seed
        Source of randomness; the same seed gives the same orders.
    first_step
        Number of the first batch, 0 at the start of a training.

    Yields
    ------
    ndarray
        Row numbers of the next batch, int64, shape (batch_size,).

    Examples
    --------
    >>> batches = shuffled_batches(6, 3)
    >>> sorted([*next(batches).tolist(), *next(batches).tolist()])
    [0, 1, 2, 3, 4, 5]
    """
    per_pass = n // batch_size
    current, shuffled_rows = -1, np.arange(n)
    for step in count(first_step):
        number, part = divmod(step, per_pass)
        if number != current:
            current = number
            shuffled_rows = np.random.default_rng((seed, number)).permutation(n)
        yield shuffled_rows[part * batch_size : (part + 1) * batch_size]
