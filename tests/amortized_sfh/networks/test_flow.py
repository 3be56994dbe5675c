"""The flow: normalised, draws of the right spectrum, the same with and without its encoder."""

from __future__ import annotations

import pytest
import torch

from amortized_sfh.networks.flow import FlowConfig, build_flow, embed

TINY = FlowConfig(n_transform=3, n_hidden=12, n_bins=4)


def _shaken(flow, size=0.3):
    """Weights far from those of the start, where the flow is nearly the identity."""
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for parameter in flow.parameters():
            parameter.add_(size * torch.randn(parameter.shape, generator=generator))
    return flow


@pytest.fixture(scope="module")
def tiny_flow():
    torch.manual_seed(0)
    return _shaken(build_flow(2, 3, TINY))


def test_density_is_normalised(tiny_flow):
    edges = torch.linspace(-14, 14, 561)
    grid = torch.cartesian_prod(edges, edges)
    latent = torch.tensor([[0.3, -1.0, 0.5]])
    with torch.no_grad():
        log_prob = tiny_flow.log_prob(grid[:, None], condition=latent)[:, 0]
    total = float(log_prob.exp().sum() * (edges[1] - edges[0]) ** 2)
    assert total == pytest.approx(1.0, abs=5e-3)


def test_loss_is_the_negative_log_density(tiny_flow):
    u, latent = torch.randn(6, 2), torch.randn(6, 3)
    loss = tiny_flow.loss(u, condition=latent)
    log_prob = tiny_flow.log_prob(u[None], condition=latent)[0]
    torch.testing.assert_close(loss, -log_prob)


def test_draws_follow_the_density(tiny_flow):
    # E[grad log p] = 0 would not see a shift: compare moments with the density's own on a grid
    latent = torch.tensor([[0.3, -1.0, 0.5]])
    torch.manual_seed(1)
    with torch.no_grad():
        draws = tiny_flow.sample((20_000,), condition=latent)[:, 0]
        edges = torch.linspace(-14, 14, 561)
        grid = torch.cartesian_prod(edges, edges)
        weight = tiny_flow.log_prob(grid[:, None], condition=latent)[:, 0].exp()
    weight = weight / weight.sum()
    mean = weight @ grid
    spread = (weight @ (grid - mean) ** 2).sqrt()
    assert float(((draws.mean(0) - mean) / spread).abs().max()) < 5 / 20_000**0.5
    torch.testing.assert_close(draws.std(0), spread, rtol=0.05, atol=0)


def test_draws_belong_to_their_own_spectrum():
    """`sample_and_log_prob` of the library below mixes up the spectra of a batch; ours may not."""
    torch.manual_seed(0)
    flow = _shaken(build_flow(4, 3, TINY), size=0.5)
    latent = 3.0 * torch.randn(6, 3)
    n_draws = 3000
    with torch.no_grad():
        together = flow.sample((n_draws,), condition=latent)
        log_prob = flow.log_prob(together, condition=latent)
        for i in range(6):
            own = latent[[i]]
            alone = flow.sample((n_draws,), condition=own)[:, 0]
            error = (together[:, i].var(0) / n_draws + alone.var(0) / n_draws).sqrt()
            pull = (together[:, i].mean(0) - alone.mean(0)) / error
            assert float(pull.abs().max()) < 5
            # the density of draw i is that under latent i
            single = flow.log_prob(together[:, [i]], condition=own)[:, 0]
            torch.testing.assert_close(log_prob[:, i], single, rtol=1e-3, atol=1e-3)
    # the spectra do differ, so that a mix-up would be seen
    means = together.mean(0)
    assert float((means[:, None] - means[None]).norm(dim=-1).fill_diagonal_(9).min()) > 0.3


def test_embedding_is_the_encoder(small_posterior, small_observation):
    layout = small_posterior.encoder.layout
    x = layout.pack(small_observation[:4])
    joined = embed(small_posterior.encoder, small_posterior.flow)
    u = torch.randn(3, 4, 37, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        latent = small_posterior.encoder(x)
        expected = small_posterior.flow.log_prob(u, condition=latent)
        torch.testing.assert_close(joined.log_prob(u, condition=x), expected, rtol=1e-4, atol=1e-3)
        torch.manual_seed(7)
        draws = joined.sample((5,), condition=x)
        torch.manual_seed(7)
        torch.testing.assert_close(
            draws, small_posterior.flow.sample((5,), condition=latent), rtol=1e-4, atol=1e-4
        )
    # weights are shared, not copied
    assert joined.net._embedding_net.encoder is small_posterior.encoder


def test_size_follows_the_config():
    def count(**sizes) -> int:
        flow = build_flow(35, 8, FlowConfig(**{"n_transform": 2, "n_hidden": 16, **sizes}))
        return sum(p.numel() for p in flow.parameters())

    assert count(n_transform=4) > 1.9 * count()
    assert count(n_bins=10) > count()
