"""Length of a training and its learning rate at every step."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """Schedule of a training.

    Parameters
    ----------
    n_spectra
        Number of spectra that the networks see, rounded up to whole batches.
    batch_size
        Number of spectra per step.
    learning_rate
        Peak of the learning rate, which rises linearly in the warm-up, then falls as a cosine to
        1 % of its peak.
    warmup_steps
        Number of steps of the warm-up.
    weight_decay
        Decay of the weights in AdamW, relative to the learning rate.
    gradient_clip
        Largest norm of the gradient of all weights; a longer one is scaled down.
    point_weight
        Weight of the loss of the point heads beside the negative log-density in nats.
    average_decay
        Largest share of the running mean of the weights that is kept per step, see `running_mean`.
    log_every
        Number of steps between lines of the loss curve.
    checkpoint_every
        Number of steps between checkpoints.

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
        """Number of steps of the whole training."""
        return math.ceil(self.n_spectra / self.batch_size)


def learning_rate(step: int, config: TrainingConfig) -> float:
    """Learning rate at a step: linear warm-up, then a cosine.

    Parameters
    ----------
    step
        Number of steps already done.
    config
        Schedule of the training.

    Returns
    -------
    float
        Learning rate of the next step.
    """
    if step < config.warmup_steps:
        return config.learning_rate * (step + 1) / config.warmup_steps
    done = (step - config.warmup_steps) / max(config.n_steps - config.warmup_steps, 1)
    return config.learning_rate * (0.01 + 0.99 * 0.5 * (1.0 + math.cos(math.pi * min(done, 1.0))))
