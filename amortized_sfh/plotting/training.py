"""The loss curve of a training."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from amortized_sfh.plotting.colours import CYCLE
from amortized_sfh.plotting.figures import finish, new_figure, styled

_LABELS = {
    "density_nats": "−log q(u | data) (nats)",
    "point_mse": "point network: loss",
    "learning_rate": "learning rate",
}
_COLUMNS = ("n_spectra", *_LABELS, "seconds")
_FEW_LINES = 30
"""Up to so many, every line of the table is marked and none is smoothed."""


@styled
def plot_loss(csv_path: str | Path, path: str | Path | None = None) -> Figure:
    """Draw the losses over the number of spectra seen, and the learning rate.

    Parameters
    ----------
    csv_path : str or Path
        Table with the columns step, n_spectra, density_nats, point_mse, learning_rate, seconds.
    path : str or Path, optional
        File to write, png, pdf or svg; none by default.

    Returns
    -------
    Figure
        With three axes: negative log-density, squared error of the point network, learning rate.

    Raises
    ------
    FileNotFoundError
        If there is no such table.
    ValueError
        If a column is missing, a value is not a number, or there are no lines.
    """
    table = read_loss(csv_path)
    spectra = table["n_spectra"] / 1e6
    figure = new_figure(7.0, 6.2)
    axes = figure.subplots(3, 1, sharex=True, gridspec_kw={"height_ratios": (2.2, 1.3, 0.7)})
    few = spectra.size <= _FEW_LINES
    look: Any = {"marker": "o" if few else "", "ms": 3.5, "label": "mean between two lines"}
    for ax, (name, label), colour in zip(axes, _LABELS.items(), CYCLE, strict=False):
        losses = table[name]
        ax.plot(spectra, losses, color=colour, lw=1.1, **look)
        if name != "learning_rate":
            if not few:
                _draw_smoothed(ax, spectra, losses)
            _set_limits(ax, losses)
        ax.set_ylabel(label)
        ax.grid(alpha=0.25, lw=0.6)
    axes[0].legend(loc="upper right")
    axes[2].set(xscale="log", yscale="log", xlabel="spectra seen (millions)")
    axes[2].xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    hours = table["seconds"][-1] / 3600.0
    last = table["density_nats"][-max(1, len(spectra) // 20) :].mean()
    axes[0].set_title(
        f"{spectra[-1]:.2f} million spectra, {hours:.2f} h, {last:.2f} nats at the end"
    )
    return finish(figure, path)


def _draw_smoothed(ax: Axes, x: np.ndarray, y: np.ndarray) -> None:
    """Draw a running median over a twentieth of a decade."""
    log_x = np.log10(x)
    inside = np.abs(log_x[:, None] - log_x[None]) < 0.05
    smooth = np.array([np.median(y[row]) for row in inside])
    ax.plot(x, smooth, color="black", lw=1.5, label="running median")


def _set_limits(ax: Axes, y: np.ndarray) -> None:
    """Keep the first spikes out of view."""
    low, high = y.min(), np.quantile(y, 0.98) if y.size > 50 else y.max()
    # a single line has no span of its own
    pad = 0.06 * (high - low) if high > low else 0.1 * max(abs(high), 1e-6)
    ax.set_ylim(low - pad, high + pad)


def read_loss(csv_path: str | Path) -> dict[str, np.ndarray]:
    """Read a loss curve.

    Parameters
    ----------
    csv_path : str or Path
        Table that a training wrote, with the columns that `plot_loss` names.

    Returns
    -------
    dict of str to ndarray
        Column name to values, shape (n_line,).

    Raises
    ------
    FileNotFoundError
        If there is no such table.
    ValueError
        If a column is missing, a value is not a number, or there are no lines.
    """
    csv_path = Path(csv_path)
    if not csv_path.is_file():
        raise FileNotFoundError(f"no loss curve at {csv_path}; train first or give another path")
    with csv_path.open(newline="") as file:
        reader = csv.DictReader(file)
        missing = [name for name in _COLUMNS if name not in (reader.fieldnames or ())]
        if missing:
            raise ValueError(f"{csv_path} has no columns {missing}; expected {_COLUMNS}")
        lines = list(reader)
    if not lines:
        raise ValueError(f"{csv_path} has no lines yet; wait until the training has logged one")
    try:
        return {name: np.array([float(line[name]) for line in lines]) for name in _COLUMNS}
    except (TypeError, ValueError) as error:
        raise ValueError(f"{csv_path} holds something that is not a number: {error}") from error
