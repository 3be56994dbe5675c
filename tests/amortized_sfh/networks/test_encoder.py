"""The encoder keeps its contract at any size; the contract sees encoders that do not."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn

from amortized_sfh.networks.contracts import check_encoder
from amortized_sfh.networks.encoder import (
    Encoder,
    EncoderConfig,
    _patch_convolution,
    _running_sum,
)
from amortized_sfh.networks.input_layout import Layout
from simulators.observations.observation import Observation

SMALL = {
    "n_latent": 12, "n_channel": 4, "n_token_channel": 8, "n_head": 2, "n_query": 2,
    "n_hidden": 16, "n_fusion": 1, "continuum_pixels": 31,
}  # fmt: skip


@pytest.fixture(scope="module")
def layout(small_model) -> Layout:
    return Layout.of(small_model.instrument)


@pytest.fixture(scope="module")
def observation(small_observation):
    # above S/N of one half per pixel, so that errors are more than rounding in the packed input
    bright = small_observation.sigma.median(1).values < 2.0
    return small_observation[bright.nonzero()[:, 0]]


@pytest.mark.parametrize(
    "sizes",
    [
        SMALL,
        {**SMALL, "n_attention": 0, "n_fusion": 0},
        {**SMALL, "kernel": 7, "stride": 2, "token_stride": 6, "n_attention": 2, "n_query": 4},
        {},
    ],
)
def test_contract_at_any_size(layout, observation, sizes):
    torch.manual_seed(0)
    config = EncoderConfig(**sizes)
    encoder = Encoder(layout, config)
    check_encoder(encoder, layout, observation)
    assert encoder(layout.pack(observation[:2])).shape == (2, config.n_latent)


def test_more_layers_are_more_weights(layout):
    def count(**sizes) -> int:
        encoder = Encoder(layout, EncoderConfig(**{**SMALL, **sizes}))
        return sum(p.numel() for p in encoder.parameters())

    assert count(n_attention=2) > count(n_attention=1) > count(n_attention=0)
    assert count(n_hidden=32) > count()


@pytest.mark.parametrize("seed", range(3))
def test_any_subset_of_pixels_and_bands(layout, observation, seed):
    encoder = Encoder(layout, EncoderConfig(**SMALL))
    generator = torch.Generator().manual_seed(seed)
    part = replace(
        observation,
        valid=observation.valid & (torch.rand(observation.valid.shape, generator=generator) < 0.3),
        phot_valid=torch.rand(observation.phot_valid.shape, generator=generator) < 0.5,
    )
    assert bool(torch.isfinite(encoder(layout.pack(part))).all())


@pytest.mark.parametrize("n_pix", [56, 57, 60, 113, 280, 3040])
@pytest.mark.parametrize("n_band", [0, 2, 5])
def test_any_number_of_pixels_and_bands(n_pix, n_band):
    encoder = Encoder(Layout(n_pix, n_band), EncoderConfig(**SMALL))
    generator = torch.Generator().manual_seed(n_pix)
    data = Observation(
        flux=1.0 + 0.1 * torch.randn(3, n_pix, generator=generator),
        sigma=torch.full((3, n_pix), 0.1),
        valid=torch.rand(3, n_pix, generator=generator) < 0.9,
        phot=torch.rand(3, n_band, generator=generator),
        phot_sigma=torch.full((3, n_band), 0.1),
        phot_valid=torch.ones(3, n_band, dtype=torch.bool),
        redshift=torch.full((3,), 0.03),
    )
    latent = encoder(encoder.layout.pack(data))
    assert latent.shape == (3, 12)
    assert bool(torch.isfinite(latent).all())
    # every pixel counts, the last ones too
    changed = data.flux.clone()
    changed[:, -3:] += 1.0
    other = encoder(encoder.layout.pack(replace(data, flux=changed)))
    assert bool((other != latent).any(1).all())


def test_too_few_pixels():
    with pytest.raises(ValueError, match=r"55 pixels is too short .* at least 56"):
        Encoder(Layout(55, 5), EncoderConfig(**SMALL))


def test_running_sum():
    values = torch.rand(2, 50, generator=torch.Generator().manual_seed(0))
    expected = torch.stack([values[:, max(i - 4, 0) : i + 5].sum(1) for i in range(50)], dim=1)
    torch.testing.assert_close(_running_sum(values, 4), expected)


class _Broken(nn.Module):
    """A linear encoder with one fault."""

    def __init__(self, layout: Layout, fault: str) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.layout, self.fault = layout, fault
        self.net, self.spare = nn.Linear(layout.n_x, 8), nn.Linear(2, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        inputs = self.layout.unpack(x)
        if self.fault == "no bands":
            inputs = inputs._replace(bands=torch.zeros_like(inputs.bands))
        if self.fault == "no errors":
            precision = (inputs.precision > 0).float()
            inputs = inputs._replace(precision=precision, context=inputs.context * 0)
        if self.fault == "no redshift":
            inputs = inputs._replace(context=inputs.context * torch.tensor([0.0, 1.0]))
        latent = self.net(torch.cat(inputs, dim=1))
        if self.fault == "rows mixed":
            latent = latent - latent.mean(0)
        if self.fault == "division":
            latent = latent / inputs.precision.sum(1, keepdim=True)
        unused = 0.0 if self.fault == "unused weight" else self.spare(inputs.context).sum(1)
        return latent + (unused[:, None] if self.fault != "unused weight" else unused)


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("no bands", "does not depend on the mask of band 0"),
        ("no errors", "does not depend on sigma|does not depend on the redshift"),
        ("no redshift", "does not depend on the redshift"),
        ("rows mixed", "depend on the other rows"),
        ("division", "spectra without a valid pixel are not finite"),
        ("unused weight", "weight spare.weight gets no finite gradient"),
    ],
)
def test_contract_sees_each_fault(layout, observation, fault, message):
    with pytest.raises(ValueError, match=message):
        check_encoder(_Broken(layout, fault), layout, observation)


def test_patch_convolution_is_the_convolution():
    layer = torch.nn.Conv1d(3, 5, 4, stride=4)
    x = torch.randn(2, 3, 18, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(_patch_convolution(layer, x), layer(x).transpose(1, 2))
