"""Readers of files that hold one spectrum: FITS tables, FITS images and tables of text.

:func:`amortized_sfh.data.spectra.read_spectra.read_spectrum` chooses between them.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
from astropy.io import fits
from astropy.table import Table

from amortized_sfh.data.files.extensions import FLUX_HDUS
from amortized_sfh.data.files.fits_files import (
    InputFileError,
    extension_names,
    find_image,
    open_fits,
)
from amortized_sfh.data.files.flux_units import stated_flux_unit
from amortized_sfh.data.files.wavelengths import (
    medium_of_word,
    parse_wavelength_unit,
    stated_medium,
)
from amortized_sfh.data.spectra.flux_image import read_flux_image
from amortized_sfh.data.spectra.table_columns import Column, SpectrumArrays, interpret_columns


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
                f"{extension_names(hdul)}); expected one spectrum"
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
    medium = arrays.medium or medium_of_word(table.meta.get("medium"))
    return arrays._replace(medium=medium)


def _text_column(table: Table, name: str) -> Column:
    """Return a column of a table of text; what is missing in it becomes NaN."""
    column = table[name]
    values = column
    if hasattr(column, "filled"):
        values = column.filled(np.nan) if column.dtype.kind == "f" else column.filled()
    unit = column.unit
    return Column(np.asarray(values), "" if unit is None else unit.to_string())


def _is_spectrum(hdu: fits.hdu.base.ExtensionHDU) -> bool:
    """Tell whether an extension is an image of one axis."""
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
    """Read a spectrum from the columns of a table."""
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
    unit = arrays.unit_cgs
    if unit is None or "loglam" in {name.lower() for name in columns}:
        stated = stated_flux_unit(path, *headers)
        unit = unit if stated is None else stated
    return arrays._replace(medium=stated_medium(*headers) or arrays.medium, unit_cgs=unit)


def _from_image(hdul: fits.HDUList, index: int, path: Path) -> SpectrumArrays:
    """Read a spectrum whose flux is a one-dimensional image."""
    image = read_flux_image(hdul, index, path)
    header = hdul[index].header
    wave = _image_wavelength(header if "CRVAL1" in header else hdul[0].header, image.flux, path)
    return SpectrumArrays(wave, *image)


def _image_wavelength(header: fits.Header, flux: np.ndarray, path: Path) -> np.ndarray:
    """Return the wavelengths of the pixels of an image in Å, linear or logarithmic, (n_wave,)."""
    step = header.get("CD1_1", header.get("CDELT1"))
    start = header.get("CRVAL1")
    if start is None or step is None:
        raise InputFileError(
            f"{path} has no wavelength axis (CRVAL1 is {start}, CDELT1 or CD1_1 is {step}); "
            "expected both in the header of the flux"
        )
    unit_aa = parse_wavelength_unit(str(header.get("CUNIT1", "")), f"{path}: CUNIT1")
    offset = np.arange(flux.size) + 1.0 - float(header.get("CRPIX1", 1.0))
    kind = str(header.get("CTYPE1", "")).upper()
    if int(header.get("DC-FLAG", 0)) == 1 or kind in ("LOGLAM", "WAVE-LOG10"):
        wave = 10.0 ** (start + step * offset)
    elif kind.endswith("-LOG"):
        wave = start * np.exp(step * offset / start)
    else:
        wave = start + step * offset
    return wave * unit_aa


def stated_redshift(hdul: fits.HDUList) -> float | None:
    """Return the redshift that a spec file of SDSS states in its table SPECOBJ.

    Parameters
    ----------
    hdul : HDUList
        FITS file, opened for reading.

    Returns
    -------
    float or None
        The redshift; None if there is no such table.
    """
    for hdu in hdul:
        if hdu.name == "SPECOBJ" and "Z" in hdu.columns.names and len(hdu.data) == 1:
            return float(hdu.data["Z"][0])
    return None
