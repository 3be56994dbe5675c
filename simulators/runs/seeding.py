"""Independent, reproducible random numbers for every part of a long run.

Use `chunk_generator` wherever a run is cut into chunks that must be the same for the same seed, in
any order. It exists because torch's generator on the CPU looks at the low 32 bits of a seed only:
`manual_seed((seed << 32) + chunk)` would give the same numbers for every seed.
"""

from __future__ import annotations

from enum import Enum

import torch

_N_SEEDS = 1 << 32
# 2**32 over the golden ratio: successive seeds land far from one another on the ring of 2**32
_STRIDE = 0x9E3779B1


class Purpose(Enum):
    """Uses of random numbers; runs of the same seed for different uses share no numbers."""

    STREAM = 0
    STORED = _N_SEEDS // 3
    NOISE = 2 * (_N_SEEDS // 3)
    POSTERIOR = _N_SEEDS // 6


def chunk_generator(
    seed: int,
    chunk: int,
    device: torch.device | str = "cpu",
    purpose: Purpose = Purpose.STREAM,
) -> torch.Generator:
    """Make the generator of one chunk of a run.

    Seeds below 2000 are at least 500 000 chunks apart, whatever their purpose.

    Parameters
    ----------
    seed
        Seed of the run, the same for all its chunks.
    chunk
        Number of the chunk in the run, from 0.
    device
        Device on which the numbers are drawn.
    purpose
        Use of the numbers; by default the stream of training spectra.

    Returns
    -------
    torch.Generator
        Freshly seeded generator, the same for the same arguments.

    Raises
    ------
    ValueError
        If `chunk` is negative.

    Examples
    --------
    >>> first, again, other = (chunk_generator(seed, 5) for seed in (1, 1, 2))
    >>> x, y, z = (torch.rand((), generator=g) for g in (first, again, other))
    >>> bool(x == y), bool(x == z)
    (True, False)
    """
    if chunk < 0:
        raise ValueError(f"chunk is {chunk}; expected 0, 1, 2, ...")
    generator = torch.Generator(device)
    generator.manual_seed((seed * _STRIDE + purpose.value + chunk) % _N_SEEDS)
    return generator
