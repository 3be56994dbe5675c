from __future__ import annotations

import pytest
from astropy.io import fits

from amortized_sfh.data.files.fits_files import InputFileError
from amortized_sfh.data.files.wavelengths import (
    medium_of_word,
    parse_wavelength_unit,
    stated_medium,
)


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
