"""Panels of equal size at fixed places: maps keep their shape and neighbours never overlap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from amortized_sfh.plotting.figures import new_figure

_BAR = 0.09
_LARGEST, _SMALLEST = 2.3, 1.2


@dataclass(frozen=True)
class PanelGrid:
    """Rows and columns of panels, sizes in inches.

    Parameters
    ----------
    panel : tuple of float
        Width and height of every panel.
    gaps_x : tuple of float
        Space to the right of every column.
    gaps_y : tuple of float
        Space below every row.
    left, top : float
        Margins of the figure.
    """

    panel: tuple[float, float]
    gaps_x: tuple[float, ...]
    gaps_y: tuple[float, ...]
    left: float = 1.0
    top: float = 0.45

    @property
    def size(self) -> tuple[float, float]:
        """Width and height of the figure."""
        width = self.left + len(self.gaps_x) * self.panel[0] + sum(self.gaps_x)
        return width, self.top + len(self.gaps_y) * self.panel[1] + sum(self.gaps_y)

    def figure(self) -> Figure:
        """Make an empty figure of the right size."""
        return new_figure(*self.size, layout=None)

    def corner(self, row: int, column: int) -> tuple[float, float]:
        """Lower left corner of a panel, in inches."""
        x = self.left + column * self.panel[0] + sum(self.gaps_x[:column])
        y = self.top + (row + 1) * self.panel[1] + sum(self.gaps_y[:row])
        return x, self.size[1] - y

    def _relative(
        self, left: float, bottom: float, width: float, height: float
    ) -> tuple[float, float, float, float]:
        total_x, total_y = self.size
        return left / total_x, bottom / total_y, width / total_x, height / total_y

    def axes(self, figure: Figure, row: int, column: int) -> Axes:
        """Add the axes of a panel."""
        return figure.add_axes(self._relative(*self.corner(row, column), *self.panel))

    def label_rows(self, figure: Figure, titles: Sequence[str]) -> None:
        """Write a title along the left edge of every row."""
        for row, title in enumerate(titles):
            y = self.corner(row, 0)[1] + 0.5 * self.panel[1]
            at = (0.14 / self.size[0], y / self.size[1])
            look = {"rotation": 90, "ha": "left", "va": "center", "weight": "bold"}
            figure.text(*at, title, **look)  # type: ignore[arg-type]

    def label_y(self, ax: Axes, label: str) -> None:
        """Label the vertical axis of a panel, at the same place whatever its numbers are."""
        ax.set_ylabel(label)
        ax.yaxis.set_label_coords(-0.5 / self.panel[0], 0.5)

    def beside(self, row: int, column: int) -> tuple[float, float, float, float]:
        """Place of a colour bar to the right of a panel, in figure units."""
        x, y = self.corner(row, column)
        return self._relative(x + self.panel[0] + 0.07, y, _BAR, self.panel[1])

    def below(self, row: int, column: int, gap: float = 0.07) -> tuple[float, float, float, float]:
        """Place of a colour bar below a panel, `gap` inches away, in figure units."""
        x, y = self.corner(row, column)
        return self._relative(x, y - gap - _BAR, self.panel[0], _BAR)


def panel_size(shape: tuple[int, int], largest: float = _LARGEST) -> tuple[float, float]:
    """Width and height of the panel of a map.

    Parameters
    ----------
    shape : tuple of int
        Shape of the map, (ny, nx).
    largest : float
        Longer side in inches.

    Returns
    -------
    tuple of float
        Width and height in inches, neither below 1.2.
    """
    ny, nx = shape
    scale = largest / max(nx, ny)
    return max(nx * scale, _SMALLEST), max(ny * scale, _SMALLEST)
