from __future__ import annotations

import torch

from amortized_sfh.quantities.flags import Flag, describe_flags, observation_flags
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
