from __future__ import annotations

import json
import math

import pytest
import torch

from priors.ages import AgeBins
from priors.bijections import SoftClip, StudentTScore
from priors.defaults import default_space
from priors.space import Parameter, ParameterSpace

N_PARAM = 15 + 16 + 4 + 2
STELLAR = ("av", "delta", "velocity", "log_sigma")


@pytest.fixture(scope="module", name="space")
def _space() -> ParameterSpace:
    return default_space()


def test_layout(space):
    assert space.n_param == N_PARAM == 37
    assert space.n_bins == 16
    assert space.names[space.sfh] == tuple(f"dlogsfr_{j}" for j in range(1, 16))
    assert space.names[space.mh] == tuple(f"mh_{i}" for i in range(1, 17))
    assert space.names[space.nuisance] == (*STELLAR, "gas_log_u", "f_esc")
    assert space.index("av") == 31
    assert space.low[space.index("velocity")] == -350
    assert space.low[0] == -math.inf


def test_json_round_trip_keeps_every_number(space):
    text = json.dumps(space.to_dict(), allow_nan=False)
    again = ParameterSpace.from_dict(json.loads(text))
    assert again == space
    u = torch.randn(7, N_PARAM, generator=torch.Generator().manual_seed(0))
    assert torch.equal(again.to_theta(u), space.to_theta(u))


def test_default_space_is_deterministic(space):
    assert default_space() == space
    # Literals guard the coordinates: trained models depend on them.
    assert space.parameters[0].bijection == StudentTScore(0.391)
    assert space.parameters[15].bijection == SoftClip(-2.2, 0.4, 0.1, -0.112, 0.407)


def test_log_abs_det_against_autograd(space):
    u = torch.randn(20, N_PARAM, generator=torch.Generator().manual_seed(1))
    theta = space.to_theta(u).requires_grad_(True)
    (slopes,) = torch.autograd.grad(space.to_u(theta).sum(), theta)
    expected = slopes.log().sum(-1)
    torch.testing.assert_close(space.log_abs_det(theta), expected, atol=2e-3, rtol=1e-4)


def test_jacobian_is_diagonal(space):
    theta = space.to_theta(torch.full((N_PARAM,), 0.3))
    jacobian = torch.autograd.functional.jacobian(space.to_u, theta)
    assert torch.equal(jacobian, jacobian.diagonal().diag())


def test_float64_works(space):
    u = torch.randn(5, N_PARAM, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(space.to_u(space.to_theta(u)), u, atol=1e-7, rtol=0)


def test_leading_dimensions(space):
    u = torch.randn(2, 3, N_PARAM, generator=torch.Generator().manual_seed(1))
    theta = space.to_theta(u)
    assert theta.shape == (2, 3, N_PARAM)
    assert space.log_abs_det(theta).shape == (2, 3)
    assert space.to_u(theta[0, 0]).shape == (N_PARAM,)


def test_other_bins():
    space = default_space(AgeBins((0.0, 1.0, 13.5)))
    assert space.names == ("dlogsfr_1", "mh_1", "mh_2", *STELLAR, "gas_log_u", "f_esc")


def test_errors(space):
    with pytest.raises(ValueError, match="expected one of"):
        space.index("metallicity")
    with pytest.raises(ValueError, match="37 in the last dimension"):
        space.to_u(torch.zeros(3, 36))
    with pytest.raises(ValueError, match="expected floats"):
        space.to_theta(torch.zeros(3, N_PARAM, dtype=torch.int64))
    step = Parameter("dlogsfr_1", "dex", -math.inf, math.inf, StudentTScore(1.0))
    other = Parameter("av", "mag", 0.0, 1.0, SoftClip(0.0, 1.0, 0.1))
    with pytest.raises(ValueError, match="more than once"):
        ParameterSpace((step, step))
    with pytest.raises(ValueError, match="ordered"):
        ParameterSpace((other, step))
    with pytest.raises(ValueError, match="no parameters"):
        ParameterSpace(())
    with pytest.raises(ValueError, match="low < high"):
        Parameter("x", "", 1.0, 1.0, StudentTScore(1.0))
    with pytest.raises(ValueError, match="empty name"):
        Parameter("", "", 0.0, 1.0, StudentTScore(1.0))
    with pytest.raises(ValueError, match="fields"):
        Parameter.from_dict({"name": "x"})
    with pytest.raises(ValueError, match="only 'parameters'"):
        ParameterSpace.from_dict({"parameters": [], "version": 2})


def test_repr_names_the_parameters():
    assert repr(default_space()) == (
        "ParameterSpace(15 dlogsfr_*, 16 mh_*, av, delta, velocity, log_sigma, gas_log_u, f_esc)"
    )
