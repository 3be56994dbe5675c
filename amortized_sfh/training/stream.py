"""Endless training spectra: simulated and observed when they are needed, never seen twice."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import NamedTuple

import torch
from torch import Tensor

from amortized_sfh.networks.input_layout import Layout
from amortized_sfh.networks.point_heads import PointEstimate, point_targets
from amortized_sfh.quantities.derived import derive
from simulators.generative import GenerativeModel, Mock


class Batch(NamedTuple):
    """What one training step sees.

    Attributes
    ----------
    x
        Packed data, shape (n, n_x).
    u
        Unbounded parameters, shape (n, n_param).
    target
        True values of what the point network estimates.
    """

    x: Tensor
    u: Tensor
    target: PointEstimate

    def to(self, device: torch.device | str) -> Batch:
        """The same batch on another device."""
        target = PointEstimate(*(t.to(device) for t in self.target))
        return Batch(self.x.to(device), self.u.to(device), target)

    def split(self, size: int) -> list[Batch]:
        """Consecutive parts of `size` spectra."""
        parts = zip(
            self.x.split(size),
            self.u.split(size),
            *(t.split(size) for t in self.target),
            strict=True,
        )
        return [Batch(x, u, PointEstimate(*target)) for x, u, *target in parts]


class Stream:
    """Draws training batches from a generative model.

    Parameters
    ----------
    generative
        Prior, forward model, noise and conditions.
    seed
        Chunk k of the same seed is always the same.
    chunk_size
        Spectra simulated at once; a multiple of the batch size.
    """

    def __init__(self, generative: GenerativeModel, seed: int = 0, chunk_size: int = 1024) -> None:
        self.generative, self.seed, self.chunk_size = generative, seed, chunk_size
        self.layout = Layout.of(generative.instrument)

    def batches(self, batch_size: int, first_step: int = 0) -> Iterator[Batch]:
        """Batches from `first_step` on, without end.

        Parameters
        ----------
        batch_size
            Spectra per batch; divides `chunk_size`.
        first_step
            Number of the first batch.

        Yields
        ------
        Batch
            Never the same twice.

        Raises
        ------
        ValueError
            If the batch size does not divide the chunk; at once, before anything is simulated.
        """
        if self.chunk_size % batch_size:
            raise ValueError(
                f"batch size {batch_size} does not divide the chunk of {self.chunk_size} spectra: "
                "choose a divisor or another chunk_size"
            )
        return self._batches(batch_size, first_step)

    def _batches(self, batch_size: int, first_step: int) -> Iterator[Batch]:
        per_chunk = self.chunk_size // batch_size
        for step in count(first_step):
            chunk, part = divmod(step, per_chunk)
            if part == 0 or step == first_step:
                mock = self.generative.mock(self.chunk_size, self.seed, chunk)
                parts = pack_batch(self.generative, self.layout, mock).split(batch_size)
            yield parts[part]


@torch.no_grad()
def pack_batch(generative: GenerativeModel, layout: Layout, mock: Mock) -> Batch:
    """Network input and targets of mocks.

    Parameters
    ----------
    generative
        Where the mocks come from.
    layout
        Positions in the packed input.
    mock
        Truth and observations.

    Returns
    -------
    Batch
        Of the same size.
    """
    simulator = generative.simulator
    target = point_targets(derive(simulator, mock.theta), mock.theta[:, simulator.space.mh])
    return Batch(layout.pack(mock.observation), simulator.space.to_u(mock.theta), target)
