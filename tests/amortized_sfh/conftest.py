"""Small untrained models, quick enough for every test."""

from __future__ import annotations

import pytest
import torch

from amortized_sfh.model import ModelCard, PointModel, PosteriorModel
from amortized_sfh.networks.encoder import EncoderConfig
from amortized_sfh.networks.flow import FlowConfig

SMALL_ENCODER = EncoderConfig(
    n_latent=16, n_channel=4, n_token_channel=8, n_head=2, n_query=2, n_hidden=16, n_fusion=1
)
SMALL_FLOW = FlowConfig(n_transform=3, n_hidden=16, n_bins=4)


@pytest.fixture(scope="session")
def small_posterior(small_model) -> PosteriorModel:
    """An untrained posterior model whose flow is not the identity."""
    torch.manual_seed(1)
    model = PosteriorModel.untrained(
        small_model, ModelCard(name="small"), SMALL_ENCODER, SMALL_FLOW
    )
    with torch.no_grad():
        for parameter in model.flow.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    return model


@pytest.fixture(scope="session")
def small_point(small_model) -> PointModel:
    """An untrained point model."""
    torch.manual_seed(2)
    return PointModel.untrained(small_model, ModelCard(name="small-point"), SMALL_ENCODER)


@pytest.fixture(scope="session")
def small_observation(small_model):
    """Forty mock observations of `small_model`."""
    return small_model.mock(40, seed=3).observation
