"""Reading spectra from every kind of file."""

from __future__ import annotations

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import MaskedColumn, Table

from amortized_sfh.data.files.fits_files import InputFileError
from amortized_sfh.data.spectra.read_spectra import read_spectrum

UNIT = "10**(-17)*erg/s/cm**2/Angstrom"


@pytest.fixture
def wave():
    return np.arange(4700.0, 7100.0, 1.25)


def write_sdss(path, **changes):
    """A file like SDSS's: COADD with the spectrum, in vacuum."""
    loglam = np.arange(np.log10(4500.0), np.log10(7400.0), 1e-4)
    n = loglam.size
    columns = {
        "flux": np.full(n, 3.0, ">f4"),
        "loglam": loglam.astype(">f4"),
        "ivar": np.full(n, 4.0, ">f4"),
        "and_mask": np.zeros(n, ">i4"),
    } | changes
    primary = fits.PrimaryHDU()
    primary.header["VACUUM"] = True
    table = fits.BinTableHDU(Table(columns), name="COADD")
    other = fits.BinTableHDU(Table({"Z": [0.004]}), name="SPECOBJ")
    fits.HDUList([primary, table, other]).writeto(path)
    return path


def write_image(path, wave, errors, **header):
    """A one-dimensional image with an error extension."""
    data = fits.ImageHDU(np.full(wave.size, 2.0), name="DATA")
    data.header.update({"CRVAL1": wave[0], "CD1_1": 1.25, "CRPIX1": 1.0, "BUNIT": UNIT} | header)
    hdus = [fits.ImageHDU(v, name=name) for name, v in errors.items()]
    fits.HDUList([fits.PrimaryHDU(), data, *hdus]).writeto(path)
    return path


def test_sdss_files_state_their_redshift(tmp_path, wave):
    assert read_spectrum(write_sdss(tmp_path / "spec.fits")).redshift == 0.004
    path = write_image(tmp_path / "other.fits", wave, {"STAT": np.ones(wave.size)})
    assert read_spectrum(path).redshift is None


def test_sdss_file(tmp_path):
    bits = np.zeros(2160, ">i4")
    path = write_sdss(tmp_path / "spec-0945-52652-0010.fits")
    n = read_spectrum(path).flux.size
    bits = np.zeros(n, ">i4")
    bits[10], bits[11] = 1 << 23, 1 << 10  # BRIGHTSKY spoils a pixel, SMEARIMAGE does not
    ivar = np.full(n, 4.0, ">f4")
    ivar[12] = 0.0
    spectrum = read_spectrum(write_sdss(tmp_path / "other.fits", and_mask=bits, ivar=ivar))
    assert (spectrum.medium, spectrum.unit_cgs) == ("vacuum", 1e-17)
    assert spectrum.wavelength_aa[0] == pytest.approx(4500.0, rel=1e-6)
    assert spectrum.sigma[0] == pytest.approx(0.5)
    assert np.flatnonzero(~spectrum.valid).tolist() == [10, 12]
    assert spectrum.name == "other"


def test_fits_table_with_units_of_its_own(tmp_path, wave):
    table = Table({"WAVE": wave / 10.0, "Flux": np.full(wave.size, 2.0), "ERROR": wave * 0 + 5.0})
    hdu = fits.BinTableHDU(table)
    hdu.columns["WAVE"].unit = "nm"
    hdu.columns["Flux"].unit = UNIT
    hdu.columns["ERROR"].unit = "10**(-18)*erg/s/cm**2/Angstrom"
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(tmp_path / "t.fits")
    spectrum = read_spectrum(tmp_path / "t.fits")
    np.testing.assert_allclose(spectrum.wavelength_aa, wave)
    np.testing.assert_allclose(spectrum.sigma, 0.5)
    assert (spectrum.medium, spectrum.unit_cgs) == ("air", 1e-17)
    assert read_spectrum(tmp_path / "t.fits", medium="vacuum").medium == "vacuum"


@pytest.mark.parametrize(("ucd", "medium"), [("em.wl;obs.atmos", "air"), ("em.wl", "vacuum")])
def test_one_row_that_holds_the_spectrum(tmp_path, wave, ucd, medium):
    n = wave.size
    quality = np.zeros(n, dtype=np.int16)
    quality[5] = 1
    columns = [
        fits.Column("WAVE", f"{n}D", unit="angstrom", array=wave[None]),
        fits.Column("FLUX", f"{n}D", unit="10**(-19).erg.cm**(-2).s**(-1).angstrom**(-1)",
                    array=np.ones((1, n))),
        fits.Column("ERR", f"{n}D", array=np.full((1, n), 0.1)),
        fits.Column("QUAL", f"{n}I", array=quality[None]),
    ]  # fmt: skip
    hdu = fits.BinTableHDU.from_columns(columns)
    hdu.header["TUCD1"] = ucd
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(tmp_path / "eso.fits")
    spectrum = read_spectrum(tmp_path / "eso.fits")
    assert spectrum.medium == medium
    assert spectrum.unit_cgs == pytest.approx(1e-19)
    assert np.flatnonzero(~spectrum.valid).tolist() == [5]


@pytest.mark.parametrize(
    ("name", "value"), [("STAT", 0.25), ("ERR", 0.5), ("IVAR", 4.0), ("SIGMA", 0.5)]
)
def test_image_with_any_kind_of_error(tmp_path, wave, name, value):
    path = write_image(tmp_path / "i.fits", wave, {name: np.full(wave.size, value)}, CTYPE1="AWAV")
    spectrum = read_spectrum(path)
    np.testing.assert_allclose(spectrum.wavelength_aa, wave)
    np.testing.assert_allclose(spectrum.sigma, 0.5)
    assert (spectrum.medium, spectrum.unit_cgs) == ("air", 1e-17)


