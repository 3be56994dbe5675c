"""Small untrained models, quick enough for every test."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from amortized_sfh.model import ModelCard, PointModel, PosteriorModel
from amortized_sfh.networks.encoder import EncoderConfig
from amortized_sfh.networks.flow import FlowConfig
from simulators.generative import GenerativeModel
from simulators.mismatch import TemplateMismatch
from simulators.noise import NoiseModel
from simulators.noise_profile import NoiseProfile

SMALL_ENCODER = EncoderConfig(
    n_latent=16, n_channel=4, n_token_channel=8, n_head=2, n_query=2, n_hidden=16, n_fusion=1
)
SMALL_FLOW = FlowConfig(n_transform=3, n_hidden=16, n_bins=4)


@pytest.fixture(scope="session")
def new_posterior():
    """Make a small untrained posterior model of any generative model."""

    def make(generative: GenerativeModel, seed: int = 0, **flow) -> PosteriorModel:
        torch.manual_seed(seed)
        card, flow_config = ModelCard(name="small"), replace(SMALL_FLOW, **flow)
        return PosteriorModel.untrained(generative, card, SMALL_ENCODER, flow_config)

    return make


@pytest.fixture(scope="session")
def measured_model(small_model) -> GenerativeModel:
    """`small_model` whose noise has a measured mismatch and a measured profile."""
    instrument = small_model.simulator.instrument
    wave = np.arange(4700.0, 6000.0, 5.0)
    kernel = np.array([0.2, 0.9, 0.2])
    profile = NoiseProfile(
        name="made up",
        wave_aa=wave,
        scale=1.0 + 0.1 * np.cos(wave / 300.0),
        kernel=tuple((kernel / np.linalg.norm(kernel)).tolist()),
        growth=0.8,
        sky_modes=0.5 * np.exp(-0.5 * ((wave - 5100.0) / 40.0) ** 2)[None],
        source="a test",
    )
    modes = 0.02 * torch.randn(2, 285, generator=torch.Generator().manual_seed(1))
    mismatch = TemplateMismatch(modes=modes, library="a", other="b", explained=0.9, n_histories=9)
    return replace(small_model, noise=NoiseModel(instrument, mismatch=mismatch, profile=profile))


@pytest.fixture(scope="session")
def small_posterior(small_model, new_posterior) -> PosteriorModel:
    """An untrained posterior model whose flow is not the identity."""
    model = new_posterior(small_model, seed=1)
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
    """Forty mock observations of `small_model`, in units of 1 erg/s/cm²/Å."""
    return replace(small_model.mock(40, seed=3).observation, unit_cgs=1.0)
