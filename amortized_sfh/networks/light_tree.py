"""Coordinates in which data speak along axes: how the light splits between younger and older stars.

A spectrum fixes how much of the light is young, intermediate and old; how a step between two
neighbouring age bins divides it further is mostly prior. Over steps, the first is a thin curved
sheet that a flow needs very long to learn. This fixed transformation, an early layer of the flow,
replaces the steps by a balanced binary tree: the root is the logit of the light share of the
younger half of the bins, its children split the halves, and so on. The metallicities are rotated to
their principal axes under the prior, and the first axis, their common level, gives way to the mean
[M/H] weighted by the light shares of the draw itself. It is a bijection with an exact determinant,
so the flow remains a density over u.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from nflows.transforms import Transform
from torch import Tensor

from priors.bijections import StudentTScore
from simulators.generative import GenerativeModel

_LN10 = math.log(10.0)
_KNEE = 2.0
_N_PRIOR = 20_000


class LightTree(Transform):
    """Steps and metallicities in u to standardised tree logits and principal axes.

    Parameters
    ----------
    n_bins
        Number of age bins.
    n_param
        Number of parameters; those after steps and metallicities pass unchanged.

    Notes
    -----
    The buffers hold what `fit` measures: the scales of the steps in u, the log of width times
    V-band light of each bin, and location and scale or rotation of the new coordinates under the
    prior.
    """

    def __init__(self, n_bins: int, n_param: int) -> None:
        super().__init__()
        self.n_bins, self.n_param = n_bins, n_param
        self._splits = _splits(n_bins)
        n_step = n_bins - 1
        self._sizes = [n_step, n_bins, n_param - n_step - n_bins]
        self.register_buffer("step_scale", torch.ones(n_step))
        self.register_buffer("log_light", torch.zeros(n_bins))
        self.register_buffer("tree_loc", torch.zeros(n_step))
        self.register_buffer("tree_scale", torch.ones(n_step))
        self.register_buffer("mh_loc", torch.zeros(n_bins))
        self.register_buffer("mh_rotation", torch.eye(n_bins))
        self.register_buffer("mh_inverse", torch.eye(n_bins))
        self.register_buffer("mh_slope", torch.ones(n_bins))
        self.register_buffer("mh_offset", torch.zeros(n_bins))
        self.register_buffer("mean_loc", torch.zeros(()))
        self.register_buffer("mean_scale", torch.ones(()))

    @torch.no_grad()
    def fit(self, generative: GenerativeModel) -> LightTree:
        """Set the buffers from the populations and from prior draws of a fixed seed.

        Parameters
        ----------
        generative
            Model of the data, whose prior is drawn from and whose populations give the light.

        Returns
        -------
        LightTree
            The layer itself, changed in place.
        """
        prior, simulator = generative.prior, generative.simulator
        described = [p.bijection.to_dict() for p in prior.space.parameters[prior.space.sfh]]
        self.step_scale.copy_(torch.tensor([d["scale"] for d in described]))
        theta = prior.sample((_N_PRIOR,), torch.Generator(simulator.device).manual_seed(0))
        light = prior.bins.widths_yr.to(theta) * simulator.populations(theta).lum_v.median(0).values
        self.log_light.copy_(light.log() - light.log().mean())
        steps, mh, _ = prior.space.to_u(theta).split(self._sizes, dim=-1)
        tree, share, _ = self._grow(steps)
        self.tree_loc.copy_(tree.mean(0))
        self.tree_scale.copy_(tree.std(0))
        mh = mh.double()
        self.mh_loc.copy_(mh.mean(0))
        values, vectors = torch.linalg.eigh(torch.cov(mh.T))
        vectors = vectors * vectors.sum(0).sign()
        self.mh_rotation.copy_(vectors.flip(1) / values.flip(0).sqrt())
        self.mh_inverse.copy_((vectors * values.sqrt()).flip(1).T)
        clips = [p.bijection.to_dict() for p in prior.space.parameters[prior.space.mh]]
        self.mh_slope.copy_(torch.tensor([d["scale"] for d in clips]))
        self.mh_offset.copy_(torch.tensor([d["loc"] for d in clips]))
        mean = self._light_mean(share, mh.float())
        self.mean_loc.copy_(mean.mean())
        self.mean_scale.copy_(mean.std())
        return self

    def forward(self, inputs: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return the coordinates of u, shape (n, n_param), and log|determinant|, shape (n,)."""
        steps, mh, rest = inputs.split(self._sizes, dim=-1)
        tree, share, log_det = self._grow(steps)
        tree = (tree - self.tree_loc) / self.tree_scale
        log_det = log_det - self.tree_scale.log().sum()
        log_det = log_det + torch.linalg.slogdet(self.mh_rotation.double())[1].to(log_det)
        axes = (mh - self.mh_loc) @ self.mh_rotation
        mean = (self._light_mean(share, mh) - self.mean_loc) / self.mean_scale
        log_det = log_det + self._mean_per_level(share).log() - self.mean_scale.log()
        return torch.cat([tree, mean[..., None], axes[..., 1:], rest], dim=-1), log_det

    def inverse(self, inputs: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return u of coordinates (n, n_param), and log|determinant| of the inverse, (n,)."""
        u = self.to_u(inputs)
        _, log_det = self.forward(u)
        return u, -log_det

    def to_u(self, values: Tensor) -> Tensor:
        """Return u of coordinates (..., n_param), the inverse of `forward` without determinant."""
        tree, axes, rest = values.split(self._sizes, dim=-1)
        log_share = self._log_share(tree * self.tree_scale + self.tree_loc)
        # the level that gives the mean, the other axes being what they are
        others = torch.cat([torch.zeros_like(axes[..., :1]), axes[..., 1:]], dim=-1)
        mh = others @ self.mh_inverse + self.mh_loc
        share = log_share.exp()
        mean = axes[..., 0] * self.mean_scale + self.mean_loc
        level = (mean - self._light_mean(share, mh)) / self._mean_per_level(share)
        mh = mh + level[..., None] * self.mh_inverse[0]
        steps = -torch.diff((log_share - self.log_light) / _LN10, dim=-1)
        return torch.cat([StudentTScore(self.step_scale).forward(steps), mh, rest], dim=-1)

    def _light_mean(self, share: Tensor, mh: Tensor) -> Tensor:
        """Light-weighted mean [M/H] (before the soft walls) of metallicities in u, shape (...)."""
        return (share * (self.mh_slope * mh + self.mh_offset)).sum(-1)

    def _mean_per_level(self, share: Tensor) -> Tensor:
        """Derivative of that mean with respect to the first principal axis; positive."""
        return (share * self.mh_slope * self.mh_inverse[0]).sum(-1)

    def _grow(self, u: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Compressed logits of the tree, light shares, log-determinant from u to the logits."""
        score = StudentTScore(self.step_scale)
        steps = score.inverse(u)
        # a step is younger minus older: log SFR relative to the oldest bin, then log light
        relative = F.pad(steps.flip(-1).cumsum(-1).flip(-1), (0, 1)) * _LN10
        log_share = torch.log_softmax(relative + self.log_light, dim=-1)
        log_det = log_share.sum(-1) - score.log_abs_det(steps).sum(-1)
        log_det = log_det + (self.n_bins - 1) * math.log(_LN10)
        nodes = []
        for low, middle, high in self._splits:
            young = torch.logsumexp(log_share[..., low:middle], dim=-1)
            old = torch.logsumexp(log_share[..., middle:high], dim=-1)
            logit = young - old
            node = torch.logaddexp(young, old)
            # d(shares) / d(logit) contributes node * s (1 - s)
            log_det = log_det - (node - F.softplus(logit) - F.softplus(-logit))
            nodes.append(logit)
        logits = torch.stack(nodes, dim=-1)
        log_det = log_det - 0.5 * torch.log1p((logits / _KNEE).square()).sum(-1)
        log_det = log_det - len(self._splits) * math.log(_KNEE)
        return torch.asinh(logits / _KNEE), log_share.exp(), log_det

    def _log_share(self, tree: Tensor) -> Tensor:
        """Log of the light shares of compressed logits: the inverse of `_grow`."""
        logits = _KNEE * torch.sinh(tree)
        log_node = {(0, self.n_bins): torch.zeros_like(logits[..., 0])}
        for k, (low, middle, high) in enumerate(self._splits):
            parent = log_node[low, high]
            log_node[low, middle] = parent - F.softplus(-logits[..., k])
            log_node[middle, high] = parent - F.softplus(logits[..., k])
        return torch.stack([log_node[i, i + 1] for i in range(self.n_bins)], dim=-1)


def _splits(n_bins: int) -> list[tuple[int, int, int]]:
    """Nodes (low, middle, high) of a balanced binary tree over bins, parents first."""
    splits, todo = [], [(0, n_bins)]
    for low, high in todo:  # the list grows while it is read
        if high - low > 1:
            middle = (low + high) // 2
            splits.append((low, middle, high))
            todo += [(low, middle), (middle, high)]
    return splits
