"""Coordinates of histories that are independent, with unit variance, under the prior.

They are those in which the flow works, in which the data speak along axes and posteriors are close
to Gaussian, freed of their prior mean and covariance. In them "1.5 prior standard deviations out"
is a distance of 1.5 along any axis.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from amortized_sfh.model.model import PosteriorModel
from amortized_sfh.networks.flow import fixed_coordinates
from amortized_sfh.networks.light_tree import LightTree
from priors.space import ParameterSpace

_N_PRIOR = 20_000


@dataclass(frozen=True)
class PriorCoordinates:
    """Bijection between theta and coordinates of zero mean and unit covariance under the prior.

    Parameters
    ----------
    space
        Parameters theta with their bounds.
    tree
        Fixed coordinates of the flow, if it has any; else those of the space are taken.
    mean, cholesky
        Prior mean, shape (n_param,), and Cholesky factor of the prior covariance, shape
        (n_param, n_param), in those coordinates; float64.
    prior_draws
        Draws from the prior in the new coordinates, shape (n, n_param).
    """

    space: ParameterSpace
    tree: LightTree | None
    mean: Tensor
    cholesky: Tensor
    prior_draws: Tensor

    @classmethod
    def of(cls, model: PosteriorModel) -> PriorCoordinates:
        """Make the coordinates of a model, from prior draws of a fixed seed.

        Parameters
        ----------
        model
            Trained model, whose prior and flow are taken.

        Returns
        -------
        PriorCoordinates
            Coordinates with all tensors on the device of the model.
        """
        prior, n = model.generative.prior, model.space.n_param
        start = torch.zeros(n, dtype=torch.float64, device=model.device)
        plain = cls(
            prior.space, fixed_coordinates(model.flow), start, torch.eye(n).to(start), start[None]
        )
        theta = prior.sample((_N_PRIOR,), torch.Generator(model.device).manual_seed(0))
        raw = plain.from_theta(theta)
        cholesky = torch.linalg.cholesky(torch.cov(raw.T))
        whitened = replace(plain, mean=raw.mean(0), cholesky=cholesky)
        return replace(whitened, prior_draws=whitened.from_theta(theta))

    @torch.no_grad()
    def from_theta(self, theta: Tensor) -> Tensor:
        """Return the coordinates of theta, shape (..., n_param), float64."""
        u = self.space.to_u(theta)
        if self.tree is not None:
            u = self.tree(u.flatten(0, -2))[0].view(u.shape)
        raw = (u.double() - self.mean).transpose(-1, -2)
        return torch.linalg.solve_triangular(self.cholesky, raw, upper=False).transpose(-1, -2)

    @torch.no_grad()
    def to_theta(self, z: Tensor) -> Tensor:
        """Return the theta of coordinates z, shape (..., n_param), float32."""
        u = (z @ self.cholesky.T + self.mean).float()
        return self.space.to_theta(u if self.tree is None else self.tree.to_u(u))
