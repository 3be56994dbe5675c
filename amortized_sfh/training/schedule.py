"""How long and how fast a training learns."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """Schedule of a training.

    Parameters
    ----------
    n_spectra
        Spectra to see.
    batch_size
        Spectra per step.
    learning_rate
        Peak of the schedule: linear warm-up, then a cosine to 1 % of it.
    warmup_steps
        Steps of the warm-up.
    weight_decay
        Of AdamW.
    gradient_clip
        Largest norm of the gradient.
    point_weight
        Weight of the point network's loss beside the negative log-density.
    average_decay
        Largest decay per step of the running mean of the weights that is kept, see `running_mean`.
    log_every
        Steps between lines of the loss curve.
    checkpoint_every
        Steps between checkpoints.

    Raises
    ------
    ValueError
        If a number of these is not positive.
    """

    n_spectra: int = 5_000_000
    batch_size: int = 256
    learning_rate: float = 1e-3
    warmup_steps: int = 500
    weight_decay: float = 1e-4
    gradient_clip: float = 5.0
    point_weight: float = 1.0
    average_decay: float = 0.999
    log_every: int = 100
    checkpoint_every: int = 500

    def __post_init__(self) -> None:
        for name in ("n_spectra", "batch_size", "learning_rate", "log_every", "checkpoint_every"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} is {getattr(self, name)}; expected more than 0")

    @property
    def n_steps(self) -> int:
        """Steps of the whole training."""
        return math.ceil(self.n_spectra / self.batch_size)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)


def learning_rate(step: int, config: TrainingConfig) -> float:
    """Warm-up and cosine.

    Parameters
    ----------
    step
        Steps done.
    config
        Schedule.

    Returns
    -------
    float
        Learning rate of the next step.
    """
    if step < config.warmup_steps:
        return config.learning_rate * (step + 1) / config.warmup_steps
    done = (step - config.warmup_steps) / max(config.n_steps - config.warmup_steps, 1)
    return config.learning_rate * (0.01 + 0.99 * 0.5 * (1.0 + math.cos(math.pi * min(done, 1.0))))
