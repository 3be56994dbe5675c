"""Coverage and ranks of posteriors that are known to be exact or wrong."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.stats import kstest, norm

from amortized_sfh.diagnostics.coverage import interval_coverage, rank_coverage, sbc_ranks

N_OBS, N_DRAW = 4000, 199
LEVELS = np.array([0.3, 0.68, 0.95])
# three standard deviations of the binomial distribution and the granularity of the ranks
TOLERANCE = 3.0 * np.sqrt(LEVELS * (1 - LEVELS) / N_OBS) + 1.0 / (N_DRAW + 1)


def posterior(width: float = 1.0, shift: float = 0.0):
    """Conjugate Gaussian: theta ~ N(0, 1), x ~ N(theta, 1), so theta | x ~ N(x / 2, 1 / 2).

    The second column is a monotone function of an independent copy, with the same ranks.
    """
    rng = np.random.default_rng(7)
    truth = rng.normal(size=(N_OBS, 2))
    data = truth + rng.normal(size=(N_OBS, 2))
    spread = np.sqrt(0.5)
    noise = rng.normal(size=(N_OBS, N_DRAW, 2))
    draws = data[:, None] / 2 + spread * (width * noise + shift)
    return np.stack([draws[..., 0], np.exp(draws[..., 1])], -1), np.stack(
        [truth[:, 0], np.exp(truth[:, 1])], -1
    )


def test_exact_posterior_covers_and_has_uniform_ranks():
    draws, truth = posterior()
    measured = interval_coverage(draws, truth, LEVELS)
    assert measured.shape == (3, 2)
    assert (np.abs(measured - LEVELS[:, None]) < TOLERANCE[:, None]).all()
    ranks = sbc_ranks(draws, truth)
    assert ranks.min() >= 0
    assert ranks.max() <= N_DRAW
    for k in range(2):
        assert kstest((ranks[:, k] + 0.5) / (N_DRAW + 1), "uniform").pvalue > 0.01


@pytest.mark.parametrize("width", [0.5, 0.8, 1.3, 2.0])
def test_wrong_width_covers_what_theory_says(width):
    draws, truth = posterior(width=width)
    expected = 2 * norm.cdf(width * norm.ppf(0.5 + LEVELS / 2)) - 1
    measured = interval_coverage(draws, truth, LEVELS)
    assert (np.abs(measured - expected[:, None]) < TOLERANCE[:, None] + 0.005).all()
    assert (np.sign(measured - LEVELS[:, None]) == np.sign(width - 1)).all()


@pytest.mark.parametrize("shift", [-1.0, 1.0])
def test_bias_lowers_coverage_and_tilts_ranks(shift):
    draws, truth = posterior(shift=shift)
    z = norm.ppf(0.5 + LEVELS / 2)
    expected = norm.cdf(z - shift) - norm.cdf(-z - shift)
    measured = interval_coverage(draws, truth, LEVELS)
    assert (np.abs(measured - expected[:, None]) < TOLERANCE[:, None] + 0.005).all()
    mean = sbc_ranks(draws, truth).mean(0) / N_DRAW
    assert (np.sign(0.5 - mean) == np.sign(shift)).all()
    assert (np.abs(mean - 0.5) > 0.2).all()


def test_draws_of_another_observation_fail():
    draws, truth = posterior()
    assert (interval_coverage(draws[::-1], truth, [0.68]) < 0.6).all()


def test_coverage_of_all_ranks_is_exact():
    ranks = np.arange(1000)[:, None]
    assert rank_coverage(ranks, 999, [0.0, 0.1, 0.68, 1.0])[:, 0].tolist() == [0, 0.1, 0.68, 1]


def test_ties_count_half_and_tensors_work():
    draws = torch.tensor([[[0.0], [1.0], [1.0], [2.0]]])
    assert sbc_ranks(draws, torch.tensor([[1.0]])).tolist() == [[2]]
    assert sbc_ranks(draws, torch.tensor([[-1.0]])).tolist() == [[0]]
    assert sbc_ranks(draws, torch.tensor([[3.0]])).tolist() == [[4]]


@pytest.mark.parametrize(
    ("draws", "truth", "message"),
    [
        (np.zeros((3, 4)), np.zeros((3, 4)), "expected"),
        (np.zeros((3, 4, 2)), np.zeros((3, 1)), "expected"),
        (np.zeros((0, 4, 2)), np.zeros((0, 2)), "none of them 0"),
        (np.full((1, 2, 1), np.nan), np.zeros((1, 1)), "2 values of draws"),
        (np.zeros((1, 2, 1)), np.full((1, 1), np.inf), "1 values of truth"),
    ],
)
def test_bad_input_is_refused(draws, truth, message):
    with pytest.raises(ValueError, match=message):
        sbc_ranks(draws, truth)


def test_bad_ranks_and_levels_are_refused():
    with pytest.raises(ValueError, match="0 to 9"):
        rank_coverage([[10]], 9, [0.5])
    with pytest.raises(ValueError, match="68"):
        rank_coverage([[3]], 9, [68])
