"""Many draws for many spectra from a trained flow, without loops over either.

The same transformation as the nflows modules, arranged for sampling: what depends on the spectrum
alone is computed once per spectrum, each linear layer is inverted once per model, and a draw costs
only small matrix products and one evaluation of the splines. Nothing is rejected, so the time does
not depend on the data.
"""

from __future__ import annotations

from typing import cast

import torch
import torch.nn.functional as F
from nflows.flows import Flow
from nflows.nn.nets.resnet import ResidualNet
from nflows.transforms import LULinear, PiecewiseRationalQuadraticCouplingTransform
from torch import Tensor, nn

from amortized_sfh.networks.light_tree import LightTree

_MIN_BIN, _MIN_DERIVATIVE = 1e-3, 1e-3


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
        layers: list[_Linear | _Coupling | _Fixed] = []
        # sampling runs through the layers backwards
        transforms = cast("Flow", flow.net)._transform._transforms
        for transform in reversed(list(transforms)):
            if isinstance(transform, LULinear):
                layers.append(_Linear(transform))
            elif isinstance(transform, PiecewiseRationalQuadraticCouplingTransform):
                layers.append(_Coupling(transform))
            elif isinstance(transform, LightTree):
                layers.append(_Fixed(transform))
            else:
                raise TypeError(
                    f"flow has a layer {type(transform).__name__}; this sampler knows LULinear and "
                    "spline couplings: sample the estimator itself"
                )
        self._layers = layers
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
            values = layer.inverse(values, latent)
        return values


class _Linear:
    """Inverse of an LULinear layer as one matrix."""

    def __init__(self, transform: LULinear) -> None:
        weight = transform.weight().detach().double()
        self._inverse = torch.linalg.inv(weight).T.to(transform.bias.dtype)
        self._bias = transform.bias.detach()

    def inverse(self, values: Tensor, latent: Tensor) -> Tensor:
        return (values - self._bias) @ self._inverse


class _Fixed:
    """Inverse of the fixed coordinates."""

    def __init__(self, transform: LightTree) -> None:
        self._transform = transform

    def inverse(self, values: Tensor, latent: Tensor) -> Tensor:
        return self._transform.to_u(values)


class _Coupling:
    """Inverse of a spline coupling whose network reads the latent vector."""

    def __init__(self, transform: PiecewiseRationalQuadraticCouplingTransform) -> None:
        self._identity = transform.identity_features
        self._moving = transform.transform_features
        self._unshuffle = torch.argsort(torch.cat([self._identity, self._moving]))
        self._n_bins, self._bound = transform.num_bins, float(transform.tail_bound)
        net: ResidualNet = transform.transform_net
        n_identity = len(self._identity)
        weight = net.initial_layer.weight.detach()
        self._in_weight, self._in_context = weight[:, :n_identity], weight[:, n_identity:]
        self._in_bias = net.initial_layer.bias.detach()
        self._blocks = net.blocks
        self._heads = self._split_head(net)

    def inverse(self, values: Tensor, latent: Tensor) -> Tensor:
        identity, moving = values[..., self._identity], values[..., self._moving]
        context = F.linear(latent, self._in_context, self._in_bias)[:, None]
        hidden = identity @ self._in_weight.T + context
        for block in self._blocks:
            gate = torch.sigmoid(block.context_layer(latent))[:, None]
            inner = block.linear_layers[0](F.relu(hidden))
            inner = block.linear_layers[1](F.relu(inner))
            hidden = hidden + inner * gate
        widths, heights, slopes = (
            F.linear(hidden, weight, bias).unflatten(-1, (len(self._moving), -1))
            for weight, bias in self._heads
        )
        moved = inverse_spline(moving, widths, heights, slopes, self._bound)
        return torch.cat([identity, moved], dim=-1)[..., self._unshuffle]

    def _split_head(self, net: ResidualNet) -> list[tuple[Tensor, Tensor]]:
        """Weights of the last layer for widths, heights and slopes apart: no copies later."""
        softness = net.hidden_features**0.5
        k, n_moving = self._n_bins, len(self._moving)
        weight = net.final_layer.weight.detach().unflatten(0, (n_moving, -1))
        bias = net.final_layer.bias.detach().unflatten(0, (n_moving, -1))
        parts = ((slice(0, k), softness), (slice(k, 2 * k), softness), (slice(2 * k, None), 1.0))
        return [
            (weight[:, cut].flatten(0, 1) / scale, bias[:, cut].flatten() / scale)
            for cut, scale in parts
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
