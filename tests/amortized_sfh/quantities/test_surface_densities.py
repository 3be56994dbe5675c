"""Surface densities and specific rates of draws."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from amortized_sfh.inference.infer import infer
from amortized_sfh.quantities.surface_densities import surface_densities


@pytest.fixture(scope="module")
def samples(small_posterior, small_observation):
    return infer(small_posterior, small_observation[:6], 100, distance_mpc=10.0)


def test_densities_are_rates_and_masses_over_areas(samples):
    area = np.array([0.01, 0.02, 0.03, 0.04, 0.05, 0.06])
    densities = surface_densities(samples.derived, samples.log_mass, area)
    sfr = samples.per_bin()["SFR"]
    # the youngest bin is the last 10 Myr; four make up the last 100
    by_hand = sfr[..., 0] / torch.from_numpy(area)[:, None]
    torch.testing.assert_close(densities["SIGMA_SFR10"], by_hand.float(), rtol=1e-4, atol=1e-10)
    width = samples.bins.widths_yr[:4].float()
    recent = (sfr[..., :4] * width).sum(-1) / 1e8 / torch.from_numpy(area)[:, None]
    torch.testing.assert_close(densities["SIGMA_SFR100"], recent.float(), rtol=1e-4, atol=1e-10)
    mass = 10.0 ** samples.scalars()["LOGMASS"] / torch.from_numpy(area)[:, None]
    torch.testing.assert_close(densities["SIGMA_STAR"], mass.float(), rtol=1e-4, atol=0.0)


def test_specific_rates_are_per_living_mass(samples):
    scalars = samples.scalars()
    sfr = torch.log10(samples.per_bin()["SFR"][..., 0])
    expected = sfr - scalars["LOGMASS"]
    # draws without any recent star formation stand at a floor
    some = expected > -25.0
    assert bool(some.float().mean() > 0.8)
    torch.testing.assert_close(scalars["LOG_SSFR10"][some], expected[some], rtol=0.0, atol=2e-3)
    assert bool((scalars["LOGMASS_FORMED"] > scalars["LOGMASS"]).all())


def test_they_are_summarised_with_the_other_products(samples):
    extra = surface_densities(samples.derived, samples.log_mass, np.ones(6))
    summary = samples.summary(np.ones(6))
    assert summary["SIGMA_STAR"].shape == (6, 5)
    np.testing.assert_allclose(
        summary["SIGMA_STAR"][:, 0], extra["SIGMA_STAR"].mean(1).numpy(), rtol=1e-5
    )


def test_without_a_distance_they_are_nan(small_posterior, small_observation):
    from dataclasses import replace

    near = replace(small_observation[:2], redshift=torch.zeros(2))
    samples = infer(small_posterior, near, 10)
    densities = surface_densities(samples.derived, samples.log_mass, np.ones(2))
    assert bool(torch.isnan(densities["SIGMA_STAR"]).all())


@pytest.mark.parametrize("area", [np.ones(5), np.zeros(6), np.full(6, np.nan)])
def test_areas_that_do_not_fit(samples, area):
    with pytest.raises(ValueError, match="one positive area for each of 6"):
        surface_densities(samples.derived, samples.log_mass, area)
