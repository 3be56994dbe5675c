from __future__ import annotations

import gzip

import numpy as np
import pytest
from astropy.io import fits

from amortized_sfh.data.files.fits_files import (
    InputFileError,
    extension_names,
    find_image,
    open_fits,
)


@pytest.fixture
def path(tmp_path):
    out = tmp_path / "image.fits"
    image = fits.ImageHDU(np.arange(12000.0).reshape(100, 120), name="SCI")
    fits.HDUList([fits.PrimaryHDU(), image]).writeto(out)
    return out


def test_a_good_file_opens_without_ado(path):
    with open_fits(path) as hdul:
        assert find_image(hdul, ("DATA", "SCI"), 2) == 1
        assert find_image(hdul, ("SCI",), 3) is None
        assert hdul[1].data[1, 0] == 120.0


def test_missing(tmp_path):
    with (
        pytest.raises(FileNotFoundError, match=r"no such file: .*absent\.fits"),
        open_fits(tmp_path / "absent.fits"),
    ):
        pass


@pytest.mark.parametrize("kept", [0.5, 0.97])
def test_truncated(path, kept):
    content = path.read_bytes()
    path.write_bytes(content[: int(kept * len(content))])
    with pytest.raises(InputFileError, match="truncated"), open_fits(path):
        pass


def test_truncated_inside_the_first_header(path):
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(InputFileError, match="FITS"), open_fits(path):
        pass


@pytest.mark.parametrize(
    "content", [b"", b"PK\x03\x04 not at all", b"wavelength,flux\n1,2\n" * 500]
)
def test_not_fits(tmp_path, content):
    path = tmp_path / "table.fits"
    path.write_bytes(content)
    with (
        pytest.raises(InputFileError, match=r"table\.fits is not a readable FITS"),
        open_fits(path),
    ):
        pass


def test_truncated_gzip(path, tmp_path):
    packed = tmp_path / "image.fits.gz"
    packed.write_bytes(gzip.compress(path.read_bytes())[:-4000])
    with pytest.raises(InputFileError), open_fits(packed) as hdul:
        _ = hdul[1].data.sum()


def test_extensions_are_listed_by_name_or_number(path):
    with fits.open(path, mode="append") as hdul:
        hdul.append(fits.ImageHDU(np.zeros(3)))
    with open_fits(path) as hdul:
        assert extension_names(hdul) == "PRIMARY, SCI, 2"
