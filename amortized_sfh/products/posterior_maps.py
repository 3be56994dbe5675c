"""Summaries of the posteriors of a whole cube, by product name, and their places on the sky."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, NotRequired, TypedDict, Unpack

import numpy as np

from amortized_sfh.data.cubes.map_grid import MapGrid
from amortized_sfh.products.map_file import flag_image, write_maps
from amortized_sfh.quantities.registry import CHI2, ESS, FLAG, NOISE_SCALE, SNR
from amortized_sfh.quantities.statistics import MEAN, STATISTICS


class SinglePlanes(TypedDict):
    """Numbers of every row of a cube that have no draws, each of shape (n_obs,).

    Attributes
    ----------
    chi2
        Reduced chi-square of the data about the mean of the posterior predictive.
    flag
        Bits of :class:`~amortized_sfh.quantities.flags.Flag`, whole numbers.
    snr
        Median signal-to-noise ratio per pixel.
    noise_scale
        Error bars that were used over those that the file states.
    ess
        Effective number of draws where kinematics were imposed; left out or None where not.
    """

    chi2: np.ndarray
    flag: np.ndarray
    snr: np.ndarray
    noise_scale: np.ndarray
    ess: NotRequired[np.ndarray | None]


@dataclass(frozen=True, eq=False, repr=False)
class PosteriorMaps(Mapping[str, np.ndarray]):
    """Summaries of the posteriors of a cube: a mapping of product names to arrays by row.

    Scalars have shape (n_obs, 5) and quantities per age bin (n_obs, n_bins, 5), with `statistics`
    along the last axis; single planes such as CHI2 have shape (n_obs,).

    Parameters
    ----------
    products
        Product name to array, in the order of the file of maps.
    grid
        Row of each spaxel of the map, and the WCS.
    edges_gyr
        Edges of the age bins as lookback times in Gyr, n_bins + 1, youngest first.
    provenance
        Keyword to value for the primary header: model, version, seed, command.
    """

    products: Mapping[str, np.ndarray]
    grid: MapGrid
    edges_gyr: tuple[float, ...]
    provenance: Mapping[str, object] = field(default_factory=dict)
    statistics: ClassVar[tuple[str, ...]] = STATISTICS
    """Names of the statistics along the last axis of scalars and quantities per bin."""

    @classmethod
    def assemble(
        cls,
        summaries: Mapping[str, np.ndarray],
        *,
        grid: MapGrid,
        edges_gyr: Sequence[float],
        provenance: Mapping[str, object] | None = None,
        **planes: Unpack[SinglePlanes],
    ) -> PosteriorMaps:
        """Put summaries of draws and single planes together, in the order of the file of maps.

        Parameters
        ----------
        summaries
            Product name to statistics of all rows, such as `PosteriorSamples.summary` gives.
        grid
            Row of each spaxel of the map, and the WCS.
        edges_gyr
            Edges of the age bins in Gyr, n_bins + 1, youngest first.
        provenance
            Keyword to value for the primary header; nothing by default.
        **planes
            `chi2`, `flag`, `snr`, `noise_scale` and perhaps `ess`, see :class:`SinglePlanes`.

        Returns
        -------
        PosteriorMaps
            The maps of the cube.
        """
        products = {**summaries, CHI2.name: planes["chi2"], FLAG.name: planes["flag"]}
        ess = planes.get("ess")
        if ess is not None:
            products[ESS.name] = ess
        products |= {SNR.name: planes["snr"], NOISE_SCALE.name: planes["noise_scale"]}
        return cls(products, grid, tuple(edges_gyr), provenance or {})

    def __getitem__(self, name: str) -> np.ndarray:
        return self.products[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.products)

    def __len__(self) -> int:
        return len(self.products)

    def __repr__(self) -> str:
        ny, nx = self.grid.row.shape
        n_bins = len(self.edges_gyr) - 1
        return (
            f"PosteriorMaps({self.grid.n_obs} spectra on {ny} x {nx} spaxels, {n_bins} age bins: "
            f"{', '.join(self)})"
        )

    @property
    def chi2(self) -> np.ndarray:
        """Reduced chi-square of every row, shape (n_obs,)."""
        return self[CHI2.name]

    @property
    def flag(self) -> np.ndarray:
        """Bits of the flag of every row, shape (n_obs,)."""
        return self[FLAG.name]

    @property
    def snr(self) -> np.ndarray:
        """Median signal-to-noise ratio per pixel of every row, shape (n_obs,)."""
        return self[SNR.name]

    @property
    def noise_scale(self) -> np.ndarray:
        """Error bars that were used over those of the file, shape (n_obs,)."""
        return self[NOISE_SCALE.name]

    @property
    def ess(self) -> np.ndarray | None:
        """Effective draws of every row, shape (n_obs,); None where no kinematics were imposed."""
        return self.get(ESS.name)

    def image(self, name: str, statistic: str = MEAN) -> np.ndarray:
        """Paint a product on the sky.

        Parameters
        ----------
        name
            Name of the product.
        statistic
            One of `statistics`; single planes have none and take no notice of it.

        Returns
        -------
        ndarray
            Shape (ny, nx), or (n_bins, ny, nx) of a quantity per age bin; NaN where there is no
            result. FLAG has the bits of spaxels without a result, too.

        Raises
        ------
        ValueError
            If there is no such product or statistic.
        """
        if name not in self:
            raise ValueError(f"there is no product {name!r}; expected one of {', '.join(self)}")
        if statistic not in STATISTICS:
            raise ValueError(f"statistic is {statistic!r}; expected one of {', '.join(STATISTICS)}")
        if name == FLAG.name:
            return flag_image(self.flag, self.grid)
        values = self[name]
        if values.ndim == 1:
            return self.grid.paint(np.asarray(values, dtype=np.float64))
        return self.grid.paint(values[..., STATISTICS.index(statistic)])

    def write(self, path: str | Path, overwrite: bool = False) -> Path:
        """Write the maps as one FITS file, see :func:`~amortized_sfh.products.map_file.write_maps`.

        Parameters
        ----------
        path
            File to write; it appears under its name only when it is complete.
        overwrite
            If true, replace an existing file.

        Returns
        -------
        Path
            The file that was written.

        Raises
        ------
        FileExistsError
            If the file exists and may not be replaced.
        """
        return write_maps(path, self, self.grid, self.edges_gyr, self.provenance, overwrite)
