"""The networks that learn together: one encoder under a flow and under point heads."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from amortized_sfh.model.model_files import load_model, load_point_model
from amortized_sfh.networks.encoder import Encoder
from amortized_sfh.networks.flow import NFlowsFlow, flow_over
from amortized_sfh.networks.input_layout import Layout
from amortized_sfh.networks.point_heads import PointHeads, point_loss
from amortized_sfh.training.encoded_set import EncodedBatch
from amortized_sfh.training.stream import Batch
from simulators.generative import GenerativeModel

_LAYER = re.compile(r"^(flow\.net\._transform\._transforms\.)(\d+)\.")


class JointNetworks(nn.Module):
    """One encoder under a flow and under point heads, which are trained together.

    Parameters
    ----------
    encoder
        Network from packed data to latent vectors.
    flow
        Density estimator of u given a latent vector.
    heads
        Network from a latent vector to point estimates.
    """

    def __init__(self, encoder: Encoder, flow: NFlowsFlow, heads: PointHeads) -> None:
        super().__init__()
        self.encoder, self.flow, self.heads = encoder, flow, heads

    def losses(self, batch: Batch | EncodedBatch) -> tuple[Tensor, Tensor]:
        """Mean over a batch of the negative log-density in nats and of the point heads' loss."""
        latent = batch.latent if isinstance(batch, EncodedBatch) else self.encoder(batch.x)
        density = self.flow.loss(batch.u, condition=latent).mean()
        return density, point_loss(self.heads(latent), batch.target).mean()


def new_networks(generative: GenerativeModel) -> JointNetworks:
    """Make encoder, flow and heads of default size with fresh weights."""
    encoder = Encoder(Layout.of(generative.instrument))
    n_latent = encoder.config.n_latent
    heads = PointHeads(n_latent, generative.bins.n_bins)
    return JointNetworks(encoder, flow_over(generative, n_latent), heads)


def trained_weights(source: str) -> dict[str, Tensor]:
    """Read the weights of networks that were trained before.

    Parameters
    ----------
    source
        Folder of a training, of which the running mean of the weights is taken; or name or folder
        of a posterior model that has its point model ("-point") beside it.

    Returns
    -------
    dict of str to Tensor
        Weights by their names in `JointNetworks`.

    Raises
    ------
    FileNotFoundError, ValueError
        If it is neither, or cannot be read.
    """
    checkpoint = Path(source) / "checkpoint.pt"
    if checkpoint.is_file():
        content = torch.load(checkpoint, weights_only=True, map_location="cpu")
        return {k.removeprefix("module."): v for k, v in content["average"].items()}
    posterior, point = load_model(source), load_point_model(f"{source}-point")
    networks = {"encoder": posterior.encoder, "flow": posterior.flow, "heads": point.heads}
    return nn.ModuleDict(networks).state_dict()


def take_over(networks: JointNetworks, weights: Mapping[str, Tensor]) -> None:
    """Start with the networks of another training.

    The flow is taken if its parameters are the same; its fixed coordinates stay those of the
    networks' own library, and a first layer that it did not have stays the identity. Otherwise it
    stays fresh.

    Parameters
    ----------
    networks
        Networks that are to start, changed in place; their encoder and point heads have the sizes
        of those in `weights`.
    weights
        Weights of the other training by name, from `trained_weights`.

    Raises
    ------
    ValueError
        If the networks have other sizes.
    """
    own = networks.state_dict()
    learned = dict(networks.named_parameters())
    weights = _renumbered(weights, own)
    same = all(weights[n].shape == v.shape for n, v in learned.items() if n in weights)
    parts = ("encoder.", "heads.", "flow.") if same else ("encoder.", "heads.")
    taken = {n: weights[n] for n in learned if n in weights and n.startswith(parts)}
    try:
        networks.load_state_dict({**own, **taken})
    except RuntimeError as error:
        raise ValueError(
            f"the networks to start from do not fit ({str(error).splitlines()[-1].strip()}): "
            "expected a training with the same preset and sizes"
        ) from error


def _renumbered(weights: Mapping[str, Tensor], own: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Count the layers of a flow from its `LightTree` on, so that those before may be missing."""
    shift = _place_of_tree(own) - _place_of_tree(weights)
    return {_LAYER.sub(lambda m: f"{m[1]}{int(m[2]) + shift}.", n): v for n, v in weights.items()}


def _place_of_tree(weights: Mapping[str, Tensor]) -> int:
    """Number of the layer with the fixed coordinates."""
    places = (_LAYER.match(name) for name in weights if name.endswith(".tree_loc"))
    return next((int(found[2]) for found in places if found), 0)
