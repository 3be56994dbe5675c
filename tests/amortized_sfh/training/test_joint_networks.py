"""What a training takes over from another one."""

from __future__ import annotations

import pytest
import torch

from amortized_sfh.model.model import ModelCard, PosteriorModel
from amortized_sfh.networks.flow import FlowConfig
from amortized_sfh.networks.point_heads import PointHeads
from amortized_sfh.training.joint_networks import JointNetworks, take_over

SIZES = {"n_transform": 2, "n_hidden": 24, "n_bins": 4}


@pytest.fixture
def make(small_model):
    def make(seed: int, **config) -> JointNetworks:
        torch.manual_seed(seed)
        flow_config = FlowConfig(**{**SIZES, **config})
        model = PosteriorModel.untrained(small_model, ModelCard(name="x"), flow=flow_config)
        networks = JointNetworks(model.encoder, model.flow, PointHeads(128, 16))
        with torch.no_grad():
            for parameter in networks.flow.parameters():
                parameter.add_(0.1 * torch.randn_like(parameter))
        return networks

    return make


def _density(networks: JointNetworks, small_model) -> torch.Tensor:
    mock = small_model.mock(20, seed=4)
    x = networks.encoder.layout.pack(mock.observation)
    with torch.no_grad():
        u = small_model.space.to_u(mock.theta)
        return networks.flow.loss(u, condition=networks.encoder(x))


def test_a_flow_without_the_first_layer_is_taken_over(make, small_model):
    old = make(1, stretched=()).eval()
    # the first layer of the new one is the identity, as it is made
    new = make(2).eval()
    first = new.flow.net._transform._transforms[0]
    fresh = PosteriorModel.untrained(small_model, ModelCard(name="x"), flow=FlowConfig(**SIZES))
    first.load_state_dict(fresh.flow.net._transform._transforms[0].state_dict())
    before = _density(new, small_model)
    take_over(new, old.state_dict())
    after, expected = _density(new, small_model), _density(old, small_model)
    torch.testing.assert_close(after, expected, atol=1e-3, rtol=1e-4)
    assert not torch.allclose(before, expected, atol=0.1)


def test_a_flow_of_the_same_layers_is_taken_over(make, small_model):
    old, new = make(1).eval(), make(2).eval()
    take_over(new, old.state_dict())
    torch.testing.assert_close(_density(new, small_model), _density(old, small_model))


def test_a_flow_of_other_sizes_stays_fresh(make):
    old, new = make(1, n_hidden=16), make(2)
    before = {name: value.clone() for name, value in new.flow.state_dict().items()}
    take_over(new, old.state_dict())
    assert all(torch.equal(before[name], value) for name, value in new.flow.state_dict().items())
    torch.testing.assert_close(new.heads.state_dict(), old.heads.state_dict())


def test_an_encoder_of_other_sizes_is_refused(make):
    old, new = make(1), make(2)
    weights = {n: v[..., :1] if n == "heads.out.weight" else v for n, v in old.state_dict().items()}
    with pytest.raises(ValueError, match="do not fit"):
        take_over(new, weights)
