"""Endless training spectra: drawn, simulated and observed when they are needed, never seen twice."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from amortized_sfh.inference.derived import derive
from amortized_sfh.networks.layout import Layout
from amortized_sfh.networks.point import PointEstimate, point_targets
from priors.joint import JointPrior
from simulators.conditions import ConditionsPrior
from simulators.noise import NoiseModel
from simulators.observation import Observation
from simulators.simulator import Simulator, Spectra


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

    def split(self, size: int) -> list[Batch]:
        """Consecutive parts of `size` spectra."""
        parts = zip(
            self.x.split(size),
            self.u.split(size),
            *(t.split(size) for t in self.target),
            strict=True,
        )
        return [Batch(x, u, PointEstimate(*target)) for x, u, *target in parts]


class Mock(NamedTuple):
    """Observations with their truth.

    Attributes
    ----------
    theta
        True parameters, shape (n, n_param).
    spectra
        Noise-free light.
    observation
        What was observed.
    """

    theta: Tensor
    spectra: Spectra
    observation: Observation


class Stream:
    """Draws mocks and training batches from a prior.

    Parameters
    ----------
    prior
        Distribution of theta.
    simulator
        Forward model.
    noise
        Noise model.
    conditions
        Distribution of observing conditions.
    seed
        Chunk k of the same seed is always the same.
    """

    def __init__(
        self,
        prior: JointPrior,
        simulator: Simulator,
        noise: NoiseModel,
        conditions: ConditionsPrior | None = None,
        seed: int = 0,
    ) -> None:
        self.prior, self.simulator, self.noise = prior, simulator, noise
        self.conditions = conditions or ConditionsPrior()
        self.seed = seed
        instrument = simulator.instrument
        self.layout = Layout(instrument.grid.n_pix, len(instrument.bands))

    @torch.no_grad()
    def mock(self, n: int, chunk: int = 0) -> Mock:
        """Observations of histories drawn from the prior.

        Parameters
        ----------
        n
            How many.
        chunk
            Number of the chunk; the same (seed, chunk, n) gives the same mocks.

        Returns
        -------
        Mock
            Truth, noise-free light and observation.
        """
        generator = torch.Generator(self.simulator.device)
        generator.manual_seed((self.seed << 32) + chunk)
        theta = self.prior.sample((n,), generator=generator)
        conditions = self.conditions.sample(n, self.simulator.instrument, generator)
        spectra = self.simulator(theta, conditions.redshift)
        return Mock(theta, spectra, self.noise.observe(spectra, conditions, generator))

    @torch.no_grad()
    def batch(self, n: int, chunk: int) -> Batch:
        """A training batch; arguments as `mock`."""
        mock = self.mock(n, chunk)
        mh = mock.theta[:, self.simulator.space.mh]
        target = point_targets(derive(self.simulator, mock.theta), mh)
        x = self.layout.pack(mock.observation)
        return Batch(x, self.simulator.space.to_u(mock.theta), target)
