"""Row-stacked spectra: files with many spectra on one wavelength axis, as MaNGA's LOGRSS.

Understood are extensions ``FLUX`` (n_spectrum, n_wave), ``WAVE`` (n_wave), an error (``IVAR``,
``ERR``, ``STAT``), a ``MASK`` whose bits all spoil a pixel, and redshifts ``Z`` (n_spectrum).
:func:`amortized_sfh.data.spectra.read_spectra.read_spectra` makes spectra of them.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
from astropy.io import fits

from amortized_sfh.data.files.extensions import (
    FLUX_HDUS,
    REDSHIFT_HDUS,
    WAVE_HDUS,
    is_row_stacked,
)
from amortized_sfh.data.files.fits_files import (
    InputFileError,
    extension_names,
    find_image,
    open_fits,
)
from amortized_sfh.data.spectra.flux_image import read_flux_image
from amortized_sfh.data.spectra.table_columns import SDSS_UNIT_CGS, SpectrumArrays

_SDSS_STEP = 1e-4
_SAME_STEP = 1e-7


class RowStackedSpectra(NamedTuple):
    """All spectra of a file, as read.

    Attributes
    ----------
    spectra : list of SpectrumArrays
        One for each of the n_spectrum rows, all with the same wavelengths.
    redshift : ndarray or None
        Redshift of each row, shape (n_spectrum,); None if the file has none.
    """

    spectra: list[SpectrumArrays]
    redshift: np.ndarray | None


def read_row_stacked(path: Path) -> RowStackedSpectra:
    """Read all spectra of a file.

    Pixels of 1e-4 in log10 of the wavelength are those of SDSS: unless the file says otherwise,
    they are taken for vacuum wavelengths, and the fluxes for multiples of 1e-17 erg/s/cm²/Å.

    Parameters
    ----------
    path : Path
        FITS file with flux and wavelengths in extensions of their own; may be compressed.

    Returns
    -------
    RowStackedSpectra
        At least one spectrum.

    Raises
    ------
    FileNotFoundError, InputFileError
        If there is no such file, it is damaged, has no errors, or its shapes do not fit.
    """
    with open_fits(path) as hdul:
        if not is_row_stacked(hdul):
            raise InputFileError(
                f"{path} holds no rows of spectra (extensions: {extension_names(hdul)}); expected "
                "FLUX (n_spectrum, n_wave) and WAVE (n_wave)"
            )
        flux_hdu, wave_hdu = (
            hdul[find_image(hdul, names, n)] for names, n in ((FLUX_HDUS, 2), (WAVE_HDUS, 1))
        )
        wave = np.asarray(wave_hdu.data, dtype=np.float64)
        if flux_hdu.shape[1] != wave.size or flux_hdu.shape[0] == 0:
            raise InputFileError(
                f"{path}: FLUX has shape {flux_hdu.shape} and WAVE {wave.shape}; expected "
                "(n_spectrum, n_wave) and (n_wave,)"
            )
        image = read_flux_image(hdul, hdul.index_of(flux_hdu), path, wave_hdu.header)
        redshift = _redshift(hdul, len(image.flux), path)
    medium, unit = image.medium, image.unit_cgs
    if _is_sdss(wave):
        medium, unit = medium or "vacuum", unit or SDSS_UNIT_CGS
    rows = zip(image.flux, image.sigma, image.valid, strict=True)
    return RowStackedSpectra([SpectrumArrays(wave, *row, medium, unit) for row in rows], redshift)


def _is_sdss(wave: np.ndarray) -> bool:
    """Tell whether the pixels are those of SDSS and MaNGA."""
    if wave.size < 2 or not (wave > 0).all():
        return False
    return bool((np.abs(np.diff(np.log10(wave)) - _SDSS_STEP) < _SAME_STEP).all())


def _redshift(hdul: fits.HDUList, n_spectrum: int, path: Path) -> np.ndarray | None:
    """Return the redshifts of the rows, shape (n_spectrum,), where the file has them."""
    index = find_image(hdul, REDSHIFT_HDUS, 1)
    if index is None:
        return None
    values = np.asarray(hdul[index].data, dtype=np.float64)
    if values.shape != (n_spectrum,):
        raise InputFileError(
            f"{path}: extension {hdul[index].name} has {values.size} redshifts for {n_spectrum} "
            "spectra; expected one each"
        )
    return values
