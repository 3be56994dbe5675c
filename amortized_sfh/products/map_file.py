"""Writing posterior maps as one FITS file that keeps the WCS of the cube.

Layout: for each quantity per age bin (MASSFRAC, SFR, MH) five extensions ``<NAME>_MEAN``,
``_STD``, ``_P16``, ``_P50``, ``_P84`` of 16 planes, youngest bin first; for each scalar one
extension with these five statistics as planes; one plane each for CHI2, FLAG and BINID; the age
edges in the table AGEBINS; names of apertures, if there are any, in the table APERTURES; provenance
in the primary header.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from astropy.io import fits

from amortized_sfh.data.cubes.map_grid import MapGrid
from amortized_sfh.quantities.flags import Flag, describe_flags
from amortized_sfh.quantities.registry import BINID, FLAG, PRODUCTS, unit_of
from amortized_sfh.quantities.statistics import STATISTICS, extension_name
from simulators.files.whole_files import check_output, whole_file


def write_maps(
    path: str | Path,
    results: Mapping[str, np.ndarray],
    grid: MapGrid,
    age_edges_gyr: Sequence[float],
    provenance: Mapping[str, object] | None = None,
    overwrite: bool = False,
) -> Path:
    """Write maps of posterior summaries.

    The file appears under its name only when it is complete.

    Parameters
    ----------
    path : str or Path
        FITS file to write.
    results : mapping
        Product name to array, one row per observation: (n_obs, n_bins, 5) for the quantities per
        age bin and (n_obs, 5) for scalars, with `STATISTICS` last; (n_obs,) for single planes such
        as CHI2 and FLAG. Units are those of the registry.
    grid : MapGrid
        Row of each spaxel of the map, and the WCS.
    age_edges_gyr : sequence of float
        Lookback-time edges of the age bins, n_bins + 1, youngest first, in Gyr.
    provenance : mapping, optional
        Keyword to value for the primary header: model, version, seed, command.
    overwrite : bool
        If true, replace an existing file.

    Returns
    -------
    Path
        The file that was written.

    Raises
    ------
    FileExistsError
        If the file exists and ``overwrite`` is False.
    ValueError
        If a name has no known unit or a shape does not fit.
    """
    path = check_output(path, overwrite)
    edges = np.asarray(age_edges_gyr, dtype=np.float64)
    hdus = fits.HDUList([_primary(provenance or {})])
    for name, values in results.items():
        if name != FLAG.name:
            hdus.extend(_result_hdus(name, np.asarray(values), grid, edges.size - 1))
    hdus.append(_flag_hdu(results.get(FLAG.name), grid))
    label = np.arange(grid.n_obs) if grid.label is None else grid.label
    hdus.append(_image(BINID.name, grid.paint(label.astype(np.int32), fill=-1), grid.header))
    hdus.append(_age_table(edges))
    if grid.names:
        hdus.append(_aperture_table(label, grid))
    with whole_file(path) as partial:
        hdus.writeto(partial, checksum=True, overwrite=True)
    return path


def _primary(provenance: Mapping[str, object]) -> fits.PrimaryHDU:
    hdu = fits.PrimaryHDU()
    hdu.header["ORIGIN"] = ("amortized-sfh", "posterior maps of star formation histories")
    hdu.header["BINORDER"] = ("YOUNGEST FIRST", "order of the planes per age bin")
    for key, value in provenance.items():
        known = isinstance(value, (bool, int, float, str))
        keyword = key.upper() if len(key) <= 8 else f"HIERARCH {key.upper()}"
        hdu.header[keyword] = value if known else str(value)
    return hdu


def _result_hdus(name: str, values: np.ndarray, grid: MapGrid, n_bins: int) -> list[fits.ImageHDU]:
    if name not in PRODUCTS:
        raise ValueError(f"no unit is known for {name!r}; expected one of {', '.join(PRODUCTS)}")
    n_obs, n_stat = grid.n_obs, len(STATISTICS)
    if values.shape not in ((n_obs,), (n_obs, n_stat), (n_obs, n_bins, n_stat)):
        raise ValueError(
            f"{name} has shape {values.shape}; expected ({n_obs}, {n_bins}, {n_stat}), "
            f"({n_obs}, {n_stat}) or ({n_obs},)"
        )
    planes = grid.paint(values.astype(np.float32))
    if values.ndim == 3:
        return [
            _image(extension_name(name, statistic), planes[:, i], grid.header)
            for i, statistic in enumerate(STATISTICS)
        ]
    hdu = _image(name, planes, grid.header)
    if values.ndim == 2:
        for i, statistic in enumerate(STATISTICS, start=1):
            hdu.header[f"PLANE{i}"] = statistic.upper()
    return [hdu]


def _image(name: str, data: np.ndarray, wcs: fits.Header) -> fits.ImageHDU:
    hdu = fits.ImageHDU(data, header=wcs.copy(), name=name)
    if unit_of(name):
        hdu.header["BUNIT"] = unit_of(name)
    return hdu


def flag_image(flag: np.ndarray | None, grid: MapGrid) -> np.ndarray:
    """Paint flags on the sky, with those of spaxels that have no row of results.

    Parameters
    ----------
    flag : ndarray or None
        Flag of every row, shape (n_obs,); zero by default.
    grid : MapGrid
        Row of each spaxel, and flags of single spaxels.

    Returns
    -------
    ndarray
        Sum of bits, shape (ny, nx), int32; NO_DATA where there is no row.

    Raises
    ------
    ValueError
        If the shape does not fit.
    """
    values = np.zeros(grid.n_obs, dtype=np.int32) if flag is None else np.asarray(flag)
    if values.shape != (grid.n_obs,):
        raise ValueError(f"{FLAG.name} has shape {values.shape}; expected ({grid.n_obs},)")
    image = grid.paint(values.astype(np.int32), fill=int(Flag.NO_DATA))
    return image if grid.flag is None else image | grid.flag.astype(np.int32)


def _flag_hdu(flag: np.ndarray | None, grid: MapGrid) -> fits.ImageHDU:
    hdu = _image(FLAG.name, flag_image(flag, grid), grid.header)
    for bit, meaning in describe_flags().items():
        hdu.header[f"{FLAG.name}{bit}"] = (meaning, "bit of the mask")
    return hdu


def _age_table(edges: np.ndarray) -> fits.BinTableHDU:
    columns = [
        fits.Column("BIN", "J", array=np.arange(1, edges.size)),
        fits.Column("AGE_LOW", "D", unit="Gyr", array=edges[:-1]),
        fits.Column("AGE_HIGH", "D", unit="Gyr", array=edges[1:]),
    ]
    return fits.BinTableHDU.from_columns(columns, name="AGEBINS")


def _aperture_table(label: np.ndarray, grid: MapGrid) -> fits.BinTableHDU:
    width = max(len(name) for name in grid.names)
    number = np.bincount(grid.row[grid.row >= 0], minlength=grid.n_obs)
    columns = [
        fits.Column(BINID.name, "J", array=label),
        fits.Column("NAME", f"{max(width, 1)}A", array=list(grid.names)),
        fits.Column("N_SPAXELS", "J", array=number),
    ]
    return fits.BinTableHDU.from_columns(columns, name="APERTURES")
