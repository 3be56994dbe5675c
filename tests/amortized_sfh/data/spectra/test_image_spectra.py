"""Files of many spectra: rows, redshifts, units and what can be wrong."""

from __future__ import annotations

import numpy as np
import pytest
from astropy.io import fits

from amortized_sfh.data.files.fits_files import InputFileError, open_fits
from amortized_sfh.data.spectra.image_spectra import read_row_stacked
from amortized_sfh.data.spectra.read_spectra import read_spectra, read_spectrum

N, N_WAVE = 3, 400
WAVE = 10.0 ** (3.6 + 1e-4 * np.arange(N_WAVE))


def _parts(**changed):
    flux = 1.0 + np.arange(N)[:, None] + np.zeros((N, N_WAVE))
    mask = np.zeros((N, N_WAVE), dtype=np.int32)
    mask[1, 10:20] = 1026
    ivar = np.full((N, N_WAVE), 25.0)
    ivar[2, 5] = 0.0
    parts = {
        "FLUX": flux,
        "IVAR": ivar,
        "MASK": mask,
        "WAVE": WAVE,
        "Z": np.array([0.01, 0.02, 0.03]),
    }
    return {k: v for k, v in (parts | changed).items() if v is not None}


def _write(path, unit=None, **changed):
    hdus = [fits.ImageHDU(values, name=name) for name, values in _parts(**changed).items()]
    if unit:
        hdus[0].header["BUNIT"] = unit
    fits.HDUList([fits.PrimaryHDU(), *hdus]).writeto(path, overwrite=True)
    return path


def test_rows_of_sdss_pixels(tmp_path):
    spectra = read_spectra(_write(tmp_path / "manga.fits"))
    assert [s.name for s in spectra] == ["manga_000", "manga_001", "manga_002"]
    assert [s.redshift for s in spectra] == [0.01, 0.02, 0.03]
    assert {s.medium for s in spectra} == {"vacuum"}
    assert {s.unit_cgs for s in spectra} == {1e-17}
    for row, spectrum in enumerate(spectra):
        np.testing.assert_array_equal(spectrum.flux, row + 1.0)
        np.testing.assert_allclose(spectrum.wavelength_aa, WAVE)
    assert spectra[0].valid.all()
    assert spectra[0].sigma[0] == pytest.approx(0.2)
    assert np.flatnonzero(~spectra[1].valid).tolist() == list(range(10, 20))
    assert np.flatnonzero(~spectra[2].valid).tolist() == [5]


def test_what_the_file_says_is_believed(tmp_path):
    path = _write(tmp_path / "a.fits", "1E-16 erg/s/cm^2/Ang/spaxel", Z=None)
    spectra = read_spectra(path, "air")
    assert {s.unit_cgs for s in spectra} == {1e-16}
    assert {s.medium for s in spectra} == {"air"}
    assert {s.redshift for s in spectra} == {None}


def test_other_pixels_are_nobodys(tmp_path):
    path = _write(tmp_path / "a.fits", WAVE=np.linspace(4000.0, 4500.0, N_WAVE))
    spectrum = read_spectra(path)[0]
    assert (spectrum.medium, spectrum.unit_cgs) == ("air", None)


def test_errors_of_other_kinds(tmp_path):
    path = _write(tmp_path / "a.fits", IVAR=None, MASK=None, ERR=np.full((N, N_WAVE), 0.3))
    assert read_spectra(path)[1].sigma[0] == pytest.approx(0.3)


def test_one_spectrum_is_expected(tmp_path):
    with pytest.raises(InputFileError, match="holds 3 spectra; expected one: choose a row, 0 to 2"):
        read_spectrum(_write(tmp_path / "a.fits"))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"IVAR": None}, "has no errors .*expected an extension called STAT"),
        ({"IVAR": np.ones((N, 7))}, r"extension IVAR has shape \(3, 7\)"),
        ({"MASK": np.zeros((2, N_WAVE), dtype=np.int32)}, "extension MASK has shape"),
        ({"WAVE": WAVE[:-1]}, r"WAVE \(399,\)"),
        ({"Z": np.array([0.01])}, "has 1 redshifts for 3 spectra"),
    ],
)
def test_shapes_that_do_not_fit(tmp_path, changed, message):
    with pytest.raises(InputFileError, match=message):
        read_spectra(_write(tmp_path / "a.fits", **changed))


def test_no_stack(tmp_path):
    path = _write(tmp_path / "a.fits", FLUX=np.ones(N_WAVE), IVAR=np.ones(N_WAVE), MASK=None)
    with (
        open_fits(path) as hdul,
        pytest.raises(InputFileError, match="holds no rows of spectra"),
    ):
        read_row_stacked(hdul, path)
