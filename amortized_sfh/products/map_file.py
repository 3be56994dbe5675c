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
from simulators.files.whole_files import check_output, whole_file

__all__ = ["STATISTICS", "UNITS", "write_maps"]

STATISTICS = ("MEAN", "STD", "P16", "P50", "P84")
"""Order of the last axis of every result, and of the planes of the scalar extensions."""

UNITS = {
    "MASSFRAC": "",
    "SFR": "solMass/yr",
    "MH": "dex",
    "LOGAGE_MW": "dex(yr)",
    "LOGAGE_LW": "dex(yr)",
    "MH_MW": "dex",
    "MH_LW": "dex",
    "T50": "Gyr",
    "T90": "Gyr",
    "AV": "mag",
    "DELTA": "",
    "V": "km/s",
    "SIGMA": "km/s",
    "LOGMASS": "dex(solMass)",
    "LOGMASS_FORMED": "dex(solMass)",
    "LOG_SSFR10": "dex(1/yr)",
    "LOG_SSFR100": "dex(1/yr)",
    "SIGMA_SFR10": "solMass/(yr kpc2)",
    "SIGMA_SFR100": "solMass/(yr kpc2)",
    "SIGMA_STAR": "solMass/kpc2",
    "ML_V": "solMass/solLum",
    "CHI2": "",
    "SNR": "",
    "NOISE_SCALE": "",
    "ESS": "",
    "FLAG": "",
    "BINID": "",
}
"""Units of the extensions that :func:`write_maps` knows without being told."""


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
        Output file.
    results : mapping
        Upper-case name to array, one row per observation: (n_obs, n_bins, 5) for the quantities
        per age bin and (n_obs, 5) for scalars, with :data:`STATISTICS` last; (n_obs,) for single
        planes such as CHI2 and FLAG. Units are those of :data:`UNITS`.
    grid : MapGrid
        Where the rows belong.
    age_edges_gyr : sequence of float
        Lookback-time edges of the age bins, n_bins + 1, youngest first, in Gyr.
    provenance : mapping, optional
        Keyword to value for the primary header: model, version, seed, command.
    overwrite : bool
        Replace an existing file.

    Returns
    -------
    Path
        The file written.

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
        if name != "FLAG":
            hdus.extend(_result_hdus(name, np.asarray(values), grid, edges.size - 1))
    hdus.append(_flag_hdu(results.get("FLAG"), grid))
    label = np.arange(grid.n_obs) if grid.label is None else grid.label
    hdus.append(_image("BINID", grid.paint(label.astype(np.int32), fill=-1), grid.header))
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
    if name not in UNITS:
        raise ValueError(f"no unit is known for {name!r}; expected one of {', '.join(UNITS)}")
    n_obs, n_stat = grid.n_obs, len(STATISTICS)
    if values.shape == (n_obs,):
        return [_image(name, grid.paint(values.astype(np.float32)), grid.header)]
    if values.shape == (n_obs, n_stat):
        hdu = _image(name, grid.paint(values.astype(np.float32)), grid.header)
        for i, statistic in enumerate(STATISTICS, start=1):
            hdu.header[f"PLANE{i}"] = statistic
        return [hdu]
    if values.shape == (n_obs, n_bins, n_stat):
        planes = grid.paint(values.astype(np.float32))
        return [
            _image(f"{name}_{statistic}", planes[:, i], grid.header)
            for i, statistic in enumerate(STATISTICS)
        ]
    raise ValueError(
        f"{name} has shape {values.shape}; expected ({n_obs}, {n_bins}, {n_stat}), "
        f"({n_obs}, {n_stat}) or ({n_obs},)"
    )


def _image(name: str, data: np.ndarray, wcs: fits.Header) -> fits.ImageHDU:
    hdu = fits.ImageHDU(data, header=wcs.copy(), name=name)
    unit = UNITS[next(key for key in (name, name.rsplit("_", 1)[0]) if key in UNITS)]
    if unit:
        hdu.header["BUNIT"] = unit
    return hdu


def _flag_hdu(flag: np.ndarray | None, grid: MapGrid) -> fits.ImageHDU:
    values = np.zeros(grid.n_obs, dtype=np.int32) if flag is None else np.asarray(flag)
    if values.shape != (grid.n_obs,):
        raise ValueError(f"FLAG has shape {values.shape}; expected ({grid.n_obs},)")
    image = grid.paint(values.astype(np.int32), fill=int(Flag.NO_DATA))
    if grid.flag is not None:
        image = image | grid.flag.astype(np.int32)
    hdu = _image("FLAG", image, grid.header)
    for bit, meaning in describe_flags().items():
        hdu.header[f"FLAG{bit}"] = (meaning, "bit of the mask")
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
        fits.Column("BINID", "J", array=label),
        fits.Column("NAME", f"{max(width, 1)}A", array=list(grid.names)),
        fits.Column("N_SPAXELS", "J", array=number),
    ]
    return fits.BinTableHDU.from_columns(columns, name="APERTURES")
