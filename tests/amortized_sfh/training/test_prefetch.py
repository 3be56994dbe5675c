"""Prefetching changes who simulates, not what is seen."""

from __future__ import annotations

from itertools import islice
from types import SimpleNamespace

import pytest
import torch

from amortized_sfh.training.prefetch import prefetch
from amortized_sfh.training.stream import Stream


def test_the_same_batches_as_the_stream(small_model):
    stream = Stream(small_model, seed=5, chunk_size=32)
    expected = list(islice(stream.batches(8, 3), 6))
    found = list(islice(prefetch(stream, 8, 3), 6))
    for one, other in zip(expected, found, strict=True):
        assert torch.equal(one.x, other.x)
        assert torch.equal(one.u, other.u)
        assert all(torch.equal(a, b) for a, b in zip(one.target, other.target, strict=True))


def test_a_gpu_is_refused():
    simulator = SimpleNamespace(device=torch.device("cuda"))
    stream = SimpleNamespace(generative=SimpleNamespace(simulator=simulator))
    with pytest.raises(ValueError, match="cannot prefetch on cuda"):
        prefetch(stream, 8)
