"""The loss curve of a training: written step by step, and its last line for the record."""

from __future__ import annotations

import csv
import time
from pathlib import Path

from torch import Tensor

from amortized_sfh.training.schedule import TrainingConfig, learning_rate


class LossLog:
    """Writer of the loss curve, a CSV file of means over `log_every` steps.

    Parameters
    ----------
    path
        CSV file; if it exists, lines beyond `step` are dropped.
    step
        Number of steps already done, 0 for a new curve.
    config
        Schedule of the training, which supplies `log_every` and the batch size.
    """

    _FIELDS = ("step", "n_spectra", "density_nats", "point_mse", "learning_rate", "seconds")

    def __init__(self, path: Path, step: int, config: TrainingConfig) -> None:
        self._path, self._config = path, config
        self._sums, self._count = [0.0, 0.0], 0
        rows = [row for row in _read(path) if int(row["step"]) <= step] if step else []
        self._start = time.monotonic() - (float(rows[-1]["seconds"]) if rows else 0.0)
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, self._FIELDS)
            writer.writeheader()
            writer.writerows(rows)

    def add(self, step: int, density_loss: Tensor, point_loss: Tensor) -> None:
        """Add the losses of a step, the `step`-th, and write a line when it is due."""
        self._sums[0] += float(density_loss.detach())
        self._sums[1] += float(point_loss.detach())
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


def last_losses(path: Path) -> dict[str, float]:
    """Read the last line of a loss curve, for a model card.

    Parameters
    ----------
    path
        CSV file that `train` wrote.

    Returns
    -------
    dict of str to float
        `density_nats` and `point_mse`, means over the last steps, and `hours` of training; empty if
        there is no line yet.
    """
    rows = _read(path)
    if not rows:
        return {}
    losses = {name: float(rows[-1][name]) for name in ("density_nats", "point_mse")}
    return {**losses, "hours": round(float(rows[-1]["seconds"]) / 3600.0, 2)}


def spectra_seen(path: Path) -> int:
    """Read from a loss curve how many spectra a training has seen.

    Parameters
    ----------
    path
        CSV file that `train` wrote.

    Returns
    -------
    int
        Number of spectra at the last line; 0 if there is no line yet.
    """
    rows = _read(path)
    return int(rows[-1]["n_spectra"]) if rows else 0


def _read(path: Path) -> list[dict[str, str]]:
    """Lines of a loss curve; none without a file."""
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return list(csv.DictReader(file))
