"""Panels of equal size at fixed places: maps keep their shape and neighbours never overlap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from amortized_sfh.plotting.figures import new_figure

_BAR = 0.09
_SMALLEST = 1.2


@dataclass(frozen=True)
class PanelGrid:
    """A figure of rows and columns of panels, sizes in inches.

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
    panels: dict[tuple[int, int], Axes] = field(default_factory=dict, init=False)
    """Panels that have been added, by row and column."""

    @property
    def size(self) -> tuple[float, float]:
        """Width and height of the figure."""
        width = self.left + len(self.gaps_x) * self.panel[0] + sum(self.gaps_x)
        return width, self.top + len(self.gaps_y) * self.panel[1] + sum(self.gaps_y)

    @cached_property
    def figure(self) -> Figure:
        """The figure that holds the panels."""
        return new_figure(*self.size, layout=None)

    def _corner(self, row: int, column: int) -> tuple[float, float]:
        """Lower left corner of a panel, in inches."""
        x = self.left + column * self.panel[0] + sum(self.gaps_x[:column])
        y = self.top + (row + 1) * self.panel[1] + sum(self.gaps_y[:row])
        return x, self.size[1] - y

    def _axes(self, left: float, bottom: float, width: float, height: float) -> Axes:
        """Add axes at a place in inches."""
        total_x, total_y = self.size
        return self.figure.add_axes(
            (left / total_x, bottom / total_y, width / total_x, height / total_y)
        )

    def axes(self, row: int, column: int) -> Axes:
        """Add the axes of a panel."""
        self.panels[row, column] = self._axes(*self._corner(row, column), *self.panel)
        return self.panels[row, column]

    def beside(self, row: int, column: int) -> Axes:
        """Add the axes of a colour bar to the right of a panel."""
        x, y = self._corner(row, column)
        return self._axes(x + self.panel[0] + 0.07, y, _BAR, self.panel[1])

    def below(self, row: int, column: int, gap: float) -> Axes:
        """Add the axes of a colour bar below a panel, `gap` inches away."""
        x, y = self._corner(row, column)
        return self._axes(x, y - gap - _BAR, self.panel[0], _BAR)

    def label_axes(self, x_label: str, y_label: str) -> None:
        """Label the left column and the lowest panel of every column; others lose their numbers."""
        lowest = {column: row for row, column in sorted(self.panels)}
        for (row, column), ax in self.panels.items():
            ax.tick_params(labelleft=column == 0, labelbottom=row == lowest[column])
            if column == 0:
                # at the same place whatever the numbers of the axis are
                ax.set_ylabel(y_label)
                ax.yaxis.set_label_coords(-0.5 / self.panel[0], 0.5)
            if row == lowest[column]:
                ax.set_xlabel(x_label, labelpad=2.0)

    def label_rows(self, titles: Sequence[str]) -> None:
        """Write a title along the left edge of every row."""
        for row, title in enumerate(titles):
            y = self._corner(row, 0)[1] + 0.5 * self.panel[1]
            at = (0.14 / self.size[0], y / self.size[1])
            self.figure.text(*at, title, rotation=90, ha="left", va="center", weight="bold")


def panel_size(shape: tuple[int, ...], largest: float = 2.3) -> tuple[float, float]:
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
