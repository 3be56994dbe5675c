"""Endless training spectra: simulated and observed when they are needed, never seen twice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count

import torch
from torch import Tensor

from amortized_sfh.networks.input_layout import Layout
from amortized_sfh.networks.point_heads import PointEstimate, point_targets
from amortized_sfh.quantities.derived import derive
from priors.portable import Portable
from simulators.generative import GenerativeModel, Mock


@dataclass(frozen=True)
class Batch(Portable):
    """Mock spectra of one training step with their truth.

    Parameters
    ----------
    x
        Packed data, shape (n, n_x).
    u
        True parameters in unbounded coordinates, shape (n, n_param).
    target
        True values of the quantities that the point heads estimate.
    """

    x: Tensor
    u: Tensor
    target: PointEstimate

    def __getitem__(self, rows: slice) -> Batch:
        """Some of the spectra, with their truth."""
        target = PointEstimate(*(values[rows] for values in self.target))
        return Batch(self.x[rows], self.u[rows], target)


class Stream:
    """Endless training batches drawn from a generative model.

    Parameters
    ----------
    generative
        Prior, forward model, noise and observing conditions.
    seed
        Source of randomness; chunk k of the same seed is always the same.
    chunk_size
        Number of spectra simulated at once; a multiple of the batch size.
    """

    def __init__(self, generative: GenerativeModel, seed: int = 0, chunk_size: int = 1024) -> None:
        self.generative, self.seed, self.chunk_size = generative, seed, chunk_size
        self.layout = Layout.of(generative.instrument)

    def batches(self, batch_size: int, first_step: int = 0) -> Iterator[Batch]:
        """Batches from `first_step` on, without end.

        Parameters
        ----------
        batch_size
            Number of spectra per batch; divides `chunk_size`.
        first_step
            Number of the first batch, 0 at the start of a training.

        Yields
        ------
        Batch
            The next spectra, none of which comes twice.

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
                batch = pack_batch(self.generative, self.layout, mock)
            yield batch[part * batch_size : (part + 1) * batch_size]


@torch.no_grad()
def pack_batch(generative: GenerativeModel, layout: Layout, mock: Mock) -> Batch:
    """Turn mocks into network input and targets.

    Parameters
    ----------
    generative
        Model of the data that the mocks were drawn from.
    layout
        Positions of spectrum, bands and redshift in the packed input.
    mock
        True parameters of n galaxies and their observations.

    Returns
    -------
    Batch
        Input and targets of the same n.
    """
    simulator = generative.simulator
    target = point_targets(derive(simulator, mock.theta), mock.theta[:, simulator.space.mh])
    return Batch(layout.pack(mock.observation), simulator.space.to_u(mock.theta), target)
