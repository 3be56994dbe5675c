"""Random order in which a fixed set is read: new in every pass, the same for the same seed."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import numpy as np


def shuffled_batches(
    n: int, batch_size: int, seed: int = 0, first_step: int = 0
) -> Iterator[np.ndarray]:
    """Row numbers of random batches, without end.

    Parameters
    ----------
    n
        Number of rows of the set.
    batch_size
        Rows per batch, at most `n`; a last batch that is not full is left out of a pass.
    seed
        Source of randomness of the order.
    first_step
        Number of the first batch, 0 at the start of a training.

    Yields
    ------
    ndarray
        Row numbers of the next batch, int64, shape (batch_size,).

    Examples
    --------
    >>> batches = shuffled_batches(6, 3)
    >>> sorted([*next(batches).tolist(), *next(batches).tolist()])
    [0, 1, 2, 3, 4, 5]
    """
    per_pass = n // batch_size
    current, shuffled_rows = -1, np.arange(n)
    for step in count(first_step):
        number, part = divmod(step, per_pass)
        if number != current:
            current = number
            shuffled_rows = np.random.default_rng((seed, number)).permutation(n)
        yield shuffled_rows[part * batch_size : (part + 1) * batch_size]