def test_image_says_vacuum(tmp_path, wave):
    path = write_image(tmp_path / "i.fits", wave, {"ERR": wave}, CTYPE1="WAVE")
    assert read_spectrum(path).medium == "vacuum"


def test_image_with_a_logarithmic_axis(tmp_path, wave):
    header = {"CRVAL1": 3.7, "CD1_1": 1e-4, "DC-FLAG": 1}
    path = write_image(tmp_path / "i.fits", wave, {"ERR": wave}, **header)
    np.testing.assert_allclose(
        read_spectrum(path).wavelength_aa, 10.0 ** (3.7 + 1e-4 * np.arange(wave.size))
    )


@pytest.mark.parametrize("suffix", [".ecsv", ".txt"])
def test_text_table(tmp_path, wave, suffix):
    valid = np.ones(wave.size, dtype=bool)
    valid[3] = False
    table = Table({"wave": wave, "flux": wave * 0 + 2.0, "sigma": wave * 0 + 0.1, "valid": valid})
    kind = "ascii.ecsv" if suffix == ".ecsv" else "ascii.commented_header"
    table.write(tmp_path / f"s{suffix}", format=kind)
    spectrum = read_spectrum(tmp_path / f"s{suffix}")
    np.testing.assert_allclose(spectrum.wavelength_aa, wave)
    assert np.flatnonzero(~spectrum.valid).tolist() == [3]
    assert spectrum.unit_cgs is None


def test_blank_cells_of_a_table_are_not_used(tmp_path, wave):
    flux = MaskedColumn(np.full(wave.size, 2.0), mask=np.arange(wave.size) == 7)
    table = Table({"wave": wave, "flux": flux, "sigma": np.full(wave.size, 0.1)})
    table.write(tmp_path / "s.ecsv")
    assert np.flatnonzero(~read_spectrum(tmp_path / "s.ecsv").valid).tolist() == [7]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (("lambda_obs", "flux", "sigma"), "no wavelength column.*lambda_obs, flux, sigma"),
        (("wave", "counts", "sigma"), "no flux column.*wave, counts, sigma"),
        (("wave", "flux", "sky"), "no error column.*wave, flux, sky"),
    ],
)
def test_missing_columns_are_named(tmp_path, wave, columns, message):
    Table([wave, wave, wave], names=columns).write(tmp_path / "s.ecsv")
    with pytest.raises(InputFileError, match=message):
        read_spectrum(tmp_path / "s.ecsv")


def test_image_without_errors(tmp_path, wave):
    with pytest.raises(InputFileError, match=r"no error image.*DATA"):
        read_spectrum(write_image(tmp_path / "i.fits", wave, {}))


def test_image_without_wavelengths(tmp_path):
    hdus = [fits.ImageHDU(np.ones(9), name=name) for name in ("DATA", "STAT")]
    fits.HDUList([fits.PrimaryHDU(), *hdus]).writeto(tmp_path / "i.fits")
    with pytest.raises(InputFileError, match="no wavelength axis"):
        read_spectrum(tmp_path / "i.fits")


def test_errors_of_another_length(tmp_path, wave):
    path = write_image(tmp_path / "i.fits", wave, {"STAT": np.ones(7)})
    with pytest.raises(InputFileError, match=r"STAT has shape \(7,\)"):
        read_spectrum(path)


def test_unknown_units(tmp_path, wave):
    path = write_image(tmp_path / "i.fits", wave, {"STAT": wave}, BUNIT="counts")
    with pytest.raises(InputFileError, match="counts"):
        read_spectrum(path)
    table = Table({"wave": wave, "flux": wave, "sigma": wave})
    table["wave"].unit = "km"
    table["flux"].unit = "Jy"
    table.write(tmp_path / "s.ecsv")
    with pytest.raises(InputFileError, match="Jy"):
        read_spectrum(tmp_path / "s.ecsv")


def test_wavelengths_that_do_not_ascend(tmp_path, wave):
    wave = wave.copy()
    wave[20] = wave[18]
    Table({"wave": wave, "flux": wave, "sigma": wave}).write(tmp_path / "s.ecsv")
    with pytest.raises(InputFileError, match="do not ascend after pixel 19"):
        read_spectrum(tmp_path / "s.ecsv")


def test_damaged_and_missing_files(tmp_path):
    path = write_sdss(tmp_path / "s.fits")
    (tmp_path / "short.fits").write_bytes(path.read_bytes()[:20000])
    with pytest.raises(InputFileError, match="truncated"):
        read_spectrum(tmp_path / "short.fits")
    (tmp_path / "no.fits").write_text("<html>not found</html>")
    with pytest.raises(InputFileError, match="not a readable FITS file"):
        read_spectrum(tmp_path / "no.fits")
    (tmp_path / "no.dat").write_bytes(bytes(range(256)))
    with pytest.raises(InputFileError, match=r"no\.dat"):
        read_spectrum(tmp_path / "no.dat")
    for name in ("missing.fits", "missing.txt"):
        with pytest.raises(FileNotFoundError, match=name):
            read_spectrum(tmp_path / name)


def test_a_cube_is_no_spectrum(tmp_path):
    fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(np.ones((4, 3, 2)), name="DATA")]).writeto(
        tmp_path / "cube.fits"
    )
    with pytest.raises(InputFileError, match=r"holds a cube \(extension DATA\)"):
        read_spectrum(tmp_path / "cube.fits")
