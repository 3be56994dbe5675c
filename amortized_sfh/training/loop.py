"""The training loop: encoder, flow and point heads on one stream, with checkpoints."""

from __future__ import annotations

import csv
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

import torch
from sbi.neural_nets.estimators.base import ConditionalDensityEstimator
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from amortized_sfh.networks.encoder import Encoder
from amortized_sfh.networks.point import PointHeads, point_loss
from amortized_sfh.training.latents import EncodedBatch
from amortized_sfh.training.stream import Batch
from simulators.whole_files import whole_file

Batches = Callable[[int], Iterator[Batch | EncodedBatch]]
Tensors = tuple[Tensor, ...] | list[Tensor]


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


class Trainee(nn.Module):
    """Everything that learns: one encoder under a flow and under point heads.

    Parameters
    ----------
    encoder
        Packed data to latent vector.
    flow
        Density of u given the latent vector.
    heads
        Latent vector to point estimates.
    """

    def __init__(
        self, encoder: Encoder, flow: ConditionalDensityEstimator, heads: PointHeads
    ) -> None:
        super().__init__()
        self.encoder, self.flow, self.heads = encoder, flow, heads

    def losses(self, batch: Batch | EncodedBatch) -> tuple[Tensor, Tensor]:
        """Mean negative log-density in nats and mean squared error of the point estimates."""
        latent = batch.latent if isinstance(batch, EncodedBatch) else self.encoder(batch.x)
        density = self.flow.loss(batch.u, condition=latent).mean()
        return density, point_loss(self.heads(latent), batch.target).mean()


def train(
    trainee: Trainee,
    batches: Batches,
    config: TrainingConfig,
    folder: Path,
    on_step: Callable[[int, float], None] | None = None,
) -> Trainee:
    """Train, or go on with the training in `folder`.

    Parameters
    ----------
    trainee
        Networks to train, in place.
    batches
        Given the first step, yields the batches from there on.
    config
        Schedule.
    folder
        Receives `checkpoint.pt` (weights and optimiser) and `loss.csv`.
    on_step
        Called with (step, loss), for progress.

    Returns
    -------
    Trainee
        Running mean of the weights.

    Raises
    ------
    FloatingPointError
        If the loss is not finite for ten steps in a row.
    """
    folder.mkdir(parents=True, exist_ok=True)
    optimiser = torch.optim.AdamW(
        trainee.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay
    )
    average = AveragedModel(trainee, multi_avg_fn=running_mean(config.average_decay))
    state = State(trainee, average, optimiser)
    step = state.load(folder / "checkpoint.pt")
    log = LossLog(folder / "loss.csv", step, config)
    stream, n_bad = batches(step), 0
    while step < config.n_steps:
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(step, config)
        density, point = trainee.losses(next(stream))
        loss = density + config.point_weight * point
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        norm = nn.utils.clip_grad_norm_(trainee.parameters(), config.gradient_clip)
        if bool(torch.isfinite(norm)):
            optimiser.step()
            average.update_parameters(trainee)
            n_bad = 0
        else:
            n_bad += 1
            if n_bad >= 10:
                raise FloatingPointError(
                    f"gradient not finite for {n_bad} steps at step {step}: lower learning_rate "
                    f"({config.learning_rate}) and go on from the last checkpoint"
                )
        step += 1
        log.add(step, density, point)
        if on_step is not None:
            on_step(step, float(density.detach()))
        if step % config.checkpoint_every == 0 or step == config.n_steps:
            state.save(folder / "checkpoint.pt", step)
    return cast(Trainee, average.module)


def running_mean(decay: float) -> Callable[[Tensors, Tensors, Tensor | int], None]:
    """Exponential running mean of weights that forgets its first ones.

    After n steps a share of at most (1 + n) / (10 + n) is kept, so that the mean spans the last
    tenth of a short training instead of the random weights at its start.

    Parameters
    ----------
    decay
        Largest share that is kept per step.

    Returns
    -------
    callable
        For `torch.optim.swa_utils.AveragedModel`: changes the means (first list) in place, given
        the weights (second list) and how many of them the means hold.
    """

    def update(means: Tensors, weights: Tensors, n_averaged: Tensor | int) -> None:
        n = int(n_averaged)
        get_ema_multi_avg_fn(min(decay, (1 + n) / (10 + n)))(means, weights, n)

    return update


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


class State:
    """What a checkpoint holds.

    Parameters
    ----------
    trainee, average, optimiser
        Objects whose state is saved and restored.
    """

    def __init__(
        self, trainee: Trainee, average: AveragedModel, optimiser: torch.optim.Optimizer
    ) -> None:
        self._parts: dict[str, Any] = {
            "trainee": trainee,
            "average": average,
            "optimiser": optimiser,
        }

    def save(self, path: Path, step: int) -> None:
        """Write atomically, so that a kill leaves the previous checkpoint."""
        content = {name: part.state_dict() for name, part in self._parts.items()}
        with whole_file(path) as partial:
            torch.save({**content, "step": step}, partial)

    def load(self, path: Path) -> int:
        """Restore, if there is a checkpoint; return the steps done."""
        if not path.exists():
            return 0
        content = torch.load(path, weights_only=True, map_location="cpu")
        for name, part in self._parts.items():
            part.load_state_dict(content[name])
        return int(content["step"])


class LossLog:
    """Loss curve as CSV: means over `log_every` steps.

    Parameters
    ----------
    path
        File; lines beyond the checkpoint's step are dropped.
    step
        Steps done.
    config
        Supplies `log_every` and the batch size.
    """

    _FIELDS = ("step", "n_spectra", "density_nats", "point_mse", "learning_rate", "seconds")

    def __init__(self, path: Path, step: int, config: TrainingConfig) -> None:
        self._path, self._config = path, config
        self._sums, self._count = [0.0, 0.0], 0
        rows = []
        if step and path.exists():
            with path.open(newline="") as file:
                rows = [row for row in csv.DictReader(file) if int(row["step"]) <= step]
        self._start = time.monotonic() - (float(rows[-1]["seconds"]) if rows else 0.0)
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, self._FIELDS)
            writer.writeheader()
            writer.writerows(rows)

    def add(self, step: int, density: Tensor, point: Tensor) -> None:
        """Count one step, and write a line when it is due."""
        self._sums[0] += float(density.detach())
        self._sums[1] += float(point.detach())
        self._count += 1
        if step % self._config.log_every and step != self._config.n_steps:
            return
        means = [f"{total / self._count:.5f}" for total in self._sums]
        rate = f"{learning_rate(step, self._config):.3g}"
        seconds = f"{time.monotonic() - self._start:.1f}"
        with self._path.open("a", newline="") as file:
            row = [step, step * self._config.batch_size, *means, rate, seconds]
            csv.writer(file).writerow(row)
        self._sums, self._count = [0.0, 0.0], 0
