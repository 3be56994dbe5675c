"""What a training left in its loss curve."""

from __future__ import annotations

import csv
from pathlib import Path


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
