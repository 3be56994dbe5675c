"""Making, styling, saving figures and checking what goes into them, without global state."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from amortized_sfh.quantities.quantity import Quantity
from simulators.files.whole_files import whole_file

STYLE: Any = {
    "font.size": 9.0,
    "axes.titlesize": 9.5,
    "axes.labelsize": 9.0,
    "axes.linewidth": 0.8,
    "xtick.labelsize": 8.0,
    "ytick.labelsize": 8.0,
    "xtick.direction": "in",
    "ytick.direction": "in",
    "xtick.top": True,
    "ytick.right": True,
    "legend.fontsize": 8.0,
    "legend.frameon": False,
    "lines.linewidth": 1.2,
    "image.origin": "lower",
    "image.interpolation": "nearest",
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
}
"""Settings that hold while a figure is made; the reader's own are restored afterwards."""

styled = rc_context(STYLE)
"""Decorator of functions that make a figure: they run under `STYLE`, whatever is set outside."""


def new_figure(width: float, height: float, layout: str | None = "constrained") -> Figure:
    """Make an empty figure that pyplot knows nothing of.

    Parameters
    ----------
    width, height : float
        Size of the figure in inches.
    layout : str, optional
        Layout engine; None where axes are placed by hand.

    Returns
    -------
    Figure
        An empty figure, without axes.
    """
    return Figure(figsize=(width, height), layout=layout)  # type: ignore[arg-type]


def new_panels(
    n: int, size: tuple[float, float], margin: float = 0.0, **subplots: Any
) -> tuple[Figure, list[Axes]]:
    """Make a figure of equal panels, up to four in a row.

    Parameters
    ----------
    n : int
        Number of panels, one or more.
    size : tuple of float
        Width and height of a panel in inches.
    margin : float
        Height in inches that is added to the figure, for titles and labels.
    **subplots
        Shared axes, as `Figure.subplots` takes them.

    Returns
    -------
    Figure
        The figure, four panels wide or less.
    list of Axes
        Its n panels, row by row.
    """
    columns = min(n, 4)
    rows = -(-n // columns)
    figure = new_figure(size[0] * columns, size[1] * rows + margin)
    axes = list(figure.subplots(rows, columns, squeeze=False, **subplots).flat)
    for ax in axes[n:]:
        ax.remove()
    return figure, axes[:n]


def save(figure: Figure, path: str | Path, dpi: float = 160.0) -> Path:
    """Write a figure; an interrupted run leaves no unfinished file under its name.

    Parameters
    ----------
    figure : Figure
        Figure that is to be written.
    path : str or Path
        File; its suffix sets the format (png, pdf, svg). An existing file is replaced.
    dpi : float
        Dots per inch, for formats made of pixels.

    Returns
    -------
    Path
        The file that was written.

    Raises
    ------
    FileNotFoundError
        If the folder does not exist.
    ValueError
        If the suffix is not a format of figures.
    """
    path = Path(path)
    if not path.parent.is_dir():
        raise FileNotFoundError(f"no such folder: {path.parent}; create it first")
    kind = path.suffix.lstrip(".").lower()
    known = figure.canvas.get_supported_filetypes()
    if kind not in known:
        raise ValueError(f"{path} ends with {path.suffix!r}; expected one of {sorted(known)}")
    with whole_file(path) as partial, rc_context(STYLE):
        figure.savefig(partial, format=kind, dpi=dpi)
    return path


def finish(figure: Figure, path: str | Path | None) -> Figure:
    """Write the figure if there is a path, and return it.

    Parameters
    ----------
    figure : Figure
        Figure that is complete.
    path : str or Path, optional
        File to write, see :func:`save`; none by default.

    Returns
    -------
    Figure
        The same figure, whether it was written or not.
    """
    if path is not None:
        save(figure, path)
    return figure


def as_array(values: Any, name: str, shape: Sequence[int | None]) -> np.ndarray:
    """Convert to float64 and check the shape.

    Parameters
    ----------
    values : array or Tensor
        Numbers of any kind that numpy takes.
    name : str
        Name of the values in the message of the error.
    shape : sequence of int or None
        Expected shape; None where any length will do.

    Returns
    -------
    ndarray
        The values as float64, of the shape that was expected.

    Raises
    ------
    ValueError
        If the shape is different or the array is empty.
    """
    if hasattr(values, "detach"):
        values = values.detach().cpu()
    array = np.asarray(values, dtype=np.float64)
    sizes = zip(array.shape, shape, strict=False)
    if array.ndim != len(shape) or any(want not in (None, have) for have, want in sizes):
        wanted = ", ".join("any" if n is None else str(n) for n in shape)
        raise ValueError(f"{name} has shape {array.shape}; expected ({wanted})")
    if array.size == 0:
        raise ValueError(f"{name} is empty (shape {array.shape}); expected at least one value")
    return array


def quantile_band(draws: np.ndarray, share: float) -> tuple[np.ndarray, np.ndarray]:
    """Central interval over the first axis, NaN ignored.

    Parameters
    ----------
    draws : ndarray, shape (n_draws, ...)
        Draws along the first axis.
    share : float
        Probability inside, 0 to 1.

    Returns
    -------
    low, high : ndarray, shape (...)
        Lower and upper limit of the interval.
    """
    tail = 0.5 * (1.0 - share)
    low, high = np.nanquantile(draws, [tail, 1.0 - tail], axis=0)
    return low, high


def as_shown(values: np.ndarray, quantity: Quantity) -> np.ndarray:
    """Return values as figures show them: log10 of some quantities, as they are of others.

    Parameters
    ----------
    values : ndarray
        Values of any shape.
    quantity : Quantity
        Quantity that the values are of.

    Returns
    -------
    ndarray
        Values of the same shape; logarithms are NaN where there is no positive value.
    """
    return np.log10(np.where(values > 0, values, np.nan)) if quantity.log else values


def note(ax: Axes, text: str, where: tuple[float, float] = (0.04, 0.04), **kwargs: Any) -> None:
    """Write a short text into axes.

    Parameters
    ----------
    ax : Axes
        Axes to write into.
    text : str
        Text, in a line or two.
    where : tuple of float
        Position in axes units, or in those of `transform`.
    **kwargs
        Look of the text, as `Axes.text` takes it.
    """
    look: Any = {"ha": "left", "va": "bottom", "fontsize": 8.0, "transform": ax.transAxes}
    ax.text(*where, text, **look | kwargs)
