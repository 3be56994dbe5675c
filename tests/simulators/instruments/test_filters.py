"""Filter curves and photon-counting photometry."""

from __future__ import annotations

import numpy as np
import pytest

from simulators.constants import SPEED_OF_LIGHT_AA_S
from simulators.instruments.filters import (
    HST_BANDS,
    FilterCurve,
    ab_magnitude,
    filter_names,
    filter_weights,
    photon_mean_flux,
    read_filter,
)

# PHOTPLAM in the headers of NGC 3627's PHANGS-HST images
HEADER_PIVOT_AA = {
    "F275W": 2707.07,
    "F336W": 3354.86,
    "F438W": 4325.74,
    "F555W": 5307.09,
    "F814W": 8037.46,
}


@pytest.mark.parametrize("band", HST_BANDS)
def test_pivot_agrees_with_image_headers(band):
    assert read_filter(band).pivot_aa == pytest.approx(HEADER_PIVOT_AA[band], rel=3e-3)


def test_v_has_bessells_pivot():
    # Bessell & Murphy 2012, table 1: 5478 Angstrom
    assert read_filter("V").pivot_aa == pytest.approx(5478, abs=2)


@pytest.mark.parametrize("band", filter_names())
def test_flat_3631_jy_has_magnitude_zero(band):
    curve = read_filter(band)
    wave = np.arange(2000.0, 10000.0, 2.0)
    flux = 3.631e-20 * SPEED_OF_LIGHT_AA_S / wave**2
    assert ab_magnitude(photon_mean_flux(wave, flux, curve), curve) == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize("band", filter_names())
def test_constant_spectrum_has_its_own_mean_on_any_grid(band):
    curve = read_filter(band)
    wave = np.sort(np.random.default_rng(1).uniform(1900, 10500, 400))
    np.testing.assert_allclose(photon_mean_flux(wave, np.full((2, 400), 3.0), curve), 3.0)


def test_mean_of_linear_flux_in_a_triangular_band_is_exact():
    # T = 1 - |x| with x = (lambda - 5000) / 100 and f = lambda - 5000, so that
    # int f lambda T = int 100 x (5000 + 100 x) (1 - |x|) 100 dx = 1e6 / 6 and int lambda T = 5e5
    curve = FilterCurve("triangle", np.array([4900.0, 5000, 5100]), np.array([0.0, 1, 0]))
    wave = np.array([4000.0, 4987, 5003, 6000])
    assert photon_mean_flux(wave, wave - 5000, curve) == pytest.approx(1 / 3)


def test_weights_are_a_mean_and_stay_in_the_band():
    curve = read_filter("F438W")
    wave = np.arange(3500.0, 5000.0, 1.3)
    weights = filter_weights(wave, curve)
    outside = (wave < curve.support_aa[0] - 1.3) | (wave > curve.support_aa[1] + 1.3)
    assert weights.sum() == pytest.approx(1)
    assert (weights >= 0).all()
    assert (weights[outside] == 0).all()


def test_photon_weighting_differs_from_energy_weighting():
    # a red spectrum is brighter when photons are counted
    curve = read_filter("V")
    wave = np.arange(4600.0, 7100.0, 1.0)
    red = (wave / 5500) ** 4
    through = np.interp(wave, curve.wave_aa, curve.throughput)
    energy = (red * through).sum() / through.sum()
    assert photon_mean_flux(wave, red, curve) > 1.01 * energy


def test_uncovered_band_names_the_band_and_the_range():
    with pytest.raises(ValueError, match=r"4700-7000 AA, but filter F275W needs 22\d\d-39\d\d"):
        photon_mean_flux(np.array([4700.0, 7000.0]), np.ones(2), read_filter("F275W"))


def test_unknown_filter_lists_the_choices():
    with pytest.raises(ValueError, match="'F999W'; expected one of F275W"):
        read_filter("F999W")


def test_not_positive_flux_has_no_magnitude():
    curve = read_filter("V")
    assert np.isnan(ab_magnitude(np.array([0.0, -1.0, np.nan]), curve)).all()


@pytest.mark.parametrize(
    ("wave", "throughput"),
    [
        (np.array([1.0, 2, 2]), np.array([0.0, 1, 0])),
        (np.array([1.0, 2, 3]), np.array([0.0, -1, 0])),
        (np.array([1.0, 2, 3]), np.zeros(3)),
        (np.array([1.0, 2, 3]), np.array([0.0, 1])),
    ],
)
def test_bad_tables_are_refused(wave, throughput):
    with pytest.raises(ValueError, match="filter bad"):
        FilterCurve("bad", wave, throughput)
