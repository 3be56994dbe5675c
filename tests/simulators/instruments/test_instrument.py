"""The instrument of a model: plain values, older cards, limits."""

from __future__ import annotations

import json

import pytest
import torch

from simulators.instruments.instrument import Instrument
from simulators.instruments.lsf import ResolvingPower
from simulators.instruments.observed_pixels import LinearObservedPixels, LogObservedPixels
from simulators.wavelengths.rest_grid import LogRestGrid

SURVEY = Instrument(
    name="survey",
    grid=LogRestGrid(3650.0, 1e-4, 3041),
    bands=(),
    lsf=ResolvingPower(wave_aa=(3700.0, 9000.0), power=(1500.0, 2300.0)),
    pixels=LogObservedPixels(start_aa=3621.596, log_step=1e-4),
    observed_range_aa=(3622.0, 10350.0),
    sky_ranges_aa=((5572.0, 5584.0),),
    min_redshift=0.01,
    max_redshift=0.15,
    max_redshift_bands=0.15,
)


@pytest.mark.parametrize("instrument", [Instrument(), SURVEY])
def test_plain_values(instrument):
    values = json.loads(json.dumps(instrument.to_dict()))
    assert Instrument.from_dict(values) == instrument


def test_cards_of_the_first_version_are_understood():
    card = {
        "name": "phangs-muse-hst",
        "grid": {"start_aa": 4750.0, "step_aa": 1.25, "n_pix": 1761},
        "bands": ["F275W", "F336W", "F438W", "F555W", "F814W"],
        "lsf_coefficients_aa": [5.866e-08, -0.0009187, 6.04],
        "max_redshift": 0.1,
        "max_redshift_bands": 0.02,
        "native_start_aa": 4750.0,
        "native_step_aa": 1.25,
    }
    assert Instrument.from_dict(card) == Instrument()
    other = Instrument.from_dict({**card, "native_start_aa": 4600.5, "native_step_aa": 1.0})
    assert other.pixels == LinearObservedPixels(start_aa=4600.5, step_aa=1.0)


@pytest.mark.parametrize("instrument", [Instrument(), SURVEY])
def test_observed_pixels_there_and_back(instrument):
    pixel = torch.tensor([0.0, 12.0, 1500.0])
    wave = instrument.native_wave_aa(pixel)
    found = instrument.pixels.position(wave, torch.zeros(1).double())[0]
    torch.testing.assert_close(found, pixel.double(), atol=1e-5, rtol=0)


def test_pixel_ratio():
    assert Instrument().pixel_ratio(0.0) == pytest.approx((1.0, 1.0), abs=1e-9)
    assert Instrument().pixel_ratio(0.1) == pytest.approx((1.1, 1.1), abs=1e-9)
    assert SURVEY.pixel_ratio(0.1) == pytest.approx((1.0, 1.0), abs=1e-4)


@pytest.mark.parametrize(
    "values",
    [{"max_redshift": 0.01}, {"min_redshift": 0.05}, {"min_redshift": -0.1}],
)
def test_redshift_limits_out_of_order(values):
    with pytest.raises(ValueError, match="out of order"):
        Instrument(**values)


@pytest.mark.parametrize(
    "values",
    [{"observed_range_aa": (9000.0, 4000.0)}, {"sky_ranges_aa": ((5600.0, 5500.0),)}],
)
def test_ranges_that_are_none(values):
    with pytest.raises(ValueError, match="is none"):
        Instrument(**values)


def test_repr_is_one_line():
    assert repr(Instrument()) == (
        "Instrument('phangs-muse-hst', 4750-6950 Å in 1761 pixels, "
        "F275W F336W F438W F555W F814W, z = 0-0.1)"
    )
    assert "pixels, no bands, z = 0-0.02)" in repr(Instrument(bands=(), max_redshift=0.02))
