"""Emission-line-subtracted spectra of the bins of a GIST or nGIST run.

Pixels are uniform in ln λ in the rest frame of the run. ESPEC is the square root of the rebinned
*variance*: the error of a pixel of the cube at that wavelength, not that of a rebinned one.
"""

from __future__ import annotations

from typing import NamedTuple

import h5py
import numpy as np
from astropy.io import fits

from amortized_sfh.data.ancillary.gist_products import GistProducts, find_gist_file
from amortized_sfh.data.files.fits_files import InputFileError, open_fits

_CLEANED = ("gas_cleaned_bin", "gandalf_cleaned_bin")
_BINNED = ("bin_spectra", "binspectra", "vorspectra")


class GistSpectra(NamedTuple):
    """Spectra of all bins of a run.

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
    path = find_gist_file(products.folder, products.run, _CLEANED)
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


def _binned_errors(products: GistProducts, log_wave: np.ndarray) -> np.ndarray:
    """ESPEC of the binned spectra at the wavelengths of the cleaned ones, (n_bin, n_wave)."""
    path = find_gist_file(products.folder, products.run, _BINNED, (".fits", ".hdf5"))
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
