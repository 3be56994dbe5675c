"""The stream: the same for the same seed from any step on, never the same twice."""

from __future__ import annotations

from itertools import islice

import pytest
import torch

from amortized_sfh.quantities.derived import derive
from amortized_sfh.training.stream import Stream, pack_batch


@pytest.fixture(scope="module")
def stream(small_model) -> Stream:
    return Stream(small_model, seed=5, chunk_size=32)


def _take(stream, n, size=8, first=0):
    return list(islice(stream.batches(size, first), n))


def test_batches_are_packed_mocks(small_model, stream):
    mock = small_model.mock(32, seed=5, chunk=0)
    batches = _take(stream, 4)
    assert torch.equal(torch.cat([b.x for b in batches]), stream.layout.pack(mock.observation))
    u = torch.cat([b.u for b in batches])
    assert torch.equal(u, small_model.space.to_u(mock.theta))
    derived = derive(small_model.simulator, mock.theta)
    fraction = torch.cat([b.target.mass_fraction for b in batches])
    assert torch.equal(fraction, derived.mass_fraction)


def test_u_is_about_standard_normal(small_model):
    batch = next(Stream(small_model, seed=1, chunk_size=1024).batches(1024))
    assert bool(torch.isfinite(batch.x).all())
    assert float(batch.u.mean(0).abs().max()) < 0.2
    assert float((batch.u.std(0) - 1).abs().max()) < 0.25


def test_going_on_from_a_step_gives_the_same_batches(stream):
    whole, rest = _take(stream, 11), _take(stream, 5, first=6)
    for expected, found in zip(whole[6:], rest, strict=True):
        assert torch.equal(found.x, expected.x)
        assert torch.equal(found.u, expected.u)


def test_no_spectrum_is_seen_twice(stream):
    u = torch.cat([batch.u for batch in _take(stream, 12)])
    assert len(u.unique(dim=0)) == len(u)


def test_seeds(small_model, stream):
    again = Stream(small_model, seed=5, chunk_size=32)
    other = Stream(small_model, seed=6, chunk_size=32)
    first = _take(stream, 1)[0]
    assert torch.equal(_take(again, 1)[0].x, first.x)
    assert not torch.equal(_take(other, 1)[0].x, first.x)


def test_parts_keep_rows_together(small_model, stream):
    batch = pack_batch(small_model, stream.layout, small_model.mock(10, 0))
    parts = [batch[start : start + 4] for start in (0, 4, 8)]
    assert [len(part.x) for part in parts] == [4, 4, 2]
    assert torch.equal(parts[1].target.averages, batch.target.averages[4:8])
    assert torch.equal(parts[2].u, batch.u[8:])


def test_batch_size_must_divide_the_chunk(stream):
    with pytest.raises(ValueError, match="batch size 7 does not divide the chunk of 32"):
        next(stream.batches(7))
