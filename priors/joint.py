"""The joint prior over theta, and the same over the unbounded u.

Both are torch Distributions with an explicit generator: sbi accepts them, and importance weights
and NUTS use their exact densities. Start here: ``default_prior()``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.distributions import Distribution, constraints

from priors.ages import AgeBins
from priors.families.history_prior import HistoryPrior
from priors.families.nuisance import Nuisance
from priors.fit_coordinates import fit_coordinates
from priors.portable import Portable
from priors.space import ParameterSpace


class JointPrior(Portable, Distribution):
    """The prior over theta: history x enrichment x nuisances, independent blocks.

    Parameters
    ----------
    bins : AgeBins
        Age bins of the histories, youngest first.
    sfh : HistoryPrior
        Prior of the log-SFR steps between age bins.
    enrichment : HistoryPrior
        Prior of the metallicities of the age bins.
    nuisances : sequence of Nuisance
        Independent priors of the other parameters.
    space : ParameterSpace, optional
        Order, bounds and coordinates of the parameters; by default those of `fit_coordinates`.

    Raises
    ------
    ValueError
        If the blocks do not fit the bins or the space.
    """

    arg_constraints: ClassVar[dict[str, Any]] = {}

    def __init__(
        self,
        bins: AgeBins,
        sfh: HistoryPrior,
        enrichment: HistoryPrior,
        nuisances: Sequence[Nuisance],
        space: ParameterSpace | None = None,
    ) -> None:
        space = fit_coordinates(sfh, enrichment, nuisances) if space is None else space
        n_expected = bins.n_steps + bins.n_bins + len(nuisances)
        if space.n_bins != bins.n_bins or space.n_param != n_expected:
            raise ValueError(
                f"the space has {space.n_param} parameters over {space.n_bins} bins; expected "
                f"{n_expected} over {bins.n_bins}. Build all blocks from the same AgeBins."
            )
        self.bins, self.space = bins, space
        self.sfh, self.enrichment, self.nuisances = sfh, enrichment, tuple(nuisances)
        self._low, self._high = space.low, space.high
        middle = 0.5 * (self._low + self._high)
        self._interior = torch.where(torch.isfinite(self._low), middle, 0.0)
        super().__init__(torch.Size(), torch.Size([space.n_param]), validate_args=False)

    @property
    def support(self) -> constraints.Constraint:
        """Box of the bounds of theta, as torch describes it."""
        return constraints.independent(constraints.interval(self._low, self._high), 1)

    def sample(
        self,
        sample_shape: Sequence[int] | torch.Size = (),
        generator: torch.Generator | None = None,
    ) -> Tensor:
        r"""Draw parameters.

        Parameters
        ----------
        sample_shape : sequence of int
            Leading shape of the draws; () for one.
        generator : torch.Generator, optional
            Source of randomness on the prior's device; torch's global one when None.

        Returns
        -------
        Tensor, shape (\*sample_shape, n_param)
            Draws of theta, float32, strictly inside the bounds.
        """
        shape = torch.Size(sample_shape)
        n = math.prod(shape)
        device = self._low.device
        others = [item.marginal.sample(n, generator)[:, None].to(device) for item in self.nuisances]
        blocks = [self.sfh.sample(n, generator), self.enrichment.sample(n, generator), *others]
        return torch.cat(blocks, dim=-1).reshape(*shape, self.space.n_param)

    def log_prob(self, theta: Tensor) -> Tensor:
        """Exact log density.

        Parameters
        ----------
        theta : Tensor, shape (..., n_param)
            Parameters, in the order of `space`.

        Returns
        -------
        Tensor, shape (...)
            Log density in the units of theta; -inf outside the bounds and for NaN.

        Raises
        ------
        ValueError
            If the last dimension is not n_param.
        """
        if theta.shape[-1:] != (self.space.n_param,):
            raise ValueError(
                f"theta has shape {tuple(theta.shape)}; expected {self.space.n_param} in the last "
                "dimension."
            )
        rows = theta.reshape(-1, self.space.n_param)
        inside = ((rows > self._low.to(rows)) & (rows < self._high.to(rows))).all(-1)
        rows = torch.where(inside[:, None], rows, self._interior.to(rows))
        value = self.sfh.log_prob(rows[:, self.space.sfh])
        value = value + self.enrichment.log_prob(rows[:, self.space.mh])
        for item, column in zip(self.nuisances, rows[:, self.space.nuisance].T, strict=True):
            value = value + item.marginal.log_prob(column)
        return torch.where(inside, value, -math.inf).reshape(theta.shape[:-1])


class UnboundedPrior(Portable, Distribution):
    """The same prior over u, for networks, sbi and NUTS.

    Parameters
    ----------
    joint : JointPrior
        The same prior over theta.
    """

    arg_constraints: ClassVar[dict[str, Any]] = {}
    support = constraints.independent(constraints.real, 1)

    def __init__(self, joint: JointPrior) -> None:
        self.joint, self.space = joint, joint.space
        super().__init__(torch.Size(), joint.event_shape, validate_args=False)

    def sample(
        self,
        sample_shape: Sequence[int] | torch.Size = (),
        generator: torch.Generator | None = None,
    ) -> Tensor:
        r"""Draw unbounded parameters, shape (\*sample_shape, n_param); see `JointPrior.sample`."""
        return self.space.to_u(self.joint.sample(sample_shape, generator))

    def log_prob(self, u: Tensor) -> Tensor:
        """Exact log density over u, shape (..., n_param) -> (...)."""
        theta = self.space.to_theta(u)
        return self.joint.log_prob(theta) - self.space.log_abs_det(theta)
