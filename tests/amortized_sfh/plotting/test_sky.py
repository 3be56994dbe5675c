"""Frames on the sky."""

from __future__ import annotations

import numpy as np
import pytest
from astropy.wcs import WCS

from amortized_sfh.data.cubes.disc import kpc_per_arcsec
from amortized_sfh.plotting.sky import SkyFrame


def header(angle_deg: float = 0.0, scale_arcsec: float = 0.2):
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crval = [170.06, 12.99]
    wcs.wcs.crpix = [5.0, 5.0]
    c, s = np.cos(np.radians(angle_deg)), np.sin(np.radians(angle_deg))
    wcs.wcs.cd = scale_arcsec / 3600.0 * np.array([[-c, s], [s, c]])
    return wcs.to_header()


def test_scale_and_orientation_come_from_the_wcs():
    frame = SkyFrame.from_header(header(), 11.32)
    assert frame.pixel_scale_arcsec == pytest.approx(0.2)
    assert frame.north_up
    assert not SkyFrame.from_header(header(40.0)).north_up
    assert SkyFrame.from_header(header(40.0)).axis_labels[0] == "x offset (arcsec)"


def test_a_header_without_a_celestial_wcs_gives_spaxels():
    frame = SkyFrame.from_header({})
    assert frame.pixel_scale_arcsec is None
    assert frame.extent((4, 6)) == (-0.5, 5.5, -0.5, 3.5)


def test_the_scale_bar_has_a_round_length():
    length, name = SkyFrame(0.2, 11.32).scale_bar(300)
    # 1 arcsec is 54.9 pc at 11.32 Mpc
    assert name == "500 pc"
    assert length == pytest.approx(500.0 / 54.88, rel=1e-3)
    assert SkyFrame(0.2).scale_bar(300) is None


def test_the_scale_bar_of_a_distant_galaxy_follows_its_angular_distance():
    frame = SkyFrame.from_header(header(), 400.0, redshift=0.0858)
    length, name = frame.scale_bar(40)
    assert name == "2 kpc"
    assert length * kpc_per_arcsec(400.0, 0.0858) == pytest.approx(2.0)
    near, _ = SkyFrame(0.2, 400.0).scale_bar(40)
    assert length / near == pytest.approx(1.0858**2)


@pytest.mark.parametrize("arguments", [(0.0, None), (np.nan, None), (0.2, -3.0)])
def test_impossible_frames_are_refused(arguments):
    with pytest.raises(ValueError, match="expected a finite number > 0"):
        SkyFrame(*arguments)


@pytest.mark.parametrize("redshift", [-1.0, np.nan])
def test_impossible_redshifts_are_refused(redshift):
    with pytest.raises(ValueError, match="expected a finite number > -1"):
        SkyFrame(0.2, 10.0, redshift=redshift)
