"""Annuli and profiles."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from astropy.io import fits
from astropy.wcs import WCS

from amortized_sfh.aggregation.aggregate import AggregateOptions
from amortized_sfh.aggregation.radial_profile import (
    ProfileOptions,
    cut_annuli,
    locate_disc,
    radial_profile,
    surface_brightness,
)
from amortized_sfh.data.cubes.cube_data import CubeData
from amortized_sfh.data.cubes.disc import Disc, Orientation

QUICK = AggregateOptions(n_draws=20, n_reference=2)


def _header(n_x, n_y):
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crval = [170.0625, 12.9915]
    wcs.wcs.crpix = [0.5 * (n_x + 1), 0.5 * (n_y + 1)]
    wcs.wcs.cdelt = [-1.0 / 3600, 1.0 / 3600]
    return wcs.to_header()


@pytest.fixture
def data(small_observation):
    """Forty spaxels of one arcsec, 5 x 8, brightest in the middle, and one empty column."""
    row = np.full((5, 9), -1)
    row[:, :8] = np.arange(40).reshape(5, 8)
    y, x = np.divmod(np.arange(40), 8)
    light = torch.from_numpy(3.0 * np.exp(-((x - 4.0) ** 2 + (y - 2.0) ** 2) / 6.0)).float()
    scale = (light / small_observation.flux.median(1).values)[:, None]
    observation = replace(
        small_observation,
        redshift=torch.full((40,), 0.003),
        flux=small_observation.flux * scale,
        sigma=small_observation.sigma * scale.abs(),
        phot=small_observation.phot * scale,
        phot_sigma=small_observation.phot_sigma * scale.abs(),
    )
    return CubeData(
        observation=observation,
        row=row,
        label=np.arange(40),
        n_spaxels=np.ones(40, dtype=int),
        flag=np.zeros(40, dtype=np.int32),
        spaxel_flag=np.zeros(row.shape, dtype=np.int32),
        header=_header(9, 5),
        noise_scale=np.ones(40),
    )


def test_every_row_within_is_in_one_annulus(data):
    radius = np.hypot(*(np.indices(data.row.shape) - np.array([2.0, 4.0])[:, None, None]))
    annuli = cut_annuli(data, Disc(radius, (4.0, 2.0)), 3)
    assert [a.inner for a in annuli[1:]] == [a.outer for a in annuli[:-1]]
    rows = np.concatenate([a.spectra for a in annuli])
    assert len(np.unique(rows)) == len(rows)
    inside = radius[data.row >= 0]
    assert len(rows) == int((inside < annuli[-1].outer).sum())
    for a in annuli:
        assert a.inner <= a.radius < a.outer
        assert ((inside[a.spectra] >= a.inner) & (inside[a.spectra] < a.outer)).all()


def test_bins_belong_where_their_spaxels_are_on_average(data):
    binned = replace(
        data.select(np.arange(2)),
        row=np.array([[0, 0, 1]]),
        n_spaxels=np.array([2, 1]),
        spaxel_flag=np.zeros((1, 3), dtype=np.int32),
    )
    annuli = cut_annuli(binned, Disc(np.array([[0.0, 1.0, 5.0]]), (0.0, 0.0)), 5)
    assert [a.spectra.tolist() for a in annuli] == [[0]]
    assert annuli[0].radius == 0.5


def test_centre_is_that_of_the_light(data):
    brightness = surface_brightness(data)
    assert np.isnan(brightness[:, 8]).all()
    assert locate_disc(data, ProfileOptions()).centre_xy == pytest.approx((4.0, 2.0), abs=0.3)


def test_profile(small_posterior, data):
    options = ProfileOptions(
        n_annuli=2,
        orientation=Orientation(inclination_deg=40.0, position_angle_deg=90.0),
        distance_mpc=10.0,
        effective_radius_arcsec=2.0,
        n_draws=100,
        max_spectra=6,
        aggregate=QUICK,
    )
    table = radial_profile(small_posterior, data, options)
    assert len(table) == 2
    assert (table["N_USED"] <= 6).all()
    assert int(table["N_ROWS"].sum()) > 30
    np.testing.assert_allclose(table["R_RE"], table["R"] / 2.0)
    kpc = 10e3 / 1.003**2 * np.radians(1.0 / 3600.0)
    np.testing.assert_allclose(table["R_KPC"], table["R"] * kpc, rtol=1e-5)
    for name in ("LOGAGE_MW", "MH_LW", "AV", "SIGMA_STAR", "LOG_SSFR100"):
        low, middle, high = (table[f"{name}_{p}"] for p in ("P16", "P50", "P84"))
        assert ((low <= middle) & (middle <= high)).all()
    assert str(table["SIGMA_STAR"].unit) == "solMass / kpc2"
    assert str(table["LOGMASS_P50"].unit) == "dex(solMass)"
    assert table.meta["inclination_deg"] == 40.0
    # the mass is that of all spaxels, the density that of those used
    area = table["N_ROWS"] * kpc**2 / np.cos(np.radians(40.0))
    np.testing.assert_allclose(
        table["LOGMASS_P50"], np.log10(table["SIGMA_STAR_P50"] * area), atol=0.02
    )


def test_profile_without_a_distance(small_posterior, data):
    near = replace(
        data,
        observation=replace(data.observation, redshift=torch.zeros(40)),
    )
    options = ProfileOptions(n_annuli=1, n_draws=100, max_spectra=4, aggregate=QUICK)
    table = radial_profile(small_posterior, near, options)
    assert "R_KPC" not in table.colnames
    assert "SIGMA_STAR" not in table.colnames
    assert np.isfinite(table["LOGAGE_MW"]).all()


def test_profile_needs_a_wcs_and_a_position_angle(small_posterior, data):
    with pytest.raises(ValueError, match="no celestial WCS"):
        radial_profile(small_posterior, replace(data, header=fits.Header()))
    inclined = ProfileOptions(orientation=Orientation(inclination_deg=57.0))
    with pytest.raises(ValueError, match="position-angle"):
        radial_profile(small_posterior, data, inclined)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"n_annuli": 0}, "n_annuli is 0"),
        ({"max_spectra": 0}, "max_spectra is 0"),
        ({"effective_radius_arcsec": 0.0}, "effective radius is 0"),
    ],
)
def test_options_that_make_no_sense(options, named):
    with pytest.raises(ValueError, match=named):
        ProfileOptions(**options)
