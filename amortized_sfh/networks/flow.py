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
from sbi.neural_nets.estimators.nflows_flow import NFlowsFlow
from sbi.neural_nets.net_builders import build_nsf
from torch import nn

from amortized_sfh.networks.direct_layer import direct_layer
from amortized_sfh.networks.encoder import Encoder
from amortized_sfh.networks.light_tree import LightTree
from simulators.generative import GenerativeModel


@dataclass(frozen=True, kw_only=True)
class FlowConfig:
    """Size of the flow.

    Parameters
    ----------
    n_transform
        Coupling layers, each followed by a linear mixing.
    n_hidden
        Width of the networks that set the splines.
    n_bins
        Bins of the rational-quadratic splines.
    n_blocks
        Residual blocks per network.
    tail_bound
        The splines act on [-tail_bound, tail_bound]; u has unit variance under the prior.
    direct
        Names of the parameters that some spectra fix directly; see `direct_layer`.
    n_direct_bins
        Bins of the splines of those.
    """

    n_transform: int = 6
    n_hidden: int = 128
    n_bins: int = 6
    n_blocks: int = 1
    tail_bound: float = 5.0
    direct: tuple[str, ...] = ("mh_1",)
    n_direct_bins: int = 8

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> FlowConfig:
        """Inverse of `to_dict`, after JSON or not."""
        return cls(**{**values, "direct": tuple(values["direct"])})


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
        Whose parameters.
    n_latent
        Width of the latent space.
    config
        Sizes.
    fit_coordinates
        Fit the `LightTree` to the prior; needless if its numbers are to be read.

    Returns
    -------
    NFlowsFlow
        With fresh weights.
    """
    config, space = config or FlowConfig(), generative.prior.space
    tree = LightTree(space.n_bins, space.n_param)
    if fit_coordinates:
        tree.fit(generative)
    direct = [space.index(name) for name in config.direct]
    return build_flow(space.n_param, n_latent, config, tree, direct)


def build_flow(
    n_param: int,
    n_latent: int,
    config: FlowConfig | None = None,
    coordinates: Transform | None = None,
    direct: Sequence[int] = (),
) -> NFlowsFlow:
    """Make a flow over u given a latent vector.

    Parameters
    ----------
    n_param
        Parameters.
    n_latent
        Width of the latent space.
    config
        Sizes.
    coordinates
        Fixed layer before all splines but those of `direct`, such as `LightTree`.
    direct
        Columns of u that the first layer moves; see `direct_layer`.

    Returns
    -------
    NFlowsFlow
        `loss(u, latent)` with (n, n_param) and (n, n_latent); `sample((n_draw,), latent)`.
    """
    config = config or FlowConfig()
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
    if direct:
        sizes = (config.n_hidden, config.n_direct_bins, config.tail_bound)
        layers.insert(0, direct_layer(direct, n_param, n_latent, *sizes))
    return flow


def fixed_coordinates(flow: nn.Module) -> LightTree | None:
    """The fixed coordinates of a flow made by `build_flow`.

    Parameters
    ----------
    flow
        Density estimator.

    Returns
    -------
    LightTree or None
        None where it has none.
    """
    layers = cast("Flow", flow.net)._transform._transforms
    return next((layer for layer in layers if isinstance(layer, LightTree)), None)


class EvaluatingEncoder(nn.Module):
    """Encoder whose batches may have extra leading dimensions, as sbi sends them.

    Parameters
    ----------
    encoder
        The encoder; it is shared, not copied.
    """

    def __init__(self, encoder: Encoder) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Shape (..., n_x) to (..., n_latent)."""
        return self.encoder(x.reshape(-1, x.shape[-1])).view(*x.shape[:-1], -1)


def embed(encoder: Encoder, flow: NFlowsFlow) -> NFlowsFlow:
    """Join encoder and flow into an sbi estimator over packed data; weights are shared.

    Parameters
    ----------
    encoder
        Packed data to latent vector.
    flow
        Flow over u given the latent vector.

    Returns
    -------
    NFlowsFlow
        Estimator of u given x, with the encoder as its embedding network.
    """
    net = Flow(flow.net._transform, flow.net._distribution, EvaluatingEncoder(encoder))
    shape = torch.Size([encoder.layout.n_x])
    return NFlowsFlow(net, input_shape=flow.input_shape, condition_shape=shape)
