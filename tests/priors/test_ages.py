from __future__ import annotations

import math

import pytest
import torch

from priors.ages import (
    DEFAULT_EDGES_GYR,
    AgeBins,
    log_sfr_to_steps,
    mass_fractions,
    steps_to_log_sfr,
)


def test_default_bins():
    bins = AgeBins()
    assert bins.n_bins == 16
    assert bins.n_steps == 15
    assert bins.edges_gyr == DEFAULT_EDGES_GYR
    assert bins.widths_yr.sum().item() == pytest.approx(13.5e9)
    assert (bins.spacing_dex > 0).all()


@pytest.mark.parametrize(("low", "high"), [(0.0, 0.01), (0.03, 0.063), (10.5, 13.5)])
def test_mean_log_age_is_the_integral(low, high):
    middle = (torch.arange(200_000, dtype=torch.float64) + 0.5) / 200_000
    expected = (low + (high - low) * middle).log10().mean().item() + 9.0
    edges = (low, high) if low == 0 else (0.0, low, high)
    assert AgeBins(edges).log_age_yr[-1].item() == pytest.approx(expected, abs=2e-5)


@pytest.mark.parametrize(
    ("edges", "message"),
    [
        ((1.0,), "at least 2"),
        ((0.0, 1.0, 1.0), "strictly increasing"),
        ((-0.1, 1.0), ">= 0"),
        ((0.0, math.nan), "finite"),
        ((0.0, math.inf), "finite"),
    ],
)
def test_bad_edges_are_refused(edges, message):
    with pytest.raises(ValueError, match=message):
        AgeBins(edges)


def test_normalised_to_one_solar_mass():
    bins = AgeBins()
    steps = torch.randn(50, 15, generator=torch.Generator().manual_seed(0))
    log_sfr = steps_to_log_sfr(steps, bins)
    mass = 10.0**log_sfr * bins.widths_yr
    torch.testing.assert_close(mass.sum(-1), torch.ones(50), rtol=1e-5, atol=0)
    torch.testing.assert_close(mass_fractions(steps, bins), mass, rtol=1e-4, atol=1e-7)


def test_steps_are_younger_minus_older():
    bins = AgeBins((0.0, 1.0, 2.0, 3.0))
    log_sfr = torch.tensor([[2.0, 1.0, 0.5]])
    torch.testing.assert_close(log_sfr_to_steps(log_sfr), torch.tensor([[1.0, 0.5]]))
    back = steps_to_log_sfr(log_sfr_to_steps(log_sfr), bins)
    torch.testing.assert_close(back - back[:, -1:], log_sfr - log_sfr[:, -1:])


def test_constant_rate_forms_mass_by_width():
    bins = AgeBins()
    fractions = mass_fractions(torch.zeros(1, 15), bins)
    torch.testing.assert_close(fractions[0], bins.widths_yr / bins.widths_yr.sum())


def test_huge_steps_stay_finite():
    bins = AgeBins()
    for value in (1e3, 1e6, -1e6):
        steps = torch.full((1, 15), value)
        assert torch.isfinite(steps_to_log_sfr(steps, bins)).all()
        fractions = mass_fractions(steps, bins)
        assert torch.isfinite(fractions).all()
        assert fractions.sum().item() == pytest.approx(1.0)


def test_one_bin_has_no_steps():
    assert mass_fractions(torch.zeros(3, 0), AgeBins((0.0, 1.0))).tolist() == [[1.0]] * 3


def test_wrong_number_of_steps_is_refused():
    with pytest.raises(ValueError, match="expected 15"):
        steps_to_log_sfr(torch.zeros(2, 16), AgeBins())
    with pytest.raises(ValueError, match="expected 15"):
        mass_fractions(torch.zeros(2, 14), AgeBins())


def test_repr_is_short():
    assert repr(AgeBins()) == "AgeBins(16 bins, 0-13.5 Gyr)"


def test_times_sample_every_bin_evenly():
    times = AgeBins((0.0, 1.0, 3.0)).sample_times_gyr(2)
    expected = torch.tensor([[0.25, 0.75], [1.5, 2.5]], dtype=torch.float64)
    torch.testing.assert_close(times, expected, rtol=0, atol=0)
