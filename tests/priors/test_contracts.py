"""The checkers themselves must be able to fail."""

from __future__ import annotations

import pytest
import torch

from priors.ages import AgeBins
from priors.bijections import SoftClip, StudentTScore
from priors.contracts import ContractError, check_bijection, check_prior
from priors.families.sfh import Continuity


class _Wrong(Continuity):
    """A prior with one thing wrong."""

    def __init__(self, fault: str) -> None:
        super().__init__(AgeBins())
        self.fault = fault

    def sample(self, n, generator=None):
        if self.fault == "global randomness":
            generator = None
        x = super().sample(n, generator)
        changes = {
            "wide": 1.15 * x,
            "shifted": x + 0.05,
            "double": x.double(),
            "columns": x[:, 1:],
            "nan": x / 0,
        }
        return changes.get(self.fault, x)

    def log_prob(self, x):
        value = super().log_prob(x)
        return value[:, None] if self.fault == "shape" else value


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("wide", "disagree"),
        ("double", "float32"),
        ("columns", "shape"),
        ("nan", "finite"),
        ("shape", "log_prob has shape"),
        ("global randomness", "same seed"),
    ],
)
def test_faulty_priors_are_caught(fault, message):
    with pytest.raises(ContractError, match=message):
        check_prior(_Wrong(fault), torch.Generator().manual_seed(0))


def test_a_sound_prior_passes():
    check_prior(_Wrong("none"), torch.Generator().manual_seed(0))


class _WrongSlope(StudentTScore):
    def log_abs_det(self, theta):
        return super().log_abs_det(theta) + 0.01


class _WrongInverse(SoftClip):
    def inverse(self, u):
        return super().inverse(1.01 * u)


class _Decreasing(StudentTScore):
    def forward(self, theta):
        return -super().forward(theta)


@pytest.mark.parametrize(
    ("bijection", "message"),
    [
        (_WrongSlope(1.0), "slope"),
        (_WrongInverse(-2.2, 0.4, 0.1), "theta -> u -> theta"),
        (_Decreasing(1.0), "does not increase"),
    ],
)
def test_faulty_bijections_are_caught(bijection, message):
    with pytest.raises(ContractError, match=message):
        check_bijection(bijection, torch.linspace(-1.0, 0.3, 50))
