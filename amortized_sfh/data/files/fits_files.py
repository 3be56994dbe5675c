"""Opening FITS files that may be missing, cut short or no FITS at all, with one clear error.

Every reader of this package goes through :func:`open_fits`.
"""

from __future__ import annotations

import gzip
import lzma
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from astropy.io import fits
from astropy.utils.exceptions import AstropyWarning

_DAMAGED = (OSError, EOFError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, fits.VerifyError)


class InputFileError(ValueError):
    """A file cannot be used: what is wrong with it, and what was expected."""


class InputWarning(UserWarning):
    """A file can be used, but the result depends on something that its user should know."""


@contextmanager
def open_fits(path: str | Path, memmap: bool = True) -> Iterator[fits.HDUList]:
    """Open a FITS file for reading.

    Parameters
    ----------
    path : str or Path
        The file; may be compressed with gzip.
    memmap : bool
        Map data into memory instead of reading them. Mapped pages stay until the file is closed:
        switch it off to pass through a large file section by section.

    Yields
    ------
    astropy.io.fits.HDUList
        The file, open until the block ends.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    InputFileError
        If it is not a FITS file or is truncated, also when that shows only while reading the data.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"no such file: {path}")
    with as_input_errors(path), ExitStack() as stack:
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always", AstropyWarning)
            hdul = stack.enter_context(fits.open(path, memmap=memmap))
            _check_complete(hdul, path)
            _check_warnings(said, path)
        yield hdul


@contextmanager
def as_input_errors(path: str | Path) -> Iterator[None]:
    """Turn the errors of reading a damaged FITS file into one that names the file.

    Parameters
    ----------
    path : str or Path
        The file that is read inside the context, for the message.

    Raises
    ------
    InputFileError
        If reading fails.
    """
    try:
        yield
    except _DAMAGED as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputFileError(
            f"{path} is not a readable FITS file ({reason}); download or write it again"
        ) from error


def _check_complete(hdul: fits.HDUList, path: Path) -> None:
    """Compare the size that the headers promise with the size of the file."""
    names = [hdu.name for hdu in hdul]  # visits every header, so that all of them are parsed
    info = hdul.fileinfo(len(names) - 1)
    if path.suffix == ".gz":
        # Astropy takes a stream that stops short for the end of the file: read it to its end.
        with gzip.open(path) as stream:
            while stream.read(1 << 24):
                pass
    if info is None or path.suffix in (".gz", ".bz2", ".xz", ".Z"):
        return
    promised = info["datLoc"] + info["datSpan"]
    size = path.stat().st_size
    if size < promised:
        raise InputFileError(
            f"{path} is truncated: {size} bytes, {promised} expected from its headers; "
            "download or write it again"
        )


def _check_warnings(said: list[warnings.WarningMessage], path: Path) -> None:
    """Astropy leaves out a damaged extension with a warning; here it is an error."""
    text = " ".join(str(warning.message) for warning in said)
    if "truncated" in text or "corrupted" in text:
        raise InputFileError(
            f"{path} is truncated or damaged after its first extensions; download or write it again"
        )


def find_image(
    hdul: fits.HDUList, names: tuple[str, ...], n_dim: int, others: bool = False
) -> int | None:
    """Return the index of an image with the given number of dimensions.

    Parameters
    ----------
    hdul : HDUList
        FITS file, opened for reading.
    names : tuple of str
        Names of extensions in order of preference, in upper case; "PRIMARY" is the first.
    n_dim : int
        Number of axes that the image must have.
    others : bool
        If true, an extension of any other name will do where none of these fits.

    Returns
    -------
    int or None
        Index of the first extension that fits, None if there is none.
    """
    images = [i for i, h in enumerate(hdul) if h.is_image and h.header.get("NAXIS") == n_dim]
    for name in names:
        for i in images:
            if hdul[i].name.upper() == name:
                return i
    return images[0] if others and images else None


def extension_names(hdul: fits.HDUList) -> str:
    """Return the names of all extensions for a message, or their numbers where they have none."""
    return ", ".join(hdu.name or str(i) for i, hdu in enumerate(hdul))
