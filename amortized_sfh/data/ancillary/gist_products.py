"""Output folders of GIST and nGIST: bins, stellar kinematics, spectra, and how the run was made.

A run writes ``<run>_table.fits`` (one row per spaxel, with its bin), ``<run>_kin.fits`` (GIST:
``_ppxf.fits``; one row per bin), ``<run>_mask.fits``, spectra, and its settings in ``CONFIG``.
Names differ in case, hyphens and underscores between versions; they are matched without them.

Pixels of spectra are uniform in ln λ in the rest frame of the run. ESPEC is the square root of the
rebinned *variance*: the error of a pixel of the cube at that wavelength, not of a rebinned one.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np
import yaml
from astropy.io import fits

from amortized_sfh.data.ancillary.dap_maps import DapMaps
from amortized_sfh.data.cube_files.axes import celestial
from amortized_sfh.data.files.fits_files import InputFileError, open_fits
from simulators.wavelengths.doppler import velocity_from_log_shift

_KINEMATICS = ("kin", "ppxf")
_COLUMNS = {
    "velocity_kms": ("V",),
    "velocity_error_kms": ("FORM_ERR_V", "ERR_V"),
    "sigma_kms": ("SIGMA",),
    "sigma_error_kms": ("FORM_ERR_SIGMA", "ERR_SIGMA"),
}
_SAME_PLACE_ARCSEC = 1e-3
_CLEANED = ("gas_cleaned_bin", "gandalf_cleaned_bin")
_BINNED = ("bin_spectra", "binspectra", "vorspectra")


@dataclass(frozen=True, kw_only=True)
class GistProducts:
    """Products of a run of GIST or nGIST.

    Parameters
    ----------
    folder : Path
        Output folder of the run.
    run : str
        Name of the run, with which its files begin.
    maps : DapMaps
        Bins and stellar kinematics, shape (ny, nx) each; masked spaxels have no bin.
    redshift : float or None
        Redshift to which the run shifted the spectra; None if its settings are not there.
    ebv : float or None
        Galactic E(B-V) in mag that the run corrected its spectra for; None if it did not.
    header : astropy.io.fits.Header
        Celestial WCS of the maps; empty if the run kept none.
    """

    folder: Path
    run: str
    maps: DapMaps
    redshift: float | None
    ebv: float | None
    header: fits.Header


def read_gist(folder: str | Path) -> GistProducts:
    """Read bins and stellar kinematics from an output folder of GIST or nGIST.

    Parameters
    ----------
    folder : str or Path
        Output folder of one run.

    Returns
    -------
    GistProducts
        Velocities brought from pPXF's definition, c ln(1 + Δλ/λ), to c Δλ/λ; they are relative to
        the redshift of the run.

    Raises
    ------
    FileNotFoundError, InputFileError
        If there is no such folder, it is not the output of one run, or a file or column is missing:
        the message lists what there is.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise FileNotFoundError(f"no such folder: {folder}; expected the output of a GIST run")
    table = _only_table(folder)
    run = table.name[: -len("_table.fits")]
    kinematics = _find_file(folder, run, _KINEMATICS)
    if kinematics is None:
        raise InputFileError(
            f"{folder} has no stellar kinematics of {run} ({_listing(folder)}); expected "
            f"{run}_kin.fits or {run}_ppxf.fits"
        )
    number, place, header = _read_table(table, _find_file(folder, run, ("mask",)))
    values = _read_kinematics(kinematics, number)
    shape = tuple(int(index.max()) + 1 for index in place)
    planes = {}
    for name, column in values.items():
        planes[name] = np.full(shape, np.nan)
        planes[name][place] = np.where(number >= 0, column[np.maximum(number, 0)], np.nan)
    bins = np.full(shape, -1, dtype=np.int64)
    bins[place] = number
    maps = DapMaps(bin_id=bins, source=str(folder), **planes)
    redshift, ebv = _read_config(folder / "CONFIG")
    return GistProducts(
        folder=folder, run=run, maps=maps, redshift=redshift, ebv=ebv, header=header
    )


class GistSpectra(NamedTuple):
    """Emission-line-subtracted spectra of all bins of a run.

    Attributes
    ----------
    log_wave : ndarray
        ln of the air wavelength in Å in the rest frame of the run, shape (n_wave,).
    flux, sigma : ndarray
        Sum over the spaxels of each bin and its error, in the unit of the cube, shape
        (n_bin, n_wave).
    """

    log_wave: np.ndarray
    flux: np.ndarray
    sigma: np.ndarray


