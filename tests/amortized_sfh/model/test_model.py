"""Models say in one line what they are for, and where they compute."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest

from amortized_sfh.model.model import ModelCard


def test_one_line_says_what_a_model_is_for(small_posterior, small_point):
    assert repr(small_posterior) == (
        "PosteriorModel 'small': toy, phangs-muse-hst (4830-5179 Å; F275W F336W F438W F555W "
        "F814W), 37 parameters, untrained, on cpu"
    )
    assert repr(small_point).startswith("PointModel 'small-point': toy, phangs-muse-hst (")
    trained = copy.copy(small_posterior)
    trained.card = replace(trained.card, training={"n_spectra": 2560, "n_spectra_before": 1000})
    assert "37 parameters, trained on 3,560 spectra, on cpu" in repr(trained)


@pytest.mark.parametrize(
    ("training", "n"),
    [({}, 0), ({"n_spectra": 7}, 7), ({"n_spectra": 7, "n_spectra_before": 2}, 9)],
)
def test_spectra_of_all_trainings_count(training, n):
    assert ModelCard(name="any", training=training).n_spectra == n


def test_short_ways_to_what_an_observation_must_fit(small_posterior, small_model):
    assert small_posterior.instrument is small_model.simulator.instrument
    assert small_posterior.space is small_model.prior.space
    assert small_posterior.bins is small_model.prior.bins


def test_moved_model_shares_its_networks(small_posterior, small_point):
    for model in (small_posterior, small_point):
        moved = model.to("cpu")
        assert moved.encoder is model.encoder
        assert set(moved.networks) == set(model.networks)
        assert str(moved.device) == "cpu"
