"""Seeds and chunks: the same gives the same, everything else differs."""

from __future__ import annotations

import itertools

import pytest
import torch

from simulators.runs.seeding import Purpose, chunk_generator


def _draw(*args) -> torch.Tensor:
    return torch.rand(8, generator=chunk_generator(*args))


def test_same_arguments_give_the_same_numbers():
    assert torch.equal(_draw(3, 7), _draw(3, 7))


def test_seed_chunk_and_purpose_all_matter():
    # torch keeps the low 32 bits of a seed on the CPU: (seed << 32) + chunk would fail here
    keys = itertools.product((0, 1, 2, 12345), (0, 1, 1000), ("cpu",), Purpose)
    draws = {key: tuple(_draw(*key).tolist()) for key in keys}
    assert len(set(draws.values())) == len(draws)


def test_no_two_runs_meet():
    starts = sorted(
        chunk_generator(seed, 0, "cpu", purpose).initial_seed()
        for seed in range(500)
        for purpose in Purpose
    )
    assert min(b - a for a, b in itertools.pairwise(starts)) > 500_000


def test_negative_chunk_is_refused():
    with pytest.raises(ValueError, match="chunk is -1"):
        chunk_generator(0, -1)
