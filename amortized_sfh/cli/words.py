"""Readers of single words of the command line, each of which gives a plain value of a request."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

_FIELDS = {"--hst": "image", "--hst-weight": "weight", "--hst-mask": "mask", "--hst-sky": "sky"}
_FILE_FORM = "BAND=FILE, e.g. F275W=ngc3627_f275w.fits"
_LEVEL_FORM = "BAND=VALUE or BAND=VALUE,SIGMA in the unit of the image, e.g. F275W=0.0012,0.0003"


def read_region(text: str) -> list[int]:
    """Read a part of a cube, ``x0:x1,y0:y1`` in pixels from 0, ends excluded.

    Parameters
    ----------
    text
        The word as given.

    Returns
    -------
    list of int
        ``[x0, x1, y0, y1]``.

    Raises
    ------
    ValueError
        If the word has another form.

    Examples
    --------
    >>> read_region("10:60,0:50")
    [10, 60, 0, 50]
    """
    try:
        (x0, x1), (y0, y1) = (
            tuple(int(end) for end in part.split(":")) for part in text.split(",")
        )
    except ValueError as error:
        raise ValueError(f"region is {text!r}; expected x0:x1,y0:y1, e.g. 10:60,0:50") from error
    return [x0, x1, y0, y1]


def read_spaxels(words: Sequence[str]) -> list[list[int]]:
    """Read spaxels, each ``x,y`` in pixels from 0.

    Parameters
    ----------
    words
        The words as given.

    Returns
    -------
    list of list of int
        ``[x, y]`` of each.

    Raises
    ------
    ValueError
        If a word has another form.

    Examples
    --------
    >>> read_spaxels(["20,24"])
    [[20, 24]]
    """
    spaxels = []
    for text in words:
        try:
            x, y = (int(part) for part in text.split(","))
        except ValueError as error:
            raise ValueError(f"--spaxel {text!r}: expected x,y, e.g. 20,24") from error
        spaxels.append([x, y])
    return spaxels


def read_line_width(value: float) -> float:
    """Return the half width of the masks of emission lines, if it is one.

    Parameters
    ----------
    value
        Half width in km/s, which may be any number, NaN too.

    Returns
    -------
    float
        The same number.

    Raises
    ------
    ValueError
        If it is narrower than in training, or no number.
    """
    from simulators.observations.masks import check_line_width

    check_line_width(value)
    return value


def merge_bands(words: Sequence[tuple[str, str]]) -> dict[str, dict[str, Any]]:
    """Read what the options of HST images say of each band.

    Parameters
    ----------
    words
        Options, each with one of its words: ``--hst``, ``--hst-weight`` and ``--hst-mask`` with
        ``BAND=FILE``, ``--hst-sky`` with ``BAND=VALUE`` or ``BAND=VALUE,SIGMA``.

    Returns
    -------
    dict of str to dict
        Band to a table with the fields of `HstRequest`.

    Raises
    ------
    ValueError
        If a word has another form, an option names a band twice, or a band that has no image.

    Examples
    --------
    >>> merge_bands([("--hst", "F275W=a.fits"), ("--hst-sky", "F275W=0.01,0.002")])
    {'F275W': {'image': 'a.fits', 'sky': 0.01, 'sky_sigma': 0.002}}
    """
    bands: dict[str, dict[str, Any]] = {}
    for option, word in words:
        form = _LEVEL_FORM if option == "--hst-sky" else _FILE_FORM
        band, found, value = word.partition("=")
        if not found or not value:
            raise ValueError(f"{option} {word!r}: expected {form}")
        table = bands.setdefault(band, {})
        if _FIELDS[option] in table:
            raise ValueError(f"{option} names {band} twice: expected each band once")
        table |= _level(word, value) if option == "--hst-sky" else {_FIELDS[option]: value}
    images = sorted(band for band, table in bands.items() if "image" in table)
    for option, name in _FIELDS.items():
        unknown = sorted(b for b, table in bands.items() if name in table and b not in images)
        if unknown:
            raise ValueError(
                f"{option} names {', '.join(unknown)}, which --hst does not; expected one of "
                f"{', '.join(images) or 'the bands of --hst, which names none'}"
            )
    return bands


def _level(word: str, text: str) -> dict[str, float]:
    """Read a sky level and, where it is given, its uncertainty."""
    names = ("sky", "sky_sigma")[: text.count(",") + 1]
    try:
        return dict(zip(names, map(float, text.split(",")), strict=True))
    except ValueError as error:
        raise ValueError(f"--hst-sky {word!r}: expected {_LEVEL_FORM}") from error
