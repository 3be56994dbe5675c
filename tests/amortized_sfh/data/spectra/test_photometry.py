"""Tables of band fluxes in the units that people have."""

from __future__ import annotations

import math

import numpy as np
import pytest
from astropy import units as u
from astropy.table import MaskedColumn, Table

from amortized_sfh.data.files.fits_files import InputFileError
from amortized_sfh.data.spectra.photometry import photometry_in_unit, read_photometry
from simulators.instruments.filters import ab_magnitude, read_filter

F_LAMBDA = u.erg / u.s / u.cm**2 / u.AA


def _ecsv(path, flux, error, unit, bands=("F275W", "F814W")):
    table = Table({"band": list(bands), "flux": flux, "error": error})
    table["flux"].unit = table["error"].unit = unit
    table.write(path, format="ascii.ecsv", overwrite=True)
    return path


def test_flux_per_wavelength(tmp_path):
    path = _ecsv(tmp_path / "p.ecsv", [2.0, -0.5], [0.1, 0.2], 1e-17 * F_LAMBDA)
    assert read_photometry(path) == {
        "F275W": (pytest.approx(2e-17), pytest.approx(1e-18)),
        "F814W": (pytest.approx(-5e-18), pytest.approx(2e-18)),
    }


@pytest.mark.parametrize("unit", [u.Jy, u.uJy, u.nJy, u.erg / u.s / u.cm**2 / u.Hz])
def test_flux_per_frequency_is_taken_at_the_pivot(tmp_path, unit):
    path = _ecsv(tmp_path / "p.ecsv", [3.0, 4.0], [0.3, 0.1], unit)
    fluxes = read_photometry(path)
    for band, value, error in (("F275W", 3.0, 0.3), ("F814W", 4.0, 0.1)):
        pivot = read_filter(band).pivot_aa
        # f_lambda = f_nu c / lambda^2
        per_unit = (1.0 * unit).to_value(u.erg / u.s / u.cm**2 / u.Hz) * 2.99792458e18 / pivot**2
        assert fluxes[band] == pytest.approx((value * per_unit, error * per_unit), rel=1e-6)


def test_ab_magnitudes(tmp_path):
    path = tmp_path / "p.csv"
    path.write_text("band,flux,error,unit\nF555W,18.2,0.02,mag(AB)\nF438W,3.1e-16,1e-17,"
                    "erg/s/cm2/Angstrom\n")  # fmt: skip
    fluxes = read_photometry(path)
    flux, sigma = fluxes["F555W"]
    assert float(ab_magnitude(np.array(flux), read_filter("F555W"))) == pytest.approx(
        18.2, abs=1e-4
    )
    assert sigma / flux == pytest.approx(0.02 * 0.4 * math.log(10.0))
    assert fluxes["F438W"] == (pytest.approx(3.1e-16), pytest.approx(1e-17))


def test_errors_may_have_a_unit_of_their_own(tmp_path):
    table = Table({"band": ["F555W"], "flux": [2.0], "error": [3.0]})
    table["flux"].unit, table["error"].unit = u.uJy, u.nJy
    table.write(tmp_path / "p.ecsv")
    flux, sigma = read_photometry(tmp_path / "p.ecsv")["F555W"]
    assert sigma / flux == pytest.approx(1.5e-3)


def test_the_unit_of_a_spectrum():
    fluxes = {"F555W": (3e-17, 1e-18)}
    assert photometry_in_unit(fluxes, 1e-17, "x") == {
        "F555W": (pytest.approx(3.0), pytest.approx(0.1))
    }
    with pytest.raises(ValueError, match="galaxy does not state its flux unit"):
        photometry_in_unit(fluxes, None, "galaxy")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("band,flux\nF555W,1\n", "no column 'error'"),
        (
            "band,flux,error,unit\nF606W,1,0.1,uJy\n",
            "unknown band 'F606W'; expected one of F275W, F336W, F438W, F555W, F814W:",
        ),
        ("band,flux,error,unit\nF555W,1,0.1,uJy\nF555W,1,0.1,uJy\n", "F555W twice"),
        ("band,flux,error,unit\nF555W,1,0,uJy\n", "F555W: flux is 1 with error 0"),
        ("band,flux,error,unit\nF555W,nan,0.1,uJy\n", "flux is nan"),
        ("band,flux,error,unit\nF555W,,0.1,uJy\n", "flux is nan"),
        ("band,flux,error,unit\nF555W,bright,0.1,uJy\n", "'bright'.*expected a number"),
        ("band,flux,error\nF555W,1,0.1\n", "has no unit: give the columns units"),
        ("band,flux,error,unit\nF555W,1,0.1,parsec\n", "unit 'parsec' is not understood"),
        ("band,flux,error,unit\nF555W,1,0.1,counts\n", "unit 'counts' is not understood"),
        ("band,flux,error,unit\nF555W,18,0.1,mag\n", "'mag' does not say which magnitudes"),
        ("band,flux,error,unit\n", "has no rows"),
    ],
)
def test_bad_tables(tmp_path, text, message):
    path = tmp_path / "p.csv"
    path.write_text(text)
    with pytest.raises(InputFileError, match=message):
        read_photometry(path)


def test_files_that_are_none(tmp_path):
    with pytest.raises(FileNotFoundError, match="no such file"):
        read_photometry(tmp_path / "nowhere.csv")
    (tmp_path / "p.ecsv").write_text("no table")
    with pytest.raises(InputFileError, match="is no ECSV table"):
        read_photometry(tmp_path / "p.ecsv")


def test_masked_values_are_named(tmp_path):
    table = Table({"band": ["F555W"], "flux": MaskedColumn([1.0], mask=[True]), "error": [0.1]})
    table["flux"].unit = table["error"].unit = u.uJy
    table.write(tmp_path / "p.ecsv")
    with pytest.raises(InputFileError, match="flux is nan"):
        read_photometry(tmp_path / "p.ecsv")
