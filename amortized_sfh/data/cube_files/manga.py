"""MaNGA's data cubes with logarithmic wavelengths (LOGCUBE), as `open_cube` takes them.

They hold FLUX and IVAR (inverse variance) of shape (n_wave, ny, nx), a MASK of which every bit
spoils a pixel (no or low coverage, dead fibres, foreground stars, DONOTUSE), and the vacuum
wavelengths in WAVE. A pixel that is masked or has no inverse variance is not used.

References
----------
Law et al. 2016, AJ 152, 83.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from astropy.io import fits
from torch import Tensor

from amortized_sfh.data.files.extensions import MANGA_CUBE_HDUS, WAVE_HDUS
from amortized_sfh.data.files.fits_files import InputFileError, extension_names, find_image
from simulators.wavelengths.resample import edges_from_centres

CubeParts = tuple[int, int, int | None, Tensor, str]
"""Parts of the file of a cube: indices of the extensions with fluxes, errors and mask, if there is
one; observed edges of the wavelength pixels in Å, shape (n_wave + 1,), float64; their medium."""


def find_manga_parts(hdul: fits.HDUList, path: Path) -> CubeParts | None:
    """Find the parts of a LOGCUBE.

    Parameters
    ----------
    hdul : HDUList
        A file that is open.
    path : Path
        Name of the file, for messages.

    Returns
    -------
    CubeParts or None
        Parts of the LOGCUBE, in vacuum; None if it is another kind of file: one without a cube FLUX
        or without WAVE.

    Raises
    ------
    InputFileError
        If errors or mask are missing, or shapes do not fit.
    """
    wave = find_image(hdul, WAVE_HDUS, 1)
    data, ivar, mask = (find_image(hdul, (name,), 3) for name in MANGA_CUBE_HDUS)
    if wave is None or data is None:
        return None
    if ivar is None or mask is None:
        raise InputFileError(
            f"{path} has FLUX and WAVE but no cube IVAR or no MASK (extensions: "
            f"{extension_names(hdul)}); expected all of them, as in a LOGCUBE"
        )
    shape = hdul[data].shape
    for index in (ivar, mask):
        if hdul[index].shape != shape:
            raise InputFileError(
                f"{path}: extension {hdul[index].name} has shape {hdul[index].shape}, expected "
                f"{shape} as FLUX"
            )
    centres = np.asarray(hdul[wave].data, dtype=np.float64)
    if centres.shape != shape[:1]:
        raise InputFileError(
            f"{path}: WAVE has {centres.size} wavelengths for {shape[0]} planes; expected one each"
        )
    try:
        edges = edges_from_centres(centres)
    except ValueError as error:
        raise InputFileError(f"{path}: WAVE: {error}") from error
    return data, ivar, mask, edges, "vacuum"
