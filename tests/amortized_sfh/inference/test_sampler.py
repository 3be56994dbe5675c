"""The sampler against the flow that it rearranges."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from amortized_sfh.inference.sampler import FlowSampler, inverse_spline


@pytest.fixture
def latent(small_posterior, small_observation):
    return small_posterior.encode(small_observation[:5])


def test_same_map_as_the_flow(small_posterior, latent):
    noise = 2.0 * torch.randn(5, 7, 37, generator=torch.Generator().manual_seed(0))
    u = FlowSampler(small_posterior.flow).from_noise(latent, noise)
    with torch.no_grad():
        expected, _ = small_posterior.flow.net._transform.inverse(
            noise.flatten(0, 1), context=latent.repeat_interleave(7, 0)
        )
    torch.testing.assert_close(u.flatten(0, 1), expected, atol=1e-4, rtol=1e-3)


def test_draws_belong_to_their_own_spectrum(small_posterior, latent):
    sampler = FlowSampler(small_posterior.flow)
    noise = torch.randn(5, 3, 37, generator=torch.Generator().manual_seed(1))
    together = sampler.from_noise(latent, noise)
    alone = torch.cat([sampler.from_noise(latent[[i]], noise[[i]]) for i in range(5)])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-5)
    assert not torch.allclose(together[0], sampler.from_noise(latent[[1]], noise[[0]])[0])


def test_seed(small_posterior, latent):
    sampler = FlowSampler(small_posterior.flow)
    draws = [sampler.sample(latent, 4, torch.Generator().manual_seed(s)) for s in (1, 1, 2)]
    assert torch.equal(draws[0], draws[1])
    assert not torch.equal(draws[0], draws[2])


def test_spline_is_the_identity_outside_the_box():
    y = torch.tensor([-7.0, 6.0])
    parameters = [torch.randn(2, k, generator=torch.Generator().manual_seed(k)) for k in (6, 7, 5)]
    widths, heights, slopes = parameters[0], parameters[0].flip(1), parameters[2]
    assert torch.equal(inverse_spline(y, widths, heights, slopes, 5.0), y)
    inner = inverse_spline(
        torch.linspace(-4.9, 4.9, 50)[:, None].expand(50, 2),
        *(p.expand(50, 2, -1) for p in (widths, heights, slopes)),
        5.0,
    )
    assert bool((inner.diff(dim=0) > 0).all())


def test_unknown_layer_is_refused(small_posterior):
    class Other(nn.Module):
        net = nn.Module()

    other = Other()
    other.net._transform = nn.Module()
    other.net._transform._transforms = nn.ModuleList([nn.Linear(2, 2)])
    with pytest.raises(TypeError, match="layer Linear"):
        FlowSampler(other)
