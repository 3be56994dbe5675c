"""Discs on the sky: centres, radii, areas."""

from __future__ import annotations

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.io import fits

from amortized_sfh.data.cubes.disc import (
    Orientation,
    kpc_per_arcsec,
    light_centre,
    parse_centre,
    place_disc,
    spaxel_area_arcsec2,
)


def _light(shape, x, y, width=3.0):
    yy, xx = np.indices(shape)
    return np.exp(-((xx - x) ** 2 + (yy - y) ** 2) / width**2)


def test_face_on_radii_are_separations_from_the_centre(sky):
    header = sky(31, 21, 0.2).to_header()
    disc = place_disc(header, _light((21, 31), 15.0, 10.0), Orientation())
    assert disc.centre_xy == pytest.approx((15.0, 10.0))
    assert disc.radius_arcsec[10, 20] == pytest.approx(1.0, rel=1e-6)
    assert disc.radius_arcsec[20, 15] == pytest.approx(2.0, rel=1e-6)


@pytest.mark.parametrize("turn", [0.0, 0.7])
def test_an_inclined_ring_is_round_in_its_plane(sky, turn):
    """Points of a circle, projected by hand with north and east of the turned map."""
    wcs = sky(81, 81, 0.2, angle=turn)
    inclination, angle, radius = 57.0, np.radians(30.0), 5.0
    t = np.linspace(0.0, 2 * np.pi, 40)
    along, across = radius * np.cos(t), radius * np.sin(t) * np.cos(np.radians(inclination))
    north = along * np.cos(angle) - across * np.sin(angle)
    east = along * np.sin(angle) + across * np.cos(angle)
    centre = wcs.pixel_to_world(40.0, 40.0)
    x, y = wcs.world_to_pixel(
        centre.spherical_offsets_by(east / 3600 * u.deg, north / 3600 * u.deg)
    )
    orientation = Orientation(
        inclination_deg=inclination, position_angle_deg=30.0, centre=(40.0, 40.0)
    )
    disc = place_disc(wcs.to_header(), np.ones((81, 81)), orientation)
    ring = disc.radius_arcsec[np.round(y).astype(int), np.round(x).astype(int)]
    # half a spaxel of rounding, stretched across the minor axis
    assert np.abs(ring - radius).max() < 0.3
    assert abs(ring.mean() - radius) < 0.06


def test_centre_on_the_sky(sky):
    wcs = sky(30, 20, 0.2)
    centre = wcs.pixel_to_world(12.0, 7.0)
    disc = place_disc(wcs.to_header(), np.ones((20, 30)), Orientation(centre=centre))
    assert disc.centre_xy == pytest.approx((12.0, 7.0), abs=1e-4)
    assert float(disc.radius_arcsec[7, 12]) < 1e-3


def test_centre_of_light_ignores_empty_and_faint_spaxels():
    light = _light((40, 50), 33.3, 11.8) + 1e-3
    light[:, :5], light[0, 10] = np.nan, -1.0
    assert light_centre(light) == pytest.approx((33.3, 11.8), abs=0.2)
    with pytest.raises(ValueError, match="no spaxel has positive light"):
        light_centre(np.full((4, 4), np.nan))


def test_areas(sky):
    assert spaxel_area_arcsec2(sky(8, 6, 0.2, angle=0.4).to_header()) == pytest.approx(0.04)
    assert np.isnan(spaxel_area_arcsec2(fits.Header()))
    # Planck 2018 at z = 0.1: D_L = 475.8 Mpc, 1.90 kpc per arcsec
    assert kpc_per_arcsec(475.8, 0.1) == pytest.approx(1.906, abs=0.01)


def test_parse_centre():
    assert parse_centre("3,4.5") == (3.0, 4.5)
    position = parse_centre("170.0625d,12.9915d")
    assert position.separation(SkyCoord(170.0625, 12.9915, unit="deg")).arcsec < 1e-6


@pytest.mark.parametrize("text", ["3", "a,b", "1,2,3", "170.06d,", "10,20d,5"])
def test_centres_that_are_none(text):
    with pytest.raises(ValueError, match="expected pixels x,y"):
        parse_centre(text)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"inclination_deg": 90.0}, "inclination is 90"),
        ({"inclination_deg": -3.0}, "inclination is -3"),
        ({"inclination_deg": float("nan")}, "inclination is nan"),
        ({"position_angle_deg": 1000.0}, "position angle is 1000"),
    ],
)
def test_angles_that_make_no_sense(options, named):
    with pytest.raises(ValueError, match=named):
        Orientation(**options)


def test_radii_that_cannot_be_had(sky):
    light = _light((20, 30), 15.0, 10.0)
    with pytest.raises(ValueError, match="no celestial WCS"):
        place_disc(fits.Header(), light, Orientation())
    header = sky(30, 20, 0.2).to_header()
    with pytest.raises(ValueError, match="need --position-angle"):
        place_disc(header, light, Orientation(inclination_deg=57.0))
    with pytest.raises(ValueError, match="far outside the map"):
        place_disc(header, light, Orientation(centre=(200.0, 3.0)))
