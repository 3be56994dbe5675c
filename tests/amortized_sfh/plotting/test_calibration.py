"""Coverage, ranks and recovery."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from amortized_sfh.plotting import plot_coverage, plot_ranks, plot_recovery

LEVELS = np.linspace(0.05, 0.95, 10)


@pytest.fixture
def rng():
    return np.random.default_rng(5)


def test_coverage_with_names_and_a_binomial_band(tmp_path):
    measured = {"LOGAGE_MW": LEVELS, "MH_MW": LEVELS - 0.04}
    figure = plot_coverage(LEVELS, measured, 400, tmp_path / "coverage.png", title="mocks")
    assert (tmp_path / "coverage.png").stat().st_size > 5000
    upper, lower = figure.axes
    assert lower.get_xlabel() == "nominal probability"
    assert np.allclose(lower.lines[-1].get_ydata(), -0.04)
    band = upper.collections[0].get_paths()[0].vertices
    half = band[np.isclose(band[:, 0], 0.5)]
    assert half[:, 1].max() == pytest.approx(binom.ppf(0.975, 400, 0.5) / 400)
    labels = [t.get_text() for t in upper.get_legend().get_texts()]
    assert labels[0] == "95 % of 400 exact posteriors"
    assert len(labels) == 3


def test_many_quantities_are_drawn_without_names():
    figure = plot_coverage(LEVELS, {str(i): LEVELS for i in range(31)}, 100)
    assert len(figure.axes[0].get_legend().get_texts()) == 1
    assert figure.axes[0].texts[0].get_text() == "31 quantities"


def test_wrong_coverage_is_refused():
    with pytest.raises(ValueError, match="probabilities between 0 and 1"):
        plot_coverage([5.0, 68.0], {"a": [0.05, 0.68]}, 10)
    with pytest.raises(ValueError, match="coverage of a has shape"):
        plot_coverage(LEVELS, {"a": [0.5]}, 10)
    with pytest.raises(ValueError, match="at least one each"):
        plot_coverage(LEVELS, {}, 10)


def test_rank_histograms(rng, tmp_path):
    n_draws, names = 99, ("a", "b", "c", "d", "e")
    ranks = rng.integers(0, n_draws + 1, (500, 5))
    ranks[:, 1] = n_draws
    figure = plot_ranks(ranks, n_draws, names, tmp_path / "ranks.png", n_bins=10)
    assert (tmp_path / "ranks.png").stat().st_size > 5000
    assert [ax.get_title() for ax in figure.axes] == list(names)
    flat, biased = (ax.patches[0].get_data().values for ax in figure.axes[:2])
    assert flat.mean() == pytest.approx(1.0)
    assert np.allclose(biased, [0.0] * 9 + [10.0])


def test_bars_that_hold_unequal_numbers_of_ranks_are_still_flat():
    # 101 ranks in 20 bars, each rank once
    figure = plot_ranks(np.arange(101)[:, None], 100, ("a",), n_bins=20)
    assert np.allclose(figure.axes[0].patches[0].get_data().values, 1.0)


def test_wrong_ranks_are_refused(rng):
    with pytest.raises(ValueError, match="expected 0 to 50"):
        plot_ranks(np.full((10, 1), 51), 50, ("a",))
    with pytest.raises(ValueError, match="ranks has shape"):
        plot_ranks(np.zeros((10, 2)), 50, ("a",))
    with pytest.raises(ValueError, match="n_bins = 20; expected 2 to 11"):
        plot_ranks(np.zeros((10, 1)), 10, ("a",))


@pytest.mark.parametrize("n", [40, 2000])
def test_recovery_numbers(rng, n):
    true = rng.normal(size=n)
    figure = plot_recovery({"AV": true}, {"AV": true + 0.1}, {"AV": np.full(n, 0.2)})
    text = figure.axes[0].texts[0].get_text()
    assert text == "bias +0.100\nrms 0.100\nwithin 1σ 100 %"
    assert figure.axes[0].get_xlabel() == "true $A_V$ (mag)"


def test_recovery_leaves_nan_out_and_refuses_shapes():
    nan = np.full(5, np.nan)
    figure = plot_recovery({"AV": nan}, {"AV": nan}, {"AV": nan})
    assert figure.axes[0].texts[0].get_text() == "no values"
    with pytest.raises(ValueError, match="mean of AV has shape"):
        plot_recovery({"AV": nan}, {}, {"AV": nan})
    with pytest.raises(ValueError, match="truth is empty"):
        plot_recovery({}, {}, {})
