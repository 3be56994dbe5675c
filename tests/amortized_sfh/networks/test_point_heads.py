"""The point network: valid estimates, a loss that is zero at the truth, targets of the truth."""

from __future__ import annotations

import pytest
import torch

from amortized_sfh.networks.encoder import Encoder, EncoderConfig
from amortized_sfh.networks.input_layout import Layout
from amortized_sfh.networks.point_heads import (
    AVERAGES,
    PointEstimate,
    PointHeads,
    point_loss,
    point_targets,
)
from amortized_sfh.quantities.derived import derive


@pytest.fixture(scope="module")
def mock(small_model):
    return small_model.mock(200, seed=21)


@pytest.fixture(scope="module")
def target(small_model, mock) -> PointEstimate:
    space = small_model.simulator.space
    return point_targets(derive(small_model.simulator, mock.theta), mock.theta[:, space.mh])


def test_targets_are_the_truth(small_model, mock, target):
    simulator = small_model.simulator
    derived = derive(simulator, mock.theta)
    assert torch.equal(target.mass_fraction, derived.mass_fraction)
    assert torch.equal(target.mh, mock.theta[:, simulator.space.mh])
    for column, name in enumerate(AVERAGES):
        assert torch.equal(target.averages[:, column], getattr(derived, name))


def test_estimates_are_valid(small_model, mock):
    torch.manual_seed(0)
    layout = Layout.of(small_model.instrument)
    encoder = Encoder(layout, EncoderConfig(n_latent=16, n_hidden=16, n_fusion=1))
    estimate = PointHeads(16, 16)(encoder(layout.pack(mock.observation)))
    assert estimate.mass_fraction.shape == estimate.mh.shape == (200, 16)
    assert estimate.averages.shape == (200, 4)
    torch.testing.assert_close(estimate.mass_fraction.sum(1), torch.ones(200))
    assert bool((estimate.mass_fraction >= 0).all())
    assert bool(torch.isfinite(estimate.averages).all())


def test_loss_is_zero_at_the_truth_only(target):
    assert float(point_loss(target, target).abs().max()) == 0
    for name in target._fields:
        off = target._replace(**{name: getattr(target, name) + 0.1})
        assert float(point_loss(off, target).min()) > 0


def test_parts_of_the_loss_are_of_order_one_under_the_prior(target):
    # each against its own mean: no output drowns the others
    for name in target._fields:
        values = getattr(target, name)
        guess = target._replace(**{name: values.mean(0, keepdim=True).expand_as(values)})
        assert 0.2 < float(point_loss(guess, target).mean()) < 5
