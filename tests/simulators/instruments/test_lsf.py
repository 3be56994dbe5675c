"""Line spread functions given as a polynomial or as a resolving power."""

from __future__ import annotations

import pytest
import torch

from simulators.instruments.instrument import Instrument
from simulators.instruments.lsf import PolynomialLsf, ResolvingPower

WAVE = torch.tensor([[3500.0, 4000.0, 5000.0], [6000.0, 8000.0, 9900.0]])


def test_constant_and_polynomial():
    torch.testing.assert_close(
        PolynomialLsf(coefficients_aa=(2.5,)).fwhm_aa(WAVE), torch.full_like(WAVE, 2.5)
    )
    line = PolynomialLsf(coefficients_aa=(1e-4, 2.0)).fwhm_aa(WAVE)
    torch.testing.assert_close(line, 1e-4 * WAVE + 2.0)


def test_resolving_power_is_linear_between_and_constant_beyond():
    lsf = ResolvingPower(wave_aa=(4000.0, 6000.0, 9000.0), power=(1500.0, 2000.0, 2300.0))
    expected = torch.tensor([[1500.0, 1500.0, 1750.0], [2000.0, 2200.0, 2300.0]])
    torch.testing.assert_close(WAVE / lsf.fwhm_aa(WAVE), expected)
    single = ResolvingPower(wave_aa=(5000.0,), power=(2000.0,))
    torch.testing.assert_close(single.fwhm_aa(WAVE), WAVE / 2000.0)


@pytest.mark.parametrize(
    "lsf",
    [PolynomialLsf(), ResolvingPower(wave_aa=(4000.0, 5000.0), power=(1500.0, 2000.0))],
)
def test_plain_values_keep_the_kind(lsf):
    assert Instrument.from_dict(Instrument(lsf=lsf).to_dict()).lsf == lsf


@pytest.mark.parametrize(
    ("make", "word"),
    [
        (lambda: PolynomialLsf(coefficients_aa=()), "at least one"),
        (lambda: PolynomialLsf(coefficients_aa=(float("inf"),)), "finite"),
        (lambda: ResolvingPower(wave_aa=(4000.0,), power=(1.0, 2.0)), "2 values at 1 wavelengths"),
        (lambda: ResolvingPower(wave_aa=(5000.0, 4000.0), power=(1.0, 2.0)), "ascending"),
        (lambda: ResolvingPower(wave_aa=(4000.0, 5000.0), power=(0.0, 2.0)), "positive"),
    ],
)
def test_bad_values(make, word):
    with pytest.raises(ValueError, match=word):
        make()
