"""One HST image and what it says of itself."""

from __future__ import annotations

import numpy as np
import pytest

from amortized_sfh.data.hst.image import HstImage
from amortized_sfh.data.hst.weight_map import WeightMap


def test_only_the_five_bands(sky):
    with pytest.raises(ValueError, match="unknown band"):
        HstImage("F160W", np.ones((4, 4)), 1.0, sky(4, 4, 0.04))


def test_repr_says_in_one_line_what_it_holds(sky):
    data = np.ones((120, 150))
    weight = WeightMap(data, "variance", noise_factor=1.4)
    image = HstImage(
        "F555W", data, 1.0, sky(150, 120, 0.04), source="a.fits", weight=weight, camera="WFC3/UVIS"
    )
    assert repr(image) == (
        "HstImage(F555W, a.fits, WFC3/UVIS, 120 x 150 pixels of 0.04 arcsec, "
        "noise: variance weights x 1.400)"
    )
    assert "no file, unknown camera" in repr(HstImage("F555W", data, 1.0, sky(150, 120, 0.04)))
