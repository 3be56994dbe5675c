"""The map of a cube: which row of results belongs to which spaxel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from astropy.io import fits


@dataclass(frozen=True)
class MapGrid:
    """Places of results on the map of a cube, and on the sky.

    Parameters
    ----------
    row : ndarray
        Row of the results for every spaxel, shape (ny, nx), -1 where there is none. Spaxels of one
        bin share a row.
    header : astropy.io.fits.Header
        Celestial WCS of the map; empty if there is none.
    label : ndarray, optional
        Number that BINID shows for each row, shape (n_obs,); by default the row itself.
    flag : ndarray, optional
        Flags of single spaxels, shape (ny, nx); joined with those of the results.
    names : tuple of str
        Name of each row, n_obs of them, for the table APERTURES; empty for none.
    """

    row: np.ndarray
    header: fits.Header
    label: np.ndarray | None = None
    flag: np.ndarray | None = None
    names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.row.ndim != 2 or not np.issubdtype(self.row.dtype, np.integer):
            raise ValueError(
                f"row has shape {self.row.shape} and dtype {self.row.dtype}; "
                "expected a map (ny, nx) of whole numbers"
            )
        if self.label is not None and self.label.shape != (self.n_obs,):
            raise ValueError(f"label has shape {self.label.shape}; expected ({self.n_obs},)")
        if self.flag is not None and self.flag.shape != self.row.shape:
            raise ValueError(f"flag has shape {self.flag.shape}; expected {self.row.shape}")
        if len(self.names) not in (0, self.n_obs):
            raise ValueError(f"{len(self.names)} names were given; expected {self.n_obs} or none")

    @property
    def n_obs(self) -> int:
        """Number of results that the map refers to."""
        return int(self.row.max(initial=-1)) + 1

    def paint(self, values: np.ndarray, fill: float = np.nan) -> np.ndarray:
        """Put one value per row on the map.

        Parameters
        ----------
        values : ndarray
            One value, or one array of them, per row, shape (n_obs, ...).
        fill : float
            Value of spaxels without a row.

        Returns
        -------
        ndarray
            The map, or a map per value, shape (..., ny, nx), dtype of ``values``.
        """
        image = np.full((*values.shape[1:], *self.row.shape), fill, dtype=values.dtype)
        has_row = self.row >= 0
        image[..., has_row] = np.moveaxis(values[self.row[has_row]], 0, -1)
        return image
