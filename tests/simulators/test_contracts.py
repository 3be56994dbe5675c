"""The contract of SSP libraries: it passes good ones and sees each breach."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from simulators.contracts import check_ssp_library
from simulators.libraries import toy_grid
from simulators.wavelengths.air import air_to_vacuum


@pytest.fixture(scope="module")
def grid():
    return toy_grid()


def test_toy_library_keeps_the_contract(grid):
    check_ssp_library(grid)


@pytest.mark.parametrize(
    ("breach", "message"),
    [
        (lambda g: replace(g, source=""), "name and source"),
        (lambda g: replace(g, sha256="abc"), "sha256 is 'abc'"),
        (lambda g: g.select((4800, 7000)), "covers 4800-7000 AA"),
        (lambda g: replace(g, lum=g.lum * (g.wave_aa < 6900)), "32 spectra have no light"),
        (lambda g: replace(g, lsf_fwhm_aa=g.lsf_fwhm_aa / 5), "LSF of 0.5"),
        (lambda g: replace(g, wave_aa=air_to_vacuum(g.wave_aa)), "wavelengths are in vacuum"),
        (lambda g: replace(g, wave_aa=g.wave_aa - 4), "absorption lines lie at"),
        (lambda g: replace(g, lum=g.lum * 20), "V-band light at 14 Gyr"),
        (lambda g: replace(g, lum=g.lum[:, ::-1]), "V-band light does not fall"),
        (lambda g: replace(g, lum=g.lum[::-1]), "old spectra do not redden"),
        (lambda g: replace(g, mass_alive=g.mass_alive[:, ::-1]), "the surviving mass grows"),
        (lambda g: replace(g, mass_alive=g.mass_alive / 2), "surviving mass at 0 Gyr is 0.5"),
    ],
)
def test_each_breach_is_seen(grid, breach, message):
    with pytest.raises(ValueError, match=message):
        check_ssp_library(breach(grid))


def test_unknown_mass_is_no_breach(grid):
    check_ssp_library(replace(grid, mass_alive=np.full_like(grid.mass_alive, np.nan)))
