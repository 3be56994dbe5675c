"""A network small enough to train in a test."""

from __future__ import annotations

import pytest
import torch

from amortized_sfh.networks.encoder import Encoder, EncoderConfig
from amortized_sfh.networks.flow import FlowConfig, build_flow
from amortized_sfh.networks.input_layout import Layout
from amortized_sfh.networks.point_heads import PointHeads
from amortized_sfh.training.joint_networks import JointNetworks

ENCODER = EncoderConfig(
    n_latent=16, n_channel=8, n_token_channel=16, n_head=2, n_query=2, n_hidden=32, n_fusion=1,
    continuum_pixels=31,
)  # fmt: skip
FLOW = FlowConfig(n_transform=2, n_hidden=24, n_bins=4)


@pytest.fixture
def new_networks(small_model):
    """Make tiny networks for `small_model`; the same weights for the same seed."""

    def make(seed: int = 0) -> JointNetworks:
        torch.manual_seed(seed)
        n_param = small_model.space.n_param
        layout = Layout.of(small_model.instrument)
        flow = build_flow(n_param, 16, FLOW)
        return JointNetworks(Encoder(layout, ENCODER), flow, PointHeads(16, 16))

    return make
