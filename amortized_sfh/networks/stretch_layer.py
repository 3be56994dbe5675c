"""First layer of the flow: stretches parameters that some spectra fix directly, each on its own.

Emission lines measure the metallicity of the youngest stars, whatever the mix of all others, so its
posterior can be a hundred times narrower than those around it. In the coordinates of the light
tree it is a sum over all axes, whose widths would have to cancel. This layer comes before: given
the data and all other parameters, it stretches each such parameter to a width that the layers
behind it can model.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial

import torch
import torch.nn.functional as F
from nflows.nn.nets.resnet import ResidualNet
from nflows.transforms import PiecewiseRationalQuadraticCouplingTransform
from nflows.transforms.splines.rational_quadratic import DEFAULT_MIN_DERIVATIVE


def stretch_layer(
    columns: Sequence[int], n_param: int, n_latent: int, n_hidden: int, n_bins: int, bound: float
) -> PiecewiseRationalQuadraticCouplingTransform:
    """Make the layer; it starts as the identity, so it can be put before a trained flow.

    Parameters
    ----------
    columns
        Columns of u that the layer stretches; the others pass unchanged.
    n_param
        Number of parameters, the length of u.
    n_latent
        Width of the latent space.
    n_hidden
        Width of the residual network that sets the splines.
    n_bins
        Number of bins of each spline.
    bound
        The splines act on [-bound, bound].

    Returns
    -------
    PiecewiseRationalQuadraticCouplingTransform
        Transformation of u, shape (n, n_param), given latent vectors of shape (n, n_latent).
    """
    moves = torch.zeros(n_param)
    moves[list(columns)] = 1.0

    sizes = {"hidden_features": n_hidden, "context_features": n_latent, "num_blocks": 1}
    network = partial(ResidualNet, activation=F.relu, **sizes)
    layer = PiecewiseRationalQuadraticCouplingTransform(
        moves, network, num_bins=n_bins, tails="linear", tail_bound=bound
    )
    last = layer.transform_net.final_layer
    torch.nn.init.zeros_(last.weight)
    with torch.no_grad():
        # softplus of this bias, above the least slope, is a slope of one at every inner knot
        flat = math.log(math.expm1(1.0 - DEFAULT_MIN_DERIVATIVE))
        last.bias.zero_().view(len(columns), -1)[:, 2 * n_bins :] = flat
    return layer
