from __future__ import annotations

import pytest
from astropy.io import fits

from amortized_sfh.data.files.fits_files import InputFileError
from amortized_sfh.data.files.units import (
    medium_of_word,
    parse_flux_unit,
    parse_wavelength_unit,
    stated_flux_unit,
    stated_medium,
)


@pytest.mark.parametrize(
    "text",
    [
        "10**(-20)*erg/s/cm**2/Angstrom",
        "10**(-20)erg/s/cm**2/Angstrom",
        "10**(-20) erg / (Angstrom cm2 s)",
        "1e-20 erg/s/cm2/A",
        "1E-20 erg s^-1 cm^-2 Angstrom^-1",
        "10^-20 erg s-1 cm-2 Angstrom-1",
        "10-20 ergs/sec/cm2/Ang",
        "1.0 * 10**-20 erg/s/cm^2/AA",
        "1E-20 erg/s/cm^2/Ang/spaxel",
        "1E-20 erg/s/cm^2/Ang/fiber",
    ],
)
def test_spellings(text):
    assert parse_flux_unit(text) == pytest.approx(1e-20, rel=1e-9)


def test_other_units_of_flux_per_wavelength():
    assert parse_flux_unit("erg/s/cm**2/Angstrom") == 1.0
    assert parse_flux_unit("W/m2/um") == pytest.approx(0.1)


@pytest.mark.parametrize("text", ["Jy", "counts", "1e-20", "adu*foo", "10**(-20)*erg/s/cm**2"])
def test_unknown_units_are_quoted(text):
    with pytest.raises(ValueError, match="BUNIT is ") as caught:
        parse_flux_unit(text)
    assert repr(text) in str(caught.value)


@pytest.mark.parametrize("text", [None, "", "  "])
def test_missing_unit(text):
    with pytest.raises(ValueError, match="BUNIT is missing"):
        parse_flux_unit(text)


def test_units_of_tables_of_eso():
    assert parse_flux_unit("10**(-16)erg.cm**(-2).s**(-1).angstrom**(-1)") == pytest.approx(1e-16)


def test_the_first_header_with_a_unit_is_believed():
    none, flux = fits.Header(), fits.Header({"BUNIT": "1e-17 erg/s/cm2/A"})
    assert stated_flux_unit("x.fits", none, flux, fits.Header({"BUNIT": "Jy"})) == 1e-17
    assert stated_flux_unit("x.fits", none) is None
    with pytest.raises(InputFileError, match=r"x\.fits: BUNIT is 'Jy'"):
        stated_flux_unit("x.fits", fits.Header({"BUNIT": "Jy"}), flux)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *((text, 1.0) for text in ("", " ", "Angstrom", "ANGSTROMS", "angstrom ", "Ang", "A", "Å")),
        ("nm", 10.0),
        ("NM", 10.0),
        ("um", 1e4),
        ("micron", 1e4),
        ("m", 1e10),
    ],
)
def test_units_of_wavelengths(text, value):
    assert parse_wavelength_unit(text, "x.fits: CUNIT1") == value


@pytest.mark.parametrize("text", ["Hz", "counts", "km/s"])
def test_units_of_other_things(text):
    with pytest.raises(InputFileError, match=rf"x\.fits: CUNIT1 is '{text}'; expected a length"):
        parse_wavelength_unit(text, "x.fits: CUNIT1")


@pytest.mark.parametrize(
    ("word", "medium"),
    [
        ("AWAV", "air"),
        ("WAVE-LOG", "vacuum"),
        ("air", "air"),
        ("Vac", "vacuum"),
        ("LINEAR", None),
        (None, None),
    ],
)
def test_words_for_air_and_vacuum(word, medium):
    assert medium_of_word(word) == medium


def test_the_first_header_that_states_the_medium_is_believed():
    silent, air = fits.Header({"CTYPE1": "LINEAR"}), fits.Header({"AIRORVAC": "air"})
    vacuum = fits.Header({"VACUUM": 1})
    assert stated_medium(silent, air, vacuum) == "air"
    assert stated_medium(silent, vacuum, air) == "vacuum"
    assert stated_medium(fits.Header({"VACUUM": False})) == "air"
    assert stated_medium(silent) is None
