"""Random order of a fixed set: every row once per pass, and the same after a restart."""

from __future__ import annotations

from itertools import islice

import numpy as np

from amortized_sfh.training.stored_rows import shuffled_batches


def test_every_pass_has_every_row_once_in_another_order():
    batches = list(islice(shuffled_batches(103, 20, seed=3), 10))
    first, second = np.concatenate(batches[:5]), np.concatenate(batches[5:])
    assert len(set(first)) == len(set(second)) == 100
    assert first.tolist() != second.tolist()


def test_it_goes_on_where_it_stopped():
    whole = list(islice(shuffled_batches(103, 20, seed=3), 12))
    rest = list(islice(shuffled_batches(103, 20, seed=3, first_step=7), 5))
    assert np.array_equal(whole[7:], rest)
    other = next(shuffled_batches(103, 20, seed=4))
    assert not np.array_equal(whole[0], other)
