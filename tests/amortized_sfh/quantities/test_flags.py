from __future__ import annotations

import numpy as np
import torch

from amortized_sfh.quantities.flags import (
    Flag,
    describe_flags,
    observation_flags,
    posterior_flags,
)
from simulators.observations.observation import Observation


def test_bits_are_single_and_described():
    bits = [int(flag) for flag in Flag]
    assert bits == [2**i for i in range(len(bits))]
    assert list(describe_flags()) == bits


def test_flags_of_an_observation():
    valid = torch.ones(4, 10, dtype=torch.bool)
    valid[1], valid[2, 4:] = False, False
    bands = torch.ones(4, 5, dtype=torch.bool)
    bands[3] = False
    ones = torch.ones(4, 10)
    obs = Observation(ones, ones, valid, torch.ones(4, 5), torch.ones(4, 5), bands, torch.zeros(4))
    assert observation_flags(obs).tolist() == [
        0,
        Flag.NO_DATA | Flag.LOW_COVERAGE,
        Flag.LOW_COVERAGE,
        Flag.NO_PHOTOMETRY,
    ]


def test_flags_of_a_posterior():
    chi2 = torch.tensor([1.0, 0.4, 2.1, torch.nan, 1.0, 1.0])
    out = torch.tensor([False, False, False, True, False, False])
    pulls = torch.tensor([[1.0, torch.nan]] * 4 + [[-5.1, 0.0], [4.9, torch.nan]])
    ess = torch.tensor([100.0, 200.0, 200.0, 200.0, torch.nan, 99.0])
    expected = [0, Flag.POOR_FIT, Flag.POOR_FIT, Flag.OUT_OF_TRAINING_RANGE, Flag.BAND_MISFIT, 0]
    flags = posterior_flags(chi2, out, pulls)
    assert flags.dtype == np.int32
    assert flags.tolist() == expected
    both = [*expected[:4], Flag.BAND_MISFIT | Flag.KINEMATICS, Flag.KINEMATICS]
    assert posterior_flags(chi2.numpy(), out.numpy(), pulls.numpy(), ess.numpy()).tolist() == both


def test_a_poor_fit_is_measured_by_a_perfect_one():
    chi2, inside = torch.tensor([0.2, 0.4, 1.0]), torch.zeros(3, dtype=torch.bool)
    assert posterior_flags(chi2, inside).tolist() == [32, 32, 0]
    assert posterior_flags(chi2, inside, expected_chi2=0.4).tolist() == [0, 0, 32]
