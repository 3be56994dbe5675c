"""Independent pieces of work on all cores: one thread each, which beats many threads in turn."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def map_in_threads(
    function: Callable[[_Item], _Result], items: Iterable[_Item], n_threads: int | None = None
) -> Iterator[_Result]:
    """Compute results in the order of the items, a few of them ahead of their use.

    Torch leaves the interpreter lock in all that takes long, and spectra in pieces of some 256 stay
    in the caches of one core.

    Parameters
    ----------
    function
        Function of one item. It is called from several threads at once; what it computes with
        torch uses one thread.
    items
        Arguments of the function, one for each call.
    n_threads
        Number of threads; by default as many as torch uses.

    Yields
    ------
    object
        Value that the function returns for each item.
    """
    before = torch.get_num_threads()
    rest = iter(items)
    pool = ThreadPoolExecutor(n_threads or before, initializer=torch.set_num_threads, initargs=(1,))
    try:
        first = itertools.islice(rest, (n_threads or before) + 1)
        waiting = deque(pool.submit(function, item) for item in first)
        while waiting:
            result = waiting.popleft().result()
            waiting.extend(pool.submit(function, item) for item in itertools.islice(rest, 1))
            yield result
    finally:
        pool.shutdown(cancel_futures=True)
        # the number belongs to the process, and the workers have set it
        torch.set_num_threads(before)


def map_on(
    device: torch.device, function: Callable[[_Item], _Result], items: Iterable[_Item]
) -> Iterator[_Result]:
    """`map_in_threads` for work on a device: all cores of a CPU, or a GPU, which one piece fills.

    Parameters
    ----------
    device
        Device on which the function computes.
    function, items
        Function and its arguments, one for each call, as for `map_in_threads`.

    Returns
    -------
    Iterator
        Results of the function in the order of the items.
    """
    return map_in_threads(function, items, None if device.type == "cpu" else 1)
