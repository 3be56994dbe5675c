"""Reading spectra from the usual files: FITS tables, FITS images, row-stacked spectra and text."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from astropy.io import fits

from amortized_sfh.data.files.extensions import FLUX_HDUS, is_row_stacked
from amortized_sfh.data.files.fits_files import (
    InputFileError,
    extension_names,
    find_image,
    open_fits,
)
from amortized_sfh.data.spectra.image_spectra import read_image_spectrum, read_row_stacked
from amortized_sfh.data.spectra.spectrum import Spectrum
from amortized_sfh.data.spectra.table_spectra import (
    SpectrumArrays,
    read_fits_table,
    read_text_spectrum,
)

_FITS_START = b"SIMPLE  ="
_FITS_SUFFIXES = (".fits", ".fit", ".fts")


def read_spectrum(path: str | Path, medium: str | None = None) -> Spectrum:
    """Read the spectrum of a file that holds one.

    Understood are SDSS files (``loglam``, ``flux``, ``ivar``, ``and_mask``), FITS tables with
    wavelength, flux and error columns (also one row of arrays, as ESO's products), one-dimensional
    FITS images with CRVAL1 and CDELT1 or CD1_1 and an error extension (STAT, ERR, IVAR), and text
    or ECSV tables with columns ``wave``, ``flux``, ``sigma`` and optionally ``valid``.

    Parameters
    ----------
    path : str or Path
        FITS file (may be compressed), or table of text.
    medium : {"air", "vacuum"}, optional
        Medium of the wavelengths; as the file says by default, and air if it does not.

    Returns
    -------
    Spectrum
        The spectrum as observed. Without a unit in the file its ``unit_cgs`` is None.

    Raises
    ------
    FileNotFoundError, InputFileError
        If there is no such file, it is truncated or no spectrum, or something is missing in it: the
        message names what was found.
    """
    spectra = read_spectra(path, medium)
    if len(spectra) > 1:
        raise InputFileError(
            f"{path} holds {len(spectra)} spectra; expected one: choose a row, 0 to "
            f"{len(spectra) - 1}"
        )
    return spectra[0]


def read_spectra(path: str | Path, medium: str | None = None) -> list[Spectrum]:
    """Read all spectra of a file.

    Parameters
    ----------
    path : str or Path
        Row-stacked spectra as MaNGA's, see :mod:`amortized_sfh.data.spectra.image_spectra`, or a
        file of one spectrum.
    medium : {"air", "vacuum"}, optional
        Medium of the wavelengths; as the file says by default, and air if it does not.

    Returns
    -------
    list of Spectrum
        At least one, in the order of the file; with redshifts where the file has them.

    Raises
    ------
    FileNotFoundError, InputFileError
        As :func:`read_spectrum`.
    """
    path = Path(path)
    name = path.name.split(".")[0]
    if not _is_fits(path):
        return [_spectrum(read_text_spectrum(path), medium, path, name)]
    with open_fits(path) as hdul:
        if not is_row_stacked(hdul):
            return [_spectrum(_read_single(hdul, path), medium, path, name)]
        rows = read_row_stacked(hdul, path)
    return [_spectrum(row, medium, path, f"{name}_{i:03d}") for i, row in enumerate(rows)]


def _read_single(hdul: fits.HDUList, path: Path) -> SpectrumArrays:
    """Read one spectrum from a FITS file, preferably from its flux image, else from a table."""
    image = find_image(hdul, FLUX_HDUS, 1)
    if image is None:
        # a cube has images of one dimension, too, such as its wavelengths: they are no spectrum
        cube = find_image(hdul, FLUX_HDUS, 3)
        if cube is not None:
            raise InputFileError(
                f"{path} holds a cube (extension {hdul[cube].name or cube}); expected one "
                "spectrum, or rows of them: `amortized-sfh infer` takes cubes"
            )
        image = find_image(hdul, (), 1, others=True)
    tables = [hdu for hdu in hdul if isinstance(hdu, fits.BinTableHDU | fits.TableHDU)]
    if image is not None:
        arrays = read_image_spectrum(hdul, image, path)
    elif tables:
        arrays = read_fits_table(hdul, tables[0], path)
    else:
        raise InputFileError(
            f"{path} holds neither a table nor a one-dimensional image (extensions: "
            f"{extension_names(hdul)}); expected one spectrum"
        )
    for hdu in tables:  # a spec file of SDSS
        if hdu.name == "SPECOBJ" and "Z" in hdu.columns.names and len(hdu.data) == 1:
            return arrays._replace(redshift=float(hdu.data["Z"][0]))
    return arrays


def _spectrum(arrays: SpectrumArrays, medium: str | None, path: Path, name: str) -> Spectrum:
    """Make a spectrum of what was read; pixels without flux or error are not used."""
    try:
        return Spectrum(
            arrays.wavelength_aa,
            arrays.flux,
            arrays.sigma,
            arrays.valid & np.isfinite(arrays.flux) & (arrays.sigma > 0),
            medium or arrays.medium or "air",
            arrays.unit_cgs,
            name,
            arrays.redshift,
        )
    except ValueError as error:
        raise InputFileError(f"{path} cannot be used: {error}") from error


def _is_fits(path: Path) -> bool:
    """Tell FITS from text by the name of the file or its first bytes."""
    name = path.name.lower()
    for suffix in (".gz", ".bz2"):
        name = name.removesuffix(suffix)
    if name.endswith(_FITS_SUFFIXES) or not path.is_file():
        return True
    with path.open("rb") as stream:
        return stream.read(len(_FITS_START)) == _FITS_START