def read_gist_spectra(products: GistProducts) -> GistSpectra:
    """Read the emission-line-subtracted spectra of a run.

    Parameters
    ----------
    products : GistProducts
        Products of the run.

    Returns
    -------
    GistSpectra
        Spectra of all bins, with the errors ESPEC; runs that left them out of the cleaned spectra
        have them beside the binned ones.

    Raises
    ------
    InputFileError
        If there are no such spectra, or their number is not that of the bins.
    """
    path = _find_file(products.folder, products.run, _CLEANED)
    if path is None:
        raise InputFileError(
            f"{products.folder} has no emission-line-subtracted spectra of its bins; expected "
            f"{products.run}_gas_cleaned_bin.fits or {products.run}_gas-cleaned_BIN.fits: run the "
            "GAS module at the level BIN"
        )
    with open_fits(path) as hdul:
        spectra = {
            column.name: np.array(hdu.data[column.name], dtype=np.float64)
            for hdu in hdul
            if isinstance(hdu, fits.BinTableHDU)
            for column in hdu.columns
            if column.name in ("SPEC", "ESPEC", "LOGLAM")
        }
    missing = [name for name in ("SPEC", "LOGLAM") if name not in spectra]
    n_bin = int(products.maps.bin_id.max()) + 1
    if missing or spectra["SPEC"].shape != (n_bin, spectra["LOGLAM"].size):
        shapes = {name: value.shape for name, value in spectra.items()}
        raise InputFileError(
            f"{path} holds columns of shapes {shapes}; expected SPEC ({n_bin}, n_wave) and LOGLAM "
            "(n_wave,)"
        )
    log_wave = spectra["LOGLAM"]
    sigma = spectra["ESPEC"] if "ESPEC" in spectra else _binned_errors(products, log_wave)
    if sigma.shape != spectra["SPEC"].shape:
        raise InputFileError(
            f"{path}: ESPEC has shape {sigma.shape}; expected {spectra['SPEC'].shape}"
        )
    return GistSpectra(log_wave, spectra["SPEC"], sigma)


def _find_file(
    folder: Path, run: str, kinds: tuple[str, ...], suffixes: tuple[str, ...] = (".fits",)
) -> Path | None:
    """Find a file of a run, whatever the spelling of its version.

    Parameters
    ----------
    folder : Path
        Output folder of the run.
    run : str
        Name of the run.
    kinds : tuple of str
        Words that follow the name of the run, in lower case with underscores, in order of
        preference.
    suffixes : tuple of str
        Endings that the file may have, with the dot.

    Returns
    -------
    Path or None
        The first file that matches; None if there is none.
    """
    files = sorted(f for f in folder.iterdir() if f.name.startswith(f"{run}_"))
    for kind in kinds:
        for file in files:
            rest = file.name[len(run) + 1 : -len(file.suffix)].lower().replace("-", "_")
            if rest == kind and file.suffix in suffixes:
                return file
    return None


def _listing(folder: Path) -> str:
    names = sorted(f.name for f in folder.iterdir())
    more = f" and {len(names) - 12} more" if len(names) > 12 else ""
    return f"it holds {', '.join(names[:12]) or 'nothing'}{more}"


def _only_table(folder: Path) -> Path:
    tables = sorted(f for f in folder.iterdir() if f.name.lower().endswith("_table.fits"))
    if len(tables) != 1:
        raise InputFileError(
            f"{folder} has {len(tables)} files that end in _table.fits ({_listing(folder)}); "
            "expected the output folder of one run of GIST or nGIST"
        )
    return tables[0]


def _columns(path: Path, hdul: fits.HDUList, names: tuple[str, ...]) -> list[np.ndarray]:
    hdu = next((h for h in hdul if isinstance(h, fits.BinTableHDU)), None)
    found = [] if hdu is None else list(hdu.columns.names)
    missing = [name for name in names if name not in found]
    if hdu is None or missing:
        raise InputFileError(
            f"{path} has no column {', '.join(missing)}; it holds {', '.join(found) or 'no table'}"
        )
    return [np.array(hdu.data[name]) for name in names]


