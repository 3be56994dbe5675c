"""The HST images of a command line, with their weights, masks and sky levels."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping, Sequence
from pathlib import Path

from amortized_sfh.data.hst.reader import HstImage, read_hst_image


def read_hst_files(options: Namespace) -> dict[str, HstImage]:
    """Read the images that a command line names.

    Parameters
    ----------
    options
        With `hst`, `hst_weight`, `hst_mask` (`BAND=FILE` words) and `hst_sky` (`BAND=VALUE` or
        `BAND=VALUE,SIGMA`).

    Returns
    -------
    dict of str to HstImage
        Band to image.

    Raises
    ------
    ValueError
        If a word has another form, a band comes twice, or something is given for a band that has
        no image.
    """
    images = parse_bands(options.hst)
    weights = parse_bands(options.hst_weight, "--hst-weight")
    masks = parse_bands(options.hst_mask, "--hst-mask")
    levels = parse_levels(options.hst_sky)
    for option, given in (("weight", weights), ("mask", masks), ("sky", levels)):
        _check_bands(f"--hst-{option}", given, images)
    return {
        band: read_hst_image(
            path, band, weight=weights.get(band), mask=masks.get(band), sky=levels.get(band)
        )
        for band, path in images.items()
    }


def parse_bands(words: Sequence[str], option: str = "--hst") -> dict[str, Path]:
    """Read `BAND=FILE` words.

    Parameters
    ----------
    words
        As given on the command line.
    option
        Name of the option, for messages.

    Returns
    -------
    dict of str to Path
        Band to file.

    Raises
    ------
    ValueError
        If a word has another form, or a band comes twice.

    Examples
    --------
    >>> parse_bands(["F275W=a.fits"])
    {'F275W': PosixPath('a.fits')}
    """
    form = "BAND=FILE, e.g. F275W=ngc3627_f275w.fits"
    return {band: Path(file) for band, file in _split(words, option, form).items()}


def parse_levels(words: Sequence[str]) -> dict[str, tuple[float, float | None]]:
    """Read `BAND=VALUE` or `BAND=VALUE,SIGMA` words.

    Parameters
    ----------
    words
        As given on the command line.

    Returns
    -------
    dict of str to tuple
        Band to sky level and its uncertainty, None if it is not given.

    Raises
    ------
    ValueError
        If a word has another form, or a band comes twice.

    Examples
    --------
    >>> parse_levels(["F275W=0.0012", "F555W=0.01,0.002"])
    {'F275W': (0.0012, None), 'F555W': (0.01, 0.002)}
    """
    form = "BAND=VALUE or BAND=VALUE,SIGMA in the unit of the image, e.g. F275W=0.0012,0.0003"
    levels: dict[str, tuple[float, float | None]] = {}
    for band, text in _split(words, "--hst-sky", form).items():
        try:
            level, *sigma = (float(part) for part in text.split(","))
        except ValueError as error:
            raise ValueError(f"--hst-sky '{band}={text}': expected {form}") from error
        if len(sigma) > 1:
            raise ValueError(f"--hst-sky '{band}={text}': expected {form}")
        levels[band] = (level, sigma[0] if sigma else None)
    return levels


def _split(words: Sequence[str], option: str, form: str) -> dict[str, str]:
    out: dict[str, str] = {}
    for word in words:
        band, found, value = word.partition("=")
        if not found or not value:
            raise ValueError(f"{option} {word!r}: expected {form}")
        if band in out:
            raise ValueError(f"{option} names {band} twice: expected each band once")
        out[band] = value
    return out


def _check_bands(option: str, given: Mapping[str, object], images: Mapping[str, Path]) -> None:
    unknown = [band for band in given if band not in images]
    if unknown:
        raise ValueError(
            f"{option} names {', '.join(unknown)}, which --hst does not; expected one of "
            f"{', '.join(images) or 'the bands of --hst, which names none'}"
        )
