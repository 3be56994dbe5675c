"""Draws of a flow with their kinematics, for those who impose other kinematics on them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from amortized_sfh.inference.sampler import FlowSampler
from priors.bijections import Bijection
from priors.space import ParameterSpace

__all__ = ["FlowPool"]


@dataclass(frozen=True)
class FlowPool:
    """Posteriors of n_obs observations, as :func:`~amortized_sfh.inference.kinematics.impose` asks.

    Parameters
    ----------
    space : ParameterSpace
        Of the model.
    sampler : FlowSampler
        Of its flow.
    latent : Tensor
        Latent vectors, shape (n_obs, n_latent).
    generator : torch.Generator
        Source of randomness, on the device of the model.
    """

    space: ParameterSpace
    sampler: FlowSampler
    latent: Tensor
    generator: torch.Generator

    @property
    def _columns(self) -> tuple[int, int]:
        return self.space.index("velocity"), self.space.index("log_sigma")

    def _bijections(self) -> list[Bijection]:
        return [self.space.parameters[j].bijection for j in self._columns]

    def draw(self, rows: Tensor, n: int) -> tuple[Tensor, Tensor, Tensor]:
        """Draw u, with velocity and dispersion in km/s.

        Parameters
        ----------
        rows : Tensor
            Which observations, int64, shape (n_rows,).
        n : int
            Draws of each.

        Returns
        -------
        tuple of Tensor
            (n_rows, n, n_param), and (n_rows, n) twice.
        """
        u = self.sampler.sample(self.latent[rows], n, self.generator)
        velocity, log_sigma = (
            bijection.inverse(u[..., j : j + 1].double())[..., 0]
            for j, bijection in zip(self._columns, self._bijections(), strict=True)
        )
        return u, velocity, 10.0**log_sigma

    def coordinates(self, velocity: Tensor, sigma: Tensor) -> Tensor:
        """Return the columns of u that belong to velocities and dispersions in km/s.

        Parameters
        ----------
        velocity, sigma : Tensor
            Any shape.

        Returns
        -------
        Tensor
            Shape (..., 2); not finite beyond the bounds of the parameters.
        """
        pairs = zip(self._bijections(), (velocity, torch.log10(sigma)), strict=True)
        return torch.cat([bijection.forward(x[..., None]) for bijection, x in pairs], dim=-1)

    def with_kinematics(self, values: Tensor, velocity: Tensor, sigma: Tensor) -> Tensor:
        """Return draws of u with other velocities and dispersions.

        Parameters
        ----------
        values : Tensor
            u, shape (n_rows, n, n_param).
        velocity, sigma : Tensor
            In km/s, one for all draws of a row, shape (n_rows,).

        Returns
        -------
        Tensor
            The shape of ``values``.
        """
        place = self.coordinates(velocity.double(), sigma.double()).to(values)
        moved = values.clone()
        moved[..., list(self._columns)] = place[:, None].expand(-1, values.shape[1], -1)
        return moved
