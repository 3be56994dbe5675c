"""The attenuation law against the published one."""

from __future__ import annotations

import pytest
import torch

from simulators.forward.dust import R_V_CALZETTI, CalzettiSlope, calzetti_curve


def _k(wave_aa: float) -> float:
    return float(calzetti_curve(torch.tensor(wave_aa, dtype=torch.float64))) * R_V_CALZETTI


# Calzetti et al. (2000): eq. 4 as widely quoted at 1500 and 1600 AA, H beta, V and H alpha
@pytest.mark.parametrize(
    ("wave_aa", "published"),
    [(1500, 10.33), (1600, 9.97), (4861.3, 4.60), (5500, 4.05), (22000, 0.37)],
)
def test_published_values(wave_aa, published):
    assert _k(wave_aa) == pytest.approx(published, abs=0.006)


def test_h_alpha_is_the_published_value_but_for_the_continued_blue_piece():
    # 3.33 is the red piece; ours is the blue one up to where the two meet, 0.5 % below it here
    assert _k(6562.8) == pytest.approx(3.33 * 0.995, abs=0.006)
    assert _k(7300.0) == pytest.approx(2.659 * (-1.857 + 1.040 / 0.73) + R_V_CALZETTI, rel=1e-12)


def test_reddening_of_b_minus_v_is_one():
    assert _k(4400) - _k(5500) == pytest.approx(1.0, abs=0.02)


def test_attenuation_falls_with_wavelength():
    # no step, not at 6300 AA where the publication has one of 0.6 % of A_V either
    curve = calzetti_curve(torch.linspace(1200, 22000, 40_000, dtype=torch.float64))
    assert bool((torch.diff(curve) < 0).all())
    for wave_aa in (6300.0, 7226.55):
        assert abs(_k(wave_aa - 0.01) - _k(wave_aa + 0.01)) < 2e-5


def test_below_the_range_the_curve_stays_finite():
    assert _k(900) == pytest.approx(_k(1200))


@pytest.mark.parametrize("delta", [-0.7, 0.0, 0.4])
def test_av_is_the_attenuation_at_5500(delta):
    law = CalzettiSlope(torch.tensor([5500.0]))
    av = torch.tensor([0.0, 0.3, 1.0, 4.0])
    depth = -2.5 * torch.log10(law.transmission(av, torch.full((4,), delta))[:, 0])
    torch.testing.assert_close(depth, av, rtol=0.01, atol=1e-6)


def test_slope_is_a_power_of_wavelength():
    wave = torch.tensor([2750.0, 5500.0, 11000.0])
    law, av = CalzettiSlope(wave), torch.ones(1)
    steep, plain = (torch.log(law.transmission(av, torch.tensor([d])))[0] for d in (-0.7, 0.0))
    torch.testing.assert_close(steep / plain, (wave / 5500) ** -0.7, rtol=1e-5, atol=0)


def test_moving_keeps_the_law():
    law = CalzettiSlope(torch.linspace(3000, 9000, 20))
    av, delta = torch.tensor([0.7]), torch.tensor([-0.2])
    assert torch.equal(law.to("cpu").transmission(av, delta), law.transmission(av, delta))
