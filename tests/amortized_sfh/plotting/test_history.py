"""Histories over lookback time."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from amortized_sfh.plotting import History, plot_history
from amortized_sfh.plotting.lookback_curves import assembly_curves, step_curves
from priors.ages import AgeBins, mass_fractions
from priors.defaults import default_prior

EDGES = (0.0, 0.1, 1.0, 10.0)


@pytest.fixture
def draws():
    rng = np.random.default_rng(2)
    return History(rng.lognormal(size=(50, 3)), rng.normal(size=(50, 3)))


def test_panels_and_their_axes(draws, tmp_path):
    path = tmp_path / "history.png"
    truth = History(np.ones(3), np.zeros(3))
    figure = plot_history(draws, EDGES, truth=truth, prior=draws, path=path, title="spaxel")
    assert path.stat().st_size > 5000
    sfr, assembly, mh = figure.axes
    assert sfr.get_yscale() == "log"
    assert mh.get_xscale() == "log"
    assert "SFR" in sfr.get_ylabel()
    assert mh.get_ylabel() == "[M/H] (dex)"
    assert mh.get_xlabel() == "lookback time"
    assert assembly.get_ylim()[0] == 0.0
    labels = {text.get_text() for text in figure.legends[0].get_texts()}
    assert figure.legends[0].get_title().get_text() == "spaxel"
    assert {"truth", "prior, 68 %", "posterior, 95 %", "posterior, median"} <= labels


def test_a_constant_rate_is_one_and_forms_mass_linearly(draws):
    constant = History(np.full((2, 3), 7.0), np.zeros((2, 3)))
    figure = plot_history(constant, EDGES)
    sfr, assembly, _ = figure.axes
    assert np.allclose(sfr.lines[0].get_ydata(), 1.0)
    time, share = assembly.lines[0].get_data()
    assert np.allclose(share, 1.0 - time / 10.0)


def test_a_unit_keeps_the_numbers():
    figure = plot_history(History(np.full((2, 3), 7.0), np.zeros((2, 3))), EDGES, sfr_unit="x")
    assert np.allclose(figure.axes[0].lines[0].get_ydata(), 7.0)
    assert figure.axes[0].get_ylabel() == "SFR (x)"


def test_quenched_bins_do_not_break_the_log_axis():
    sfr = np.tile([0.0, 1e-30, 1.0], (4, 1))
    low, high = plot_history(History(sfr, np.zeros((4, 3))), EDGES).axes[0].get_ylim()
    assert 0.0 < low < high
    assert high / low <= 1.01e5


def test_nan_draws_are_ignored(draws):
    draws.sfr[0] = np.nan
    draws.mh[0] = np.nan
    figure = plot_history(draws, EDGES)
    assert np.isfinite(figure.axes[2].lines[0].get_ydata()).all()


def test_history_from_theta_forms_the_given_mass():
    prior, bins = default_prior(), AgeBins()
    theta = prior.sample((4,), torch.Generator().manual_seed(0))
    history = History.from_theta(theta, prior.space, bins, log_mass=torch.full((4,), 8.0))
    mass = history.sfr * bins.widths_yr.numpy()
    assert np.allclose(mass.sum(1), 1e8, rtol=1e-5)
    fraction = mass_fractions(theta[:, prior.space.sfh], bins).numpy()
    assert np.allclose(mass / 1e8, fraction, rtol=1e-3, atol=1e-7)
    assert np.allclose(history.mh, theta[:, prior.space.mh])
    assert History.from_theta(theta[0], prior.space, bins).sfr.shape == (16,)


def test_wrong_shapes_are_refused(draws):
    with pytest.raises(ValueError, match=r"sfr of draws has shape \(50, 3\); expected \(any, 2\)"):
        plot_history(draws, EDGES[:3])
    with pytest.raises(ValueError, match="mh of draws"):
        plot_history(History(draws.sfr, draws.mh[:2]), EDGES)
    with pytest.raises(ValueError, match="truth has shape"):
        plot_history(draws, EDGES, truth=draws)
    with pytest.raises(ValueError, match="increasing lookback times"):
        plot_history(draws, EDGES[::-1])


def test_curves_start_above_zero_and_keep_values():
    time, curves = step_curves(np.array([[1.0, 2.0, 3.0]]), np.array(EDGES))
    assert time[0] > 0
    assert np.allclose(curves, [[1, 1, 2, 2, 3, 3]])
    _, shares = assembly_curves(np.array([[0.0, 0.0, 5.0]]), np.array(EDGES))
    assert shares[0, 0] == 1.0
    assert shares[0, -1] == 0.0
