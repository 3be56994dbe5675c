from __future__ import annotations

import json
import math

import pytest
import torch

from priors.bijections import (
    NormalScore,
    SoftClip,
    StudentTScore,
    bijection_from_dict,
    stack_bijections,
)
from priors.contracts import check_bijection
from priors.marginals import TruncatedExponential, TruncatedNormal, Uniform

SCORE = StudentTScore(0.3)
CLIP = SoftClip(-2.2, 0.4, 0.1, loc=-0.3, scale=0.45)
BOUNDED = [
    CLIP,
    NormalScore(TruncatedExponential(0.6, 4.0)),
    NormalScore(TruncatedNormal(0.0, 0.2, -0.7, 0.4)),
    NormalScore(TruncatedNormal(0.0, 150.0, -350.0, 350.0)),
    NormalScore(Uniform(1.0, math.log10(350.0))),
]


def test_student_t_contract_far_into_the_tails():
    t = torch.logspace(-6, 7, 400)
    check_bijection(SCORE, 0.3 * torch.cat([-t, t, torch.zeros(1)]))


def test_student_t_score_against_float64():
    t = torch.linspace(-30, 30, 2001, dtype=torch.float64)
    expected = torch.special.ndtri(0.5 + t / (2 * torch.sqrt(2 + t * t)))
    torch.testing.assert_close(StudentTScore(1.0).forward(t), expected, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(
        StudentTScore(1.0).forward(t.float()), expected.float(), rtol=2e-6, atol=1e-7
    )


def test_student_t_score_gaussianises_student_t():
    torch.manual_seed(0)
    draws = torch.distributions.StudentT(2.0, 0.0, 0.3).sample((200_000,))
    u = SCORE.forward(draws)
    assert u.mean().abs() < 0.01
    assert u.std().item() == pytest.approx(1.0, abs=0.01)
    assert (u**4).mean().item() == pytest.approx(3.0, abs=0.1)


def test_student_t_inverse_is_finite_far_out():
    assert torch.isfinite(SCORE.inverse(torch.tensor([-18.0, -8.0, 0.0, 8.0, 18.0]))).all()


def test_gradients_exist_at_zero():
    theta = torch.zeros(1, requires_grad=True)
    (forward,) = torch.autograd.grad(SCORE.forward(theta).sum(), theta)
    u = torch.zeros(1, requires_grad=True)
    (inverse,) = torch.autograd.grad(SCORE.inverse(u).sum(), u)
    assert (forward * inverse).item() == pytest.approx(1.0, rel=1e-5)


@pytest.mark.parametrize("bijection", BOUNDED, ids=repr)
class TestBounded:
    def test_contract(self, bijection):
        check_bijection(bijection, bijection.inverse(torch.linspace(-4.5, 4.5, 1001)))

    def test_never_reaches_a_bound(self, bijection):
        described = bijection.to_dict()
        bounds = described.get("marginal", described)
        low, high = bounds.get("low", 0.0), bounds["high"]
        theta = bijection.inverse(torch.tensor([-100.0, -9.0, 9.0, 100.0]))
        assert (theta > low).all()
        assert (theta < high).all()
        assert torch.isfinite(bijection.forward(theta)).all()

    def test_float32_agrees_with_float64(self, bijection):
        theta = bijection.inverse(torch.linspace(-3.0, 3.0, 301))
        exact = bijection.forward(theta.double())
        torch.testing.assert_close(bijection.forward(theta), exact.float(), atol=1e-3, rtol=0)


@pytest.mark.parametrize("bijection", [SCORE, *BOUNDED], ids=repr)
def test_json_round_trip(bijection):
    assert bijection_from_dict(json.loads(json.dumps(bijection.to_dict()))) == bijection


def test_soft_clip_is_the_formula_and_nearly_the_identity_inside():
    w = torch.linspace(-6, 5, 300, dtype=torch.float64)
    soft = torch.nn.functional.softplus
    expected = -2.2 + 0.1 * (soft((w + 2.2) / 0.1) - soft((w - 0.4) / 0.1))
    torch.testing.assert_close(CLIP.clip(w), expected, rtol=0, atol=1e-8)
    inside = torch.linspace(-1.6, -0.2, 50)
    torch.testing.assert_close(CLIP.clip(inside), inside, rtol=0, atol=3e-4)


def test_soft_clip_inverse_is_the_inverse():
    w = torch.linspace(-3.0, 1.2, 500, dtype=torch.float64)
    torch.testing.assert_close(CLIP.unclip(CLIP.clip(w)), w, rtol=0, atol=1e-9)
    assert (CLIP.unclip(CLIP.clip(w.float())) - w).abs().max() < 1e-3


def test_stacked_maps_equal_single_ones():
    maps = [SoftClip(-2.2, 0.4, 0.1, loc=0.1 * i, scale=0.4 + 0.1 * i) for i in range(4)]
    fused = stack_bijections(maps)
    theta = torch.linspace(-2.1, 0.3, 40).reshape(10, 4)
    for i, single in enumerate(maps):
        torch.testing.assert_close(fused.forward(theta)[:, i], single.forward(theta[:, i]))
        torch.testing.assert_close(fused.inverse(theta)[:, i], single.inverse(theta[:, i]))
    assert stack_bijections([SCORE, CLIP]) is None
    assert stack_bijections(BOUNDED[1:]) is None


@pytest.mark.parametrize(
    "build",
    [
        lambda: StudentTScore(0.0),
        lambda: StudentTScore(math.inf),
        lambda: SoftClip(0.4, -2.2, 0.1),
        lambda: SoftClip(-2.2, 0.4, -0.1),
        lambda: SoftClip(-2.2, 0.4, 0.1, scale=0.0),
        lambda: bijection_from_dict({"kind": "logit"}),
        lambda: bijection_from_dict({"kind": "student_t_score", "width": 1.0}),
    ],
)
def test_bad_numbers_are_refused(build):
    with pytest.raises(ValueError, match=r"expected|does not fit"):
        build()
