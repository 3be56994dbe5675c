"""The figure of what the prior assumes."""

from __future__ import annotations

import numpy as np
import pytest

from amortized_sfh.plotting import plot_prior
from amortized_sfh.plotting.prior import family_name
from priors.ages import AgeBins
from priors.defaults import default_prior
from priors.families.enrichment import RandomWalkEnrichment
from priors.families.nuisance import default_nuisances
from priors.families.sfh import Continuity
from priors.joint import JointPrior


@pytest.fixture(scope="module")
def prior():
    return default_prior()


def test_families_and_mixture(prior, tmp_path):
    path = tmp_path / "prior.png"
    figure = plot_prior(prior, path, n=300, seed=1)
    assert path.stat().st_size > 10_000
    age, t50, ssfr, mh, history, enrichment = figure.axes
    labels = [text.get_text() for text in age.get_legend().get_texts()]
    assert labels == [
        "mixture",
        "continuity 0.3 dex (0.35)",
        "continuity 0.6 dex (0.25)",
        "Dirichlet (0.10)",
        "catalogue (0.30)",
    ]
    assert len(mh.get_legend().get_texts()) == 3
    assert "t_{50}" in t50.get_xlabel()
    assert "sSFR" in ssfr.get_xlabel()
    assert history.get_xlabel() == enrichment.get_xlabel() == "lookback time"


def test_densities_integrate_to_one(prior):
    figure = plot_prior(prior, n=300)
    for ax in figure.axes[:4]:
        for patch in ax.patches:
            values, edges, _ = patch.get_data()
            assert np.sum(values * np.diff(edges)) == pytest.approx(1.0)


def test_a_prior_of_single_families():
    bins = AgeBins((0.0, 0.1, 1.0, 10.0))
    plain = JointPrior(bins, Continuity(bins), RandomWalkEnrichment(bins), default_nuisances())
    figure = plot_prior(plain, n=200)
    assert len(figure.axes[0].get_legend().get_texts()) == 1
    assert family_name(plain.sfh, plain) == "continuity 0.3 dex"


def test_too_few_draws_are_refused(prior):
    with pytest.raises(ValueError, match="at least 100"):
        plot_prior(prior, n=10)
