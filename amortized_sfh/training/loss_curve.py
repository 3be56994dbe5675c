"""The loss curve of a training: writing it, and what it says in the end."""

from __future__ import annotations

import csv
import time
from pathlib import Path

from torch import Tensor

from amortized_sfh.training.schedule import TrainingConfig, learning_rate


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


def last_losses(path: Path) -> dict[str, float]:
    """Losses of the last line of a loss curve, for a model card.

    Parameters
    ----------
    path
        CSV file of `train`.

    Returns
    -------
    dict of str to float
        `density_nats`, `point_mse` and `hours`; empty if there is no line yet.
    """
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    if not rows:
        return {}
    last = {name: float(rows[-1][name]) for name in ("density_nats", "point_mse")}
    return {**last, "hours": round(float(rows[-1]["seconds"]) / 3600.0, 2)}


def spectra_seen(path: Path) -> int:
    """Spectra that a training has seen, from the last line of its loss curve.

    Parameters
    ----------
    path
        CSV file of `train`.

    Returns
    -------
    int
        0 if there is no line yet.
    """
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    return int(rows[-1]["n_spectra"]) if rows else 0
