"""Frames on the sky and colour limits."""

from __future__ import annotations

import numpy as np
import pytest
from astropy.wcs import WCS

from amortized_sfh.plotting.sky import SkyFrame, robust_limits


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


@pytest.mark.parametrize("arguments", [(0.0, None), (np.nan, None), (0.2, -3.0)])
def test_impossible_frames_are_refused(arguments):
    with pytest.raises(ValueError, match="expected a finite number > 0"):
        SkyFrame(*arguments)


def test_limits_ignore_what_is_odd():
    values = np.concatenate([np.linspace(0.0, 1.0, 1000), [1e6, np.nan, np.inf]])
    low, high = robust_limits(values)
    assert 0.0 <= low < 0.05
    assert 0.95 < high <= 1.0


def test_limits_always_have_a_width():
    assert robust_limits(np.full(5, np.nan)) == (0.0, 1.0)
    low, high = robust_limits(np.full(5, 3.0))
    assert low < 3.0 < high
    low, high = robust_limits(np.array([0.0, 0.1]), least_span=1.0)
    assert high - low == pytest.approx(1.0)
    low, high = robust_limits(np.array([-1.0, 0.5]), symmetric=True)
    assert low == -high
