"""The posterior network: a neural spline flow over u, conditioned on the latent space.

The flow is an sbi density estimator on nflows. It sees the latent vector, not the data, so a
spectrum is encoded once however many draws are taken; `embed` joins encoder and flow into the
estimator over packed data that sbi's posteriors expect.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, cast

import torch
from nflows.flows import Flow
from nflows.transforms import Transform
from sbi.neural_nets.estimators.nflows_flow import NFlowsFlow as NFlowsFlow  # noqa: PLC0414
from sbi.neural_nets.net_builders import build_nsf
from torch import nn

from amortized_sfh.networks.encoder import Encoder
from amortized_sfh.networks.light_tree import LightTree
from amortized_sfh.networks.stretch_layer import stretch_layer
from simulators.generative import GenerativeModel

_NAME_IN_FILES = {"stretched": "direct", "n_stretch_bins": "n_direct_bins"}


@dataclass(frozen=True, kw_only=True)
class FlowConfig:
    """Sizes of the flow.

    Parameters
    ----------
    n_transform
        Number of coupling layers, each followed by a linear mixing of the parameters.
    n_hidden
        Width of the residual networks that set the splines.
    n_bins
        Number of bins of each rational-quadratic spline.
    n_blocks
        Number of residual blocks in each of those networks.
    tail_bound
        The splines act on [-tail_bound, tail_bound]; u has unit variance under the prior.
    stretched
        Names of the parameters that the first layer stretches on their own, because some spectra
        fix them directly; see `stretch_layer`. Without names there is no such layer.
    n_stretch_bins
        Number of bins of the splines of that layer.
    """

    n_transform: int = 6
    n_hidden: int = 128
    n_bins: int = 6
    n_blocks: int = 1
    tail_bound: float = 5.0
    stretched: tuple[str, ...] = ("mh_1",)
    n_stretch_bins: int = 8

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON, under the names that model files have for them."""
        return {_NAME_IN_FILES.get(name, name): value for name, value in asdict(self).items()}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> FlowConfig:
        """Inverse of `to_dict`, after JSON or not."""
        names = {in_files: name for name, in_files in _NAME_IN_FILES.items()}
        sizes = {names.get(name, name): value for name, value in values.items()}
        return cls(**{**sizes, "stretched": tuple(sizes["stretched"])})


def flow_over(
    generative: GenerativeModel,
    n_latent: int,
    config: FlowConfig | None = None,
    *,
    fit_coordinates: bool = True,
) -> NFlowsFlow:
    """Make the flow over the parameters of a model; see `build_flow`.

    Parameters
    ----------
    generative
        Model of the data whose parameters u the density is over.
    n_latent
        Width of the latent space.
    config
        Sizes of the flow; those of the shipped models by default.
    fit_coordinates
        If true, the `LightTree` is fitted to the prior; needless if its numbers are to be read.

    Returns
    -------
    NFlowsFlow
        Density estimator with fresh weights; see `build_flow`.
    """
    config, space = config or FlowConfig(), generative.space
    tree = LightTree(space.n_bins, space.n_param)
    if fit_coordinates:
        tree.fit(generative)
    stretched = [space.index(name) for name in config.stretched]
    return build_flow(space.n_param, n_latent, config, tree, stretched)


def build_flow(
    n_param: int,
    n_latent: int,
    config: FlowConfig,
    coordinates: Transform | None = None,
    stretched: Sequence[int] = (),
) -> NFlowsFlow:
    """Make a flow over u given a latent vector.

    Parameters
    ----------
    n_param
        Number of parameters, the length of u.
    n_latent
        Width of the latent space.
    config
        Sizes of the flow; its names of stretched parameters are not used here.
    coordinates
        Fixed layer before all splines but those of `stretched`, such as `LightTree`.
    stretched
        Columns of u that the first layer stretches; see `stretch_layer`. None by default.

    Returns
    -------
    NFlowsFlow
        Density estimator with `loss(u, latent)` for shapes (n, n_param) and (n, n_latent), and
        `sample((n_draws,), latent)`.
    """
    flow = build_nsf(
        torch.zeros(2, n_param),
        torch.zeros(2, n_latent),
        z_score_x="none",
        z_score_y="none",
        hidden_features=config.n_hidden,
        num_transforms=config.n_transform,
        num_bins=config.n_bins,
        num_blocks=config.n_blocks,
        tail_bound=config.tail_bound,
    )
    layers = flow.net._transform._transforms
    if coordinates is not None:
        layers.insert(0, coordinates)
    if stretched:
        sizes = (config.n_hidden, config.n_stretch_bins, config.tail_bound)
        layers.insert(0, stretch_layer(stretched, n_param, n_latent, *sizes))
    return flow


def fixed_coordinates(flow: nn.Module) -> LightTree | None:
    """Find the fixed coordinates of a flow made by `build_flow`.

    Parameters
    ----------
    flow
        Density estimator over u.

    Returns
    -------
    LightTree or None
        The layer itself, or None if the flow was made without fixed coordinates.
    """
    layers = cast("Flow", flow.net)._transform._transforms
    return next((layer for layer in layers if isinstance(layer, LightTree)), None)


class EvaluatingEncoder(nn.Module):
    """Encoder whose batches may have extra leading dimensions, as sbi sends them.

    Parameters
    ----------
    encoder
        Network from packed data to latent vectors; it is shared, not copied.
    """

    def __init__(self, encoder: Encoder) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Encode packed data (..., n_x) to latent vectors (..., n_latent)."""
        return self.encoder(x.reshape(-1, x.shape[-1])).view(*x.shape[:-1], -1)


def embed(encoder: Encoder, flow: NFlowsFlow) -> NFlowsFlow:
    """Join encoder and flow into an sbi estimator over packed data; weights are shared.

    Parameters
    ----------
    encoder
        Network from packed data to latent vectors.
    flow
        Density estimator over u given a latent vector.

    Returns
    -------
    NFlowsFlow
        Estimator of u given x, with the encoder as its embedding network.
    """
    net = Flow(flow.net._transform, flow.net._distribution, EvaluatingEncoder(encoder))
    shape = torch.Size([encoder.layout.n_x])
    return NFlowsFlow(net, input_shape=flow.input_shape, condition_shape=shape)
