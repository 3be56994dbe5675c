"""Work in threads: ordered, lazy, and without a trace."""

from __future__ import annotations

import threading

import pytest
import torch

from simulators.runs.parallel import map_in_threads


def test_results_in_order_from_several_threads():
    barrier, names = threading.Barrier(2, timeout=10.0), set()

    def work(item: int) -> int:
        barrier.wait()  # passes only if two threads work at once
        names.add(threading.current_thread().name)
        return item * item

    assert list(map_in_threads(work, range(10), 2)) == [k * k for k in range(10)]
    assert len(names) == 2


def test_only_a_few_are_computed_ahead():
    begun = []
    results = map_in_threads(lambda k: begun.append(k) or k, iter(range(100)), 2)
    assert next(results) == 0
    results.close()
    assert len(begun) <= 5


def test_torch_uses_one_thread_inside_and_as_many_as_before_after():
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        inside = list(map_in_threads(lambda _: torch.get_num_threads(), range(3)))
        assert inside == [1, 1, 1]
        assert torch.get_num_threads() == 2
        with pytest.raises(ZeroDivisionError):
            list(map_in_threads(lambda k: 1 / k, [1, 0]))
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_the_same_light_as_in_one_piece(small_model):
    mock = small_model.mock(12, seed=1)
    redshift = mock.observation.redshift
    pieces = zip(mock.theta.split(5), redshift.split(5), strict=True)
    light = map_in_threads(lambda piece: small_model.simulator(*piece).flux, pieces, 2)
    torch.testing.assert_close(torch.cat(list(light)), mock.spectra.flux, rtol=1e-5, atol=0.0)
