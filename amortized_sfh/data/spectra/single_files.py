"""Readers of the files in which single spectra come: FITS tables, FITS images and text tables.

:func:`amortized_sfh.data.spectra.spectrum.read_spectrum` chooses between them.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
from astropy.io import fits
from astropy.table import Table

from amortized_sfh.data.files.extensions import ERROR_HDUS, FLUX_HDUS, QUALITY_HDUS
from amortized_sfh.data.files.fits_files import InputFileError, find_image, open_fits
from amortized_sfh.data.files.flux_units import parse_flux_unit
from amortized_sfh.data.spectra.columns import Column, SpectrumArrays, interpret_columns, sigma_from

__all__ = [
    "header_unit",
    "read_fits_spectrum",
    "read_text_spectrum",
    "stated_medium",
    "stated_redshift",
]

_MEDIA = {"AWAV": "air", "WAVE": "vacuum"}
_AA_PER_UNIT = {"": 1.0, "angstrom": 1.0, "ang": 1.0, "a": 1.0, "nm": 10.0, "um": 1e4, "m": 1e10}


def read_fits_spectrum(path: Path) -> SpectrumArrays:
    """Read a spectrum from a table or a one-dimensional image of a FITS file.

    Raises
    ------
    FileNotFoundError, InputFileError
        If there is no such file, it is damaged, or it holds no spectrum with errors.
    """
    with open_fits(path) as hdul:
        tables = [hdu for hdu in hdul if isinstance(hdu, fits.BinTableHDU | fits.TableHDU)]
        image = find_image(hdul, FLUX_HDUS, 1)
        if image is None:
            _refuse_cube(hdul, path)
            image = next((i for i, h in enumerate(hdul) if _is_spectrum(h)), None)
        if image is not None:
            return _from_image(hdul, image, path)
        if not tables:
            raise InputFileError(
                f"{path} holds neither a table nor a one-dimensional image (extensions: "
                f"{', '.join(h.name or str(i) for i, h in enumerate(hdul))}); expected one spectrum"
            )
        return _from_table(hdul, tables[0], path)


def read_text_spectrum(path: Path) -> SpectrumArrays:
    """Read a spectrum from a text or ECSV table with named columns.

    Raises
    ------
    FileNotFoundError, InputFileError
        If there is no such file, or it is no such table.
    """
    if not path.is_file():
        raise FileNotFoundError(f"no such file: {path}")
    kind = "ascii.ecsv" if path.suffix.lower() == ".ecsv" else "ascii"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # guessing the format is noisy
            table = Table.read(path, format=kind)
    except Exception as error:  # every guess may fail in its own way
        raise InputFileError(
            f"{path} is neither a FITS file nor a table of text; expected columns wave, flux, sigma"
        ) from error
    columns = {name: _text_column(table, name) for name in table.colnames}
    arrays = interpret_columns(columns, str(path))
    medium = arrays.medium or _medium_word(table.meta.get("medium"))
    return arrays._replace(medium=medium)


def _text_column(table: Table, name: str) -> Column:
    column = table[name]
    values = column
    if hasattr(column, "filled"):
        values = column.filled(np.nan) if column.dtype.kind == "f" else column.filled()
    unit = column.unit
    return Column(np.asarray(values), "" if unit is None else unit.to_string())


def _is_spectrum(hdu: fits.hdu.base.ExtensionHDU) -> bool:
    return bool(hdu.is_image and hdu.header.get("NAXIS") == 1)


def _refuse_cube(hdul: fits.HDUList, path: Path) -> None:
    """A cube has images of one dimension, too, such as its wavelengths: they are no spectrum."""
    cube = find_image(hdul, FLUX_HDUS, 3)
    if cube is not None:
        raise InputFileError(
            f"{path} holds a cube (extension {hdul[cube].name or cube}); expected one spectrum, or "
            "rows of them: `amortized-sfh infer` takes cubes"
        )


def _from_table(hdul: fits.HDUList, hdu: fits.BinTableHDU, path: Path) -> SpectrumArrays:
    columns = {}
    for i, column in enumerate(hdu.columns, start=1):
        values = np.asarray(hdu.data[column.name])
        if values.ndim == 2 and len(values) == 1:  # one row that holds the whole spectrum
            values = values[0]
        if values.ndim == 1 and values.dtype.kind in "buif":
            ucd = str(hdu.header.get(f"TUCD{i}", ""))
            columns[column.name] = Column(values.astype(values.dtype.newbyteorder("=")),
                                          column.unit or "", ucd)  # fmt: skip
    arrays = interpret_columns(columns, str(path))
    headers = (hdu.header, hdul[0].header)
    stated = next((m for h in headers if (m := stated_medium(h)) is not None), None)
    unit = arrays.unit_cgs
    if unit is None or "loglam" in {name.lower() for name in columns}:
        unit = next((x for h in headers if (x := header_unit(h, path)) is not None), unit)
    return arrays._replace(medium=stated or arrays.medium, unit_cgs=unit)


def _from_image(hdul: fits.HDUList, index: int, path: Path) -> SpectrumArrays:
    hdu = hdul[index]
    flux = np.asarray(hdu.data, dtype=np.float64)
    sigma = None
    for kind, names in ERROR_HDUS.items():
        error = find_image(hdul, names, 1)
        if error is not None and error != index:
            sigma = sigma_from(kind, _same_length(hdul[error], flux, path))
            break
    if sigma is None:
        known = [name for group in ERROR_HDUS.values() for name in group]
        raise InputFileError(
            f"{path} has a flux image but no error image (extensions: "
            f"{', '.join(h.name for h in hdul)}); expected one called {', '.join(known)}"
        )
    quality = find_image(hdul, QUALITY_HDUS, 1)
    valid = np.ones(flux.shape, dtype=bool)
    if quality is not None:
        valid = _same_length(hdul[quality], flux, path) == 0
    headers = (hdu.header, hdul[0].header)
    medium = next((m for h in headers if (m := stated_medium(h)) is not None), None)
    unit = next((x for h in headers if (x := header_unit(h, path)) is not None), None)
    wave = _image_wavelength(hdu.header if "CRVAL1" in hdu.header else hdul[0].header, flux, path)
    return SpectrumArrays(wave, flux, sigma, valid, medium, unit)


def _same_length(hdu: fits.ImageHDU, flux: np.ndarray, path: Path) -> np.ndarray:
    values = np.asarray(hdu.data)
    if values.shape != flux.shape:
        raise InputFileError(
            f"{path}: extension {hdu.name} has shape {values.shape}, the flux {flux.shape}; "
            "expected one value per pixel"
        )
    return values


def _image_wavelength(header: fits.Header, flux: np.ndarray, path: Path) -> np.ndarray:
    step = header.get("CD1_1", header.get("CDELT1"))
    start = header.get("CRVAL1")
    if start is None or step is None:
        raise InputFileError(
            f"{path} has no wavelength axis (CRVAL1 is {start}, CDELT1 or CD1_1 is {step}); "
            "expected both in the header of the flux"
        )
    unit = str(header.get("CUNIT1", "")).strip()
    if unit.lower().rstrip("s") not in _AA_PER_UNIT:
        raise InputFileError(f"{path}: CUNIT1 is {unit!r}; expected Angstrom, nm, um or m")
    offset = np.arange(flux.size) + 1.0 - float(header.get("CRPIX1", 1.0))
    kind = str(header.get("CTYPE1", "")).upper()
    if int(header.get("DC-FLAG", 0)) == 1 or kind in ("LOGLAM", "WAVE-LOG10"):
        wave = 10.0 ** (start + step * offset)
    elif kind.endswith("-LOG"):
        wave = start * np.exp(step * offset / start)
    else:
        wave = start + step * offset
    return wave * _AA_PER_UNIT[unit.lower().rstrip("s")]


def stated_medium(header: fits.Header) -> str | None:
    """Return the medium of the wavelengths as SDSS, FITS WCS or others state it.

    Parameters
    ----------
    header : Header
        Of an extension.

    Returns
    -------
    str or None
        "air" or "vacuum"; None if nothing is said.
    """
    vacuum = header.get("VACUUM")
    if isinstance(vacuum, bool | int):
        return "vacuum" if vacuum else "air"
    for key in ("CTYPE1", "AIRORVAC", "MEDIUM"):
        word = _medium_word(header.get(key))
        if word is not None:
            return word
    return None


def _medium_word(value: object) -> str | None:
    text = str(value or "").upper()
    if text[:4] in _MEDIA:
        return _MEDIA[text[:4]]
    return {"AIR": "air", "VAC": "vacuum", "VACUUM": "vacuum"}.get(text)


def stated_redshift(hdul: fits.HDUList) -> float | None:
    """Return the redshift that a spec file of SDSS states in its table SPECOBJ.

    Parameters
    ----------
    hdul : HDUList
        An open file.

    Returns
    -------
    float or None
        None if there is no such table.
    """
    for hdu in hdul:
        if hdu.name == "SPECOBJ" and "Z" in hdu.columns.names and len(hdu.data) == 1:
            return float(hdu.data["Z"][0])
    return None


def header_unit(header: fits.Header, path: Path) -> float | None:
    """Return the unit of the flux that a header states.

    Parameters
    ----------
    header : Header
        Of an extension.
    path : Path
        File name for messages.

    Returns
    -------
    float or None
        In erg/s/cm²/Å; None if there is no BUNIT.

    Raises
    ------
    InputFileError
        If BUNIT is not understood.
    """
    text = str(header.get("BUNIT", "")).strip()
    if not text:
        return None
    try:
        return parse_flux_unit(text)
    except ValueError as error:
        raise InputFileError(f"{path}: {error}") from error
