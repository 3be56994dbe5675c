"""Observed pixels: where rest-frame wavelengths fall on them."""

from __future__ import annotations

import pytest
import torch

from simulators.instruments.instrument import Instrument
from simulators.instruments.observed_pixels import LinearObservedPixels, LogObservedPixels
from simulators.wavelengths.air import rest_air_edges
from simulators.wavelengths.resample import edges_from_centres

KINDS = {
    "muse": LinearObservedPixels(),
    "linear, vacuum": LinearObservedPixels(start_aa=4000.0, step_aa=0.9, medium="vacuum"),
    "sdss": LogObservedPixels(start_aa=3801.894, log_step=1e-4),
    "log, air": LogObservedPixels(start_aa=3801.894, log_step=2e-4, medium="air"),
}


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("redshift", [0.0, 0.03, 0.15])
def test_positions_are_those_of_the_readers(name, redshift):
    pixels = KINDS[name]
    centres = pixels.wave_aa(torch.arange(2001))
    rest = rest_air_edges(centres, redshift, pixels.medium)
    found = pixels.position(rest, torch.tensor([redshift], dtype=torch.float64))[0]
    # air pixels are shifted in air, a few parts in a million off: less than 0.05 pixels
    tolerance = 0.05 if pixels.medium == "air" else 1e-6
    expected = torch.arange(2001, dtype=torch.float64)
    torch.testing.assert_close(found, expected, atol=tolerance, rtol=0)


@pytest.mark.parametrize("name", KINDS)
def test_widths_are_the_distances_of_centres(name):
    pixels = KINDS[name]
    centres = pixels.wave_aa(torch.arange(-3, 1501))
    widths = torch.diff(edges_from_centres(centres))
    torch.testing.assert_close(pixels.width_aa(centres)[1:-1], widths[1:-1], rtol=1e-6, atol=0)
    torch.testing.assert_close(pixels.index(centres)[:5], torch.arange(-3.0, 2.0).double())


@pytest.mark.parametrize("name", KINDS)
def test_plain_values_keep_the_kind(name):
    assert Instrument.from_dict(Instrument(pixels=KINDS[name]).to_dict()).pixels == KINDS[name]


@pytest.mark.parametrize(
    ("kind", "values", "word"),
    [
        (LinearObservedPixels, {"step_aa": 0.0}, "step_aa is 0.0"),
        (LinearObservedPixels, {"medium": "water"}, "medium is 'water'"),
        (LogObservedPixels, {"start_aa": -1.0, "log_step": 1e-4}, "start_aa is -1.0"),
        (LogObservedPixels, {"start_aa": 3800.0, "log_step": float("nan")}, "log_step is nan"),
    ],
)
def test_pixels_that_are_none(kind, values, word):
    with pytest.raises(ValueError, match=word):
        kind(**values)
