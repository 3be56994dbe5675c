"""Regions of mocks: what averaging posterior means gets wrong, and `aggregate` does not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

import amortized_sfh as asfh
from amortized_sfh.aggregation.aggregate import AggregateOptions, aggregate
from amortized_sfh.aggregation.prior_coordinates import PriorCoordinates
from amortized_sfh.inference.infer import infer
from amortized_sfh.quantities.derived import derive
from simulators.observations.conditions import ConditionsPrior

QUICK = AggregateOptions(n_draws=60, n_reference=2)
FAINT = ConditionsPrior(
    snr=(4.0, 8.0),
    faint_share=0.0,
    phot_snr=(5.0, 10.0),
    distant_share=0.0,
    full_photometry=1.0,
    no_photometry=0.0,
    trimmed_share=0.0,
    max_gaps=0,
)


@pytest.fixture(scope="module")
def samples(small_posterior, small_observation):
    return infer(small_posterior, small_observation, 120, distance_mpc=10.0)


@pytest.fixture(scope="module")
def region(small_posterior, small_observation, samples):
    return aggregate(
        samples,
        np.arange(12),
        small_posterior,
        small_observation,
        distance_mpc=10.0,
        options=QUICK,
    )


def test_what_comes_back(region):
    assert (region.n_draws, region.n_spectra) == (60, 12)
    summary = region.summary()
    assert summary["LOGAGE_MW"].shape == (5,)
    assert summary["SFR"].shape == (16, 5)
    assert all(np.isfinite(values).all() for values in summary.values())
    assert set(region.scatter) == set(region.mean)
    assert region.population.mean.shape == (60, region.axes.shape[1])
    assert region.shared_shifts.shape[0] == region.axes.shape[1]
    torch.testing.assert_close(region.per_bin()["MASSFRAC"].sum(1), torch.ones(60))
    densities = region.densities(2.0)
    torch.testing.assert_close(
        torch.log10(densities["SIGMA_STAR"] * 2.0),
        region.scalars()["LOGMASS"],
        rtol=1e-5,
        atol=1e-5,
    )


def test_repr_says_in_one_line_what_it_holds(region):
    n_axes = region.axes.shape[1]
    assert repr(region) == (
        f"RegionPosterior(12 spectra combined, 60 draws, 16 age bins, {n_axes} informed axes, "
        f"ESS {region.ess:.1f}, {len(region.notes)} notes)"
    )


def test_the_mass_is_that_of_the_spectra(region, samples):
    """Moved draws change the mass-to-light ratio, not the light."""
    formed = float(torch.log10((10.0 ** samples.log_mass[:12]).median(1).values.sum()))
    assert float(region.totals.log_mass.mean()) == pytest.approx(formed, abs=0.4)


def test_same_seed_same_region(small_posterior, small_observation, samples, region):
    again = aggregate(
        samples, np.arange(12), small_posterior, small_observation, distance_mpc=10.0, options=QUICK
    )
    torch.testing.assert_close(again.totals.log_mass, region.totals.log_mass)
    other = aggregate(
        samples,
        np.arange(12),
        small_posterior,
        small_observation,
        distance_mpc=10.0,
        options=replace(QUICK, seed=1),
    )
    assert not torch.equal(other.totals.log_mass, region.totals.log_mass)


def test_rows_without_data_are_left_out(small_posterior, small_observation):
    valid, phot_valid = small_observation.valid.clone(), small_observation.phot_valid.clone()
    valid[3], phot_valid[3] = False, False
    spoiled = replace(small_observation, valid=valid, phot_valid=phot_valid)
    samples = infer(small_posterior, spoiled, 120, distance_mpc=10.0)
    part = aggregate(samples, [2, 3, 4], small_posterior, spoiled, options=QUICK)
    assert part.n_spectra == 2
    assert any("1 of 3 rows have no data" in note for note in part.notes)
    with pytest.raises(ValueError, match="none of the 1 rows of the region has data"):
        aggregate(samples, [3], small_posterior, spoiled, options=QUICK)


def test_without_a_distance_there_are_ages_but_no_masses(small_posterior, small_observation):
    near = replace(small_observation[:6], redshift=torch.zeros(6))
    samples = infer(small_posterior, near, 120)
    part = aggregate(samples, np.arange(6), small_posterior, near, options=QUICK)
    assert bool(torch.isnan(part.scalars()["LOGMASS"]).all())
    assert bool(torch.isfinite(part.scalars()["LOGAGE_MW"]).all())


def test_data_of_other_rows(small_posterior, small_observation, samples):
    with pytest.raises(ValueError, match="samples of 40 rows and data of 39"):
        aggregate(samples, [0], small_posterior, small_observation[:39])
    with pytest.raises(ValueError, match="region is empty"):
        aggregate(samples, [], small_posterior, small_observation)
    with pytest.raises(ValueError, match="rows 0 to 40"):
        aggregate(samples, [0, 40], small_posterior, small_observation)


def test_too_few_draws(small_posterior, small_observation):
    samples = infer(small_posterior, small_observation[:3], 50)
    with pytest.raises(ValueError, match="infer at least 100"):
        aggregate(samples, [0, 1], small_posterior, small_observation[:3])


def test_densities_need_an_area(region):
    with pytest.raises(ValueError, match="expected one positive area"):
        region.densities(0.0)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"n_draws": 1}, "n_draws is 1"),
        ({"n_reference": 0}, "n_reference is 0"),
        ({"least_width": -0.1}, "least_width is -0.1"),
        ({"mean_prior_sigma": 0.0}, "mean_prior_sigma is 0.0"),
        ({"least_information": 1.0}, "least_information is 1.0"),
    ],
)
def test_options_that_make_no_sense(options, named):
    with pytest.raises(ValueError, match=named):
        AggregateOptions(**options)


def test_coordinates_whiten_the_prior(small_posterior):
    coordinates = PriorCoordinates.of(small_posterior)
    theta = small_posterior.generative.prior.sample((4000,), torch.Generator().manual_seed(5))
    z = coordinates.from_theta(theta)
    assert float(z.mean(0).abs().max()) < 0.1
    assert float((torch.cov(z.T) - torch.eye(z.shape[-1])).abs().max()) < 0.2
    back = coordinates.to_theta(z)
    torch.testing.assert_close(back, theta, rtol=2e-3, atol=2e-3)


def test_lazily_exported():
    assert asfh.aggregate is aggregate
    assert asfh.coadd.__name__ == "coadd"


@pytest.mark.slow
def test_averaged_means_are_biased_and_the_region_is_not():
    """Forty spectra at S/N 4 to 8, all of one metallicity 1.5 prior sigma above the mean."""
    model = asfh.load_model("phangs-bc03")
    generative = model.generative
    generator = torch.Generator().manual_seed(1)
    prior = derive(generative.simulator, generative.prior.sample((4000,), generator))
    sigma = float(prior.mh_lw.std())
    metallicity = float(prior.mh_lw.mean()) + 1.5 * sigma
    theta = generative.prior.sample((40,), generator)
    theta[:, generative.space.mh] = metallicity
    drawn = FAINT.sample(40, generative.instrument, generator)
    light = generative.simulator(theta, drawn.redshift)
    observation = generative.noise.observe(light, drawn, generator)
    samples = infer(model, observation, 300)
    averaged = samples.derived.mh_lw.mean(0)
    naive = float(averaged.mean()) - metallicity
    assert naive < -0.2 * sigma
    assert naive < -3.0 * float(averaged.std())
    options = AggregateOptions(n_draws=200)
    draws = aggregate(samples, np.arange(40), model, observation, options=options).mean["MH_LW"]
    error, width = float(draws.mean()) - metallicity, float(draws.std())
    assert abs(error) < 0.6 * abs(naive)
    assert abs(error) < 2.5 * width
    assert width > 1.5 * float(averaged.std())
