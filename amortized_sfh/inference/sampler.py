"""Many draws for many spectra from a trained flow, without loops over either.

The same transformation as the nflows modules, arranged for sampling: what depends on the spectrum
alone is computed once per spectrum, each linear layer is inverted once per model, and a draw costs
only small matrix products and one evaluation of the splines. Nothing is rejected, so the time does
not depend on the data.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias, cast

import torch
import torch.nn.functional as F
from nflows.flows import Flow
from nflows.nn.nets.resnet import ResidualNet
from nflows.transforms import LULinear, PiecewiseRationalQuadraticCouplingTransform
from torch import Tensor, nn

from amortized_sfh.networks.light_tree import LightTree

_MIN_BIN, _MIN_DERIVATIVE = 1e-3, 1e-3
#: Inverse of a layer: values (n_obs, n_draws, n_param) and latent vectors (n_obs, n_latent) to u.
_Inverse: TypeAlias = Callable[[Tensor, Tensor], Tensor]


class FlowSampler:
    """Draws from a flow of coupling splines and linear layers.

    Parameters
    ----------
    flow
        Density estimator over u made by `build_flow`.

    Raises
    ------
    TypeError
        If the flow has other layers.
    """

    def __init__(self, flow: nn.Module) -> None:
        self._layers: list[_Inverse] = []
        # sampling runs through the layers backwards
        transforms = cast("Flow", flow.net)._transform._transforms
        for transform in reversed(list(transforms)):
            if isinstance(transform, LULinear):
                self._layers.append(_inverse_linear(transform))
            elif isinstance(transform, PiecewiseRationalQuadraticCouplingTransform):
                self._layers.append(_inverse_coupling(transform))
            elif isinstance(transform, LightTree):
                self._layers.append(_inverse_tree(transform))
            else:
                raise TypeError(
                    f"flow has a layer {type(transform).__name__}; this sampler knows LULinear and "
                    "spline couplings: sample the estimator itself"
                )
        self.n_param = int(cast("torch.Size", flow.input_shape)[0])

    @torch.no_grad()
    def sample(
        self, latent: Tensor, n_draws: int, generator: torch.Generator | None = None
    ) -> Tensor:
        """Draw u from the posterior of every spectrum.

        Parameters
        ----------
        latent
            Latent vectors, shape (n_obs, n_latent).
        n_draws
            Number of draws per spectrum.
        generator
            Source of randomness on the device of `latent`; torch's own by default.

        Returns
        -------
        Tensor
            Draws of u, shape (n_obs, n_draws, n_param).
        """
        noise = torch.randn(
            len(latent), n_draws, self.n_param, generator=generator, device=latent.device
        )
        return self.from_noise(latent, noise)

    @torch.no_grad()
    def from_noise(self, latent: Tensor, noise: Tensor) -> Tensor:
        """Push standard normal draws through the flow.

        Parameters
        ----------
        latent
            Latent vectors, shape (n_obs, n_latent).
        noise
            Standard normal draws, shape (n_obs, n_draws, n_param).

        Returns
        -------
        Tensor
            Draws of u, shape (n_obs, n_draws, n_param).
        """
        values = noise
        for layer in self._layers:
            values = layer(values, latent)
        return values


def _inverse_linear(transform: LULinear) -> _Inverse:
    """Inverse of an LULinear layer as one matrix."""
    matrix = torch.linalg.inv(transform.weight().detach().double()).T.to(transform.bias.dtype)
    bias = transform.bias.detach()
    return lambda values, _: (values - bias) @ matrix


def _inverse_tree(tree: LightTree) -> _Inverse:
    """Inverse of the fixed coordinates."""
    return lambda values, _: tree.to_u(values)


def _inverse_coupling(transform: PiecewiseRationalQuadraticCouplingTransform) -> _Inverse:
    """Inverse of a spline coupling whose network reads the latent vector."""
    fixed, moving = transform.identity_features, transform.transform_features
    unshuffle = torch.argsort(torch.cat([fixed, moving]))
    net: ResidualNet = transform.transform_net
    first = net.initial_layer
    weight_fixed, weight_latent = first.weight.detach().tensor_split([len(fixed)], dim=1)
    heads = _heads(net, transform.num_bins, len(moving))

    def inverse(values: Tensor, latent: Tensor) -> Tensor:
        kept = values[..., fixed]
        context = F.linear(latent, weight_latent, first.bias.detach())[:, None]
        hidden = kept @ weight_fixed.T + context
        for block in net.blocks:
            gate = torch.sigmoid(block.context_layer(latent))[:, None]
            inner = block.linear_layers[0](F.relu(hidden))
            inner = block.linear_layers[1](F.relu(inner))
            hidden = hidden + inner * gate
        widths, heights, slopes = (
            F.linear(hidden, weight, bias).unflatten(-1, (len(moving), -1))
            for weight, bias in heads
        )
        bound = float(transform.tail_bound)
        moved = inverse_spline(values[..., moving], widths, heights, slopes, bound)
        return torch.cat([kept, moved], dim=-1)[..., unshuffle]

    return inverse


def _heads(net: ResidualNet, n_bins: int, n_moving: int) -> list[tuple[Tensor, Tensor]]:
    """Weights of the last layer for widths, heights and slopes apart: no copies later."""
    softness = net.hidden_features**0.5
    weight = net.final_layer.weight.detach().unflatten(0, (n_moving, -1))
    bias = net.final_layer.bias.detach().unflatten(0, (n_moving, -1))
    cuts = [n_bins, 2 * n_bins]
    parts = zip(weight.tensor_split(cuts, dim=1), bias.tensor_split(cuts, dim=1), strict=True)
    return [
        (w.flatten(0, 1) / scale, b.flatten() / scale)
        for (w, b), scale in zip(parts, (softness, softness, 1.0), strict=True)
    ]


def inverse_spline(
    y: Tensor, widths: Tensor, heights: Tensor, slopes: Tensor, bound: float
) -> Tensor:
    """Inverse of a monotone rational-quadratic spline, the identity outside [-bound, bound].

    Parameters
    ----------
    y
        Values of the spline, any shape.
    widths, heights
        Unnormalised log sizes of the bins, shape (..., n_bins).
    slopes
        Unnormalised slopes at the inner knots, shape (..., n_bins - 1); one at both ends.
    bound
        Half the width of the interval in which the spline acts.

    Returns
    -------
    Tensor
        Values x with spline(x) = y, of the shape of `y`.

    References
    ----------
    .. [1] Durkan et al. 2019, Neural Spline Flows, eqs. 4-8 and 25-29.
    """
    inside = y.abs() < bound
    target = torch.where(inside, y, 0.0)
    left, width = _spline_bins(widths, bound)
    bottom, height = _spline_bins(heights, bound)
    slope = F.pad(_MIN_DERIVATIVE + F.softplus(slopes), (1, 1), value=1.0)
    index = ((target[..., None] >= bottom).sum(-1, keepdim=True) - 1).clamp(0, widths.shape[-1] - 1)

    def pick(table: Tensor) -> Tensor:
        return table.gather(-1, index)[..., 0]

    x0, w, y0, h = pick(left), pick(width), pick(bottom), pick(height)
    d0, d1 = pick(slope[..., :-1]), pick(slope[..., 1:])
    s = h / w
    rise = target - y0
    total = rise * (d0 + d1 - 2.0 * s)
    a = h * (s - d0) + total
    b = h * d0 - total
    c = -s * rise
    root = torch.sqrt((b * b - 4.0 * a * c).clamp_min(0.0))
    x = x0 + w * (2.0 * c / (-b - root))
    return torch.where(inside, x, y)


def _spline_bins(sizes: Tensor, bound: float) -> tuple[Tensor, Tensor]:
    """Left edges and widths of bins that fill [-bound, bound]."""
    share = _MIN_BIN + (1.0 - _MIN_BIN * sizes.shape[-1]) * torch.softmax(sizes, dim=-1)
    width = 2.0 * bound * share
    return F.pad(width.cumsum(-1)[..., :-1], (1, 0)) - bound, width
