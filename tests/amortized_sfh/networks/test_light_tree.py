"""The fixed coordinates of the flow: a bijection with an exact determinant."""

from __future__ import annotations

import pytest
import torch

from amortized_sfh.networks.light_tree import LightTree


@pytest.fixture(scope="module")
def tree(small_model) -> LightTree:
    return LightTree(16, small_model.space.n_param).fit(small_model)


@pytest.fixture(scope="module")
def u(small_model):
    theta = small_model.prior.sample((4000,), torch.Generator().manual_seed(5))
    return small_model.space.to_u(theta)


def test_round_trip(tree, u):
    values, log_det = tree(u)
    back, inverse_log_det = tree.inverse(values)
    torch.testing.assert_close(back, u, atol=1e-3, rtol=1e-3)
    torch.testing.assert_close(inverse_log_det, -log_det, atol=5e-3, rtol=1e-3)


def test_determinant_against_autograd(tree, u):
    exact = LightTree(16, tree.n_param)
    exact.load_state_dict(tree.state_dict())
    exact.double()
    for row in u[:5].double():
        jacobian = torch.autograd.functional.jacobian(lambda x: exact(x[None])[0][0], row)
        expected = torch.linalg.slogdet(jacobian)[1]
        torch.testing.assert_close(exact(row[None])[1][0], expected, atol=1e-6, rtol=1e-6)


def test_standard_under_the_prior(tree, u):
    values, _ = tree(u)
    assert float(values.mean(0).abs().max()) < 0.15
    assert float((values.std(0)[:31] - 1.0).abs().max()) < 0.15
    # principal axes are uncorrelated; the first has given way to the light-weighted mean
    correlation = torch.corrcoef(values[:, 16:31].T) - torch.eye(15)
    assert float(correlation.abs().max()) < 0.1


def test_root_is_the_young_share_of_the_light(small_model, tree, u):
    simulator = small_model.simulator
    theta = small_model.space.to_theta(u[:200])
    fraction = simulator.populations(theta).mass_fraction
    bins = simulator.bins
    light = fraction / bins.widths_yr * torch.exp(tree.log_light)
    logit = torch.log(light[:, :8].sum(1)) - torch.log(light[:, 8:].sum(1))
    root = tree(u[:200])[0][:, 0] * tree.tree_scale[0] + tree.tree_loc[0]
    near = logit.abs() < 30
    torch.testing.assert_close(2.0 * torch.sinh(root)[near], logit[near], atol=2e-3, rtol=1e-3)


def test_first_metallicity_axis_is_the_light_weighted_mean(small_model, tree, u):
    space = small_model.space
    mh = space.to_theta(u[:500])[:, space.mh]
    values, _ = tree(u[:500])
    share = tree._grow(u[:500, :15])[1]
    mean = values[:, 15] * tree.mean_scale + tree.mean_loc
    inside = ((mh > -1.8) & (mh < 0.0)).all(1)  # away from the soft walls
    expected = (share * mh).sum(1)
    torch.testing.assert_close(mean[inside], expected[inside], atol=0.02, rtol=0.0)
    assert int(inside.sum()) > 50
