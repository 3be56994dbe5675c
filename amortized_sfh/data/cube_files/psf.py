"""Width of a cube's point spread function (PSF), as its headers and its file name tell."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from astropy.io import fits

DEFAULT_FWHM_ARCSEC = 0.8
"""Typical of MUSE's wide field, where nothing is known."""

_RANGE_ARCSEC = (0.05, 5.0)
_WAVE_AA = 6000.0
_KEYS = ("SKY_RES", "PSF_FWHM", "ESO OCS SGS FWHM MED")
"""ESO's image quality of a science product; a plain keyword; MUSE's own slow-guiding stars."""


class PsfWidth(NamedTuple):
    """FWHM of a PSF in arcsec, and where the number comes from."""

    fwhm_arcsec: float
    source: str


def find_psf(path: Path, headers: Sequence[fits.Header]) -> PsfWidth | None:
    """Return the FWHM of a cube's PSF.

    Asked are, in this order: the file name (``..._copt_1.05asec.fits``, as cubes are named that
    were convolved to one resolution), mpdaf's FSF keywords at 6000 Å (mean of the fields),
    ``SKY_RES`` of ESO's science products, ``PSF_FWHM``, and the stars of MUSE's slow-guiding
    system.

    Parameters
    ----------
    path : Path
        File name of the cube.
    headers : sequence of Header
        Headers of its primary and its first extension.

    Returns
    -------
    PsfWidth or None
        The width, with "file name" or "header ..." as its source; None if nothing plausible is
        found.
    """
    low, high = _RANGE_ARCSEC
    widths = _candidates(path, headers)
    return next((width for width in widths if low <= width.fwhm_arcsec <= high), None)


def _candidates(path: Path, headers: Sequence[fits.Header]) -> Iterator[PsfWidth]:
    named = re.search(r"(?<![\d.])(\d{1,2}\.\d+)_?(?:asec|arcsec)", path.name, re.IGNORECASE)
    if named:
        yield PsfWidth(float(named[1]), "file name")
    for header in headers:
        fields = list(_fsf_widths(header))
        if fields:
            yield PsfWidth(float(np.mean(fields)), "header FSF")
    for key in _KEYS:
        for header in headers:
            if isinstance(header.get(key), (int, float)):
                yield PsfWidth(float(header[key]), f"header {key}")


def _fsf_widths(header: fits.Header) -> Iterator[float]:
    """Evaluate mpdaf's models of the PSF: linear in wavelength, or a polynomial."""
    for field in range(100):
        start, slope = (header.get(f"FSF{field:02d}FW{x}") for x in "AB")
        if start is not None and slope is not None:
            yield float(start) + float(slope) * _WAVE_AA
        n = header.get(f"FSF{field:02d}FNC")
        blue, red = header.get("FSFLB1"), header.get("FSFLB2")
        if isinstance(n, int) and blue is not None and red is not None and red > blue:
            terms = [header.get(f"FSF{field:02d}F{k:02d}", np.nan) for k in range(n)]
            yield float(np.polyval(terms, (_WAVE_AA - blue) / (red - blue) - 0.5))
