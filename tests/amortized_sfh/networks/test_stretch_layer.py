"""The first layer of the flow: the identity until it learns, then each column by all others."""

from __future__ import annotations

import pytest
import torch

from amortized_sfh.networks.flow import FlowConfig, build_flow
from amortized_sfh.networks.stretch_layer import stretch_layer

COLUMNS = [1, 3]


def _layer():
    torch.manual_seed(0)
    return stretch_layer(COLUMNS, n_param=5, n_latent=3, n_hidden=16, n_bins=6, bound=5.0)


@pytest.fixture
def learned():
    layer = _layer()
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.add_(0.5 * torch.randn_like(parameter))
    return layer


def test_starts_as_the_identity():
    u, latent = 3.0 * torch.randn(200, 5), torch.randn(200, 3)
    with torch.no_grad():
        moved, log_det = _layer()(u, latent)
    torch.testing.assert_close(moved, u, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(log_det, torch.zeros(200), atol=1e-4, rtol=0)


def test_moves_its_columns_alone(learned):
    u, latent = torch.randn(50, 5), torch.randn(50, 3)
    with torch.no_grad():
        moved, _ = learned(u, latent)
    others = [0, 2, 4]
    assert torch.equal(moved[:, others], u[:, others])
    assert float((moved - u)[:, COLUMNS].abs().mean(0).min()) > 0.05


@pytest.mark.parametrize("what", ["u", "latent"])
def test_all_others_matter(learned, what):
    u, latent = torch.randn(50, 5), torch.randn(50, 3)
    other = {"u": u.clone(), "latent": latent.clone()}
    other[what][:, 0] += 1.0
    with torch.no_grad():
        first, second = learned(u, latent)[0], learned(other["u"], other["latent"])[0]
    assert float((first - second)[:, COLUMNS].abs().mean(0).min()) > 0.01


def test_a_flow_learns_what_the_data_fix_along_a_sum_of_axes():
    """One column known to 2 %, seen by the splines in rotated coordinates only."""

    def loss_after_training(stretched: list[int]) -> float:
        torch.manual_seed(3)
        config = FlowConfig(n_transform=1, n_hidden=24, n_bins=6)
        flow = build_flow(4, 2, config, stretched=stretched)
        optimiser = torch.optim.Adam(flow.parameters(), lr=3e-3)
        for _ in range(400):
            latent, u = torch.randn(256, 2), torch.randn(256, 4)
            u[:, 1] = latent[:, 0] + 0.02 * u[:, 1]
            loss = flow.loss(u, condition=latent).mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        return float(loss.detach())

    assert loss_after_training([1]) < loss_after_training([]) - 0.3