def _read_table(
    path: Path, mask_path: Path | None
) -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray], fits.Header]:
    """Bin (n_spaxel,), row and column of each spaxel, and the WCS."""
    with open_fits(path) as hdul:
        bin_id, x, y, n_spaxels = _columns(path, hdul, ("BIN_ID", "X", "Y", "NSPAX"))
        header = _celestial_header(hdul)
    # masked spaxels carry minus the number of the nearest bin; for bin 0 that is 0 again
    number = np.where(bin_id >= 0, bin_id, -1).astype(np.int64)
    if mask_path is not None:
        with open_fits(mask_path) as hdul:
            (mask,) = _columns(mask_path, hdul, ("MASK",))
        if mask.shape != number.shape:
            raise InputFileError(
                f"{mask_path} has {mask.size} spaxels and {path.name} {number.size}; expected the "
                "files of one run"
            )
        number[mask != 0] = -1
    in_first = number == 0
    if in_first.any() and in_first.sum() != n_spaxels[in_first][0]:
        raise InputFileError(
            f"{path} counts masked spaxels to bin 0 ({in_first.sum()} instead of "
            f"{n_spaxels[in_first][0]}); expected the _mask.fits of the run beside it"
        )
    return number, (_grid_index(y), _grid_index(x)), header


def _grid_index(position_arcsec: np.ndarray) -> np.ndarray:
    """Index of coordinates on a regular grid; all its rows and columns have spaxels."""
    rounded = np.round(position_arcsec / _SAME_PLACE_ARCSEC)
    return np.unique(rounded, return_inverse=True)[1]


def _celestial_header(hdul: fits.HDUList) -> fits.Header:
    for hdu in hdul:
        if not isinstance(hdu, fits.BinTableHDU) and "CTYPE1" in hdu.header:
            wcs = celestial(hdu.header)
            if wcs is not None:
                return wcs.to_header(relax=True)
    return fits.Header()


def _read_kinematics(path: Path, number: np.ndarray) -> dict[str, np.ndarray]:
    """Values by name, one per bin."""
    with open_fits(path) as hdul:
        found = [h.columns.names for h in hdul if isinstance(h, fits.BinTableHDU)]
        known = found[0] if found else []
        names = [next((n for n in ns if n in known), ns[0]) for ns in _COLUMNS.values()]
        columns = _columns(path, hdul, tuple(names))
    n_bin = int(number.max(initial=-1)) + 1
    if n_bin == 0 or any(len(column) != n_bin for column in columns):
        raise InputFileError(
            f"{path} has {len(columns[0])} bins and the table of the run {n_bin}; expected the "
            "files of one run"
        )
    values = {
        name: column.astype(np.float64) for name, column in zip(_COLUMNS, columns, strict=True)
    }
    values["velocity_kms"] = velocity_from_log_shift(values["velocity_kms"])
    return values


def _read_config(path: Path) -> tuple[float | None, float | None]:
    """Redshift and E(B-V) of the settings, None where they are not given."""
    if not path.is_file():
        return None, None
    try:
        settings: Any = yaml.safe_load(path.read_text())
        redshift = settings.get("GENERAL", {}).get("REDSHIFT")
        ebv = settings.get("READ_DATA", {}).get("EBmV")
        return (None if redshift is None else float(redshift)), (float(ebv) if ebv else None)
    except (yaml.YAMLError, UnicodeDecodeError, AttributeError, TypeError, ValueError) as error:
        raise InputFileError(
            f"{path} is not the settings of a GIST run ({' '.join(str(error).split())}); expected "
            "YAML or JSON with GENERAL: REDSHIFT"
        ) from error


def _binned_errors(products: GistProducts, log_wave: np.ndarray) -> np.ndarray:
    """ESPEC of the binned spectra at the wavelengths of the cleaned ones, (n_bin, n_wave)."""
    path = _find_file(products.folder, products.run, _BINNED, (".fits", ".hdf5"))
    if path is None:
        raise InputFileError(
            f"{products.folder} has no errors of its spectra; expected ESPEC beside the cleaned "
            f"spectra or in {products.run}_BinSpectra.fits"
        )
    if path.suffix == ".hdf5":
        with h5py.File(path) as file:
            error, wave = np.array(file["ESPEC"]).T, np.array(file["LOGLAM"])
    else:
        with open_fits(path) as hdul:
            error = np.array(hdul[1].data["ESPEC"], dtype=np.float64)
            wave = np.array(hdul[2].data["LOGLAM"], dtype=np.float64)
    start = int(np.argmin(np.abs(wave - log_wave[0])))
    part = slice(start, start + log_wave.size)
    if wave[part].shape != log_wave.shape or not np.allclose(wave[part], log_wave, atol=1e-6):
        raise InputFileError(
            f"{path} has other wavelengths than the cleaned spectra; expected the files of one run"
        )
    return error[:, part]
