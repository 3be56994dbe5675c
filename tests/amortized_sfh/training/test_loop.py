"""The loop: the loss falls, an interrupted training ends where an uninterrupted one does."""

from __future__ import annotations

import csv
import math
from dataclasses import replace
from itertools import pairwise, repeat

import pytest
import torch

from amortized_sfh.training.loop import running_mean, train
from amortized_sfh.training.schedule import TrainingConfig, learning_rate
from amortized_sfh.training.stream import Stream

CONFIG = TrainingConfig(
    n_spectra=60 * 32, batch_size=32, learning_rate=5e-3, warmup_steps=5, log_every=5,
    checkpoint_every=6, average_decay=0.9,
)  # fmt: skip


@pytest.fixture(scope="module")
def batches(small_model):
    """Batches of the first 60 steps, simulated once."""
    stream = Stream(small_model, seed=3, chunk_size=640)
    source = stream.batches(CONFIG.batch_size)
    made = [next(source) for _ in range(60)]
    return lambda step: iter(made[step:])


def _short(n_steps: int) -> TrainingConfig:
    return replace(CONFIG, n_spectra=n_steps * CONFIG.batch_size)


def _curve(folder) -> list[dict[str, float]]:
    with (folder / "loss.csv").open(newline="") as file:
        return [{k: float(v) for k, v in row.items()} for row in csv.DictReader(file)]


def _same_weights(a, b) -> bool:
    first, second = a.state_dict(), b.state_dict()
    return all(torch.equal(first[name], second[name]) for name in first)


def test_loss_falls(new_networks, batches, tmp_path):
    losses = []
    average = train(new_networks(), batches, CONFIG, tmp_path, lambda _, loss: losses.append(loss))
    assert len(losses) == 60
    curve = _curve(tmp_path)
    assert [row["step"] for row in curve] == list(range(5, 61, 5))
    assert curve[-1]["n_spectra"] == 60 * 32
    assert curve[-1]["density_nats"] < curve[0]["density_nats"] - 1.0
    assert curve[-1]["point_mse"] < 0.95 * curve[0]["point_mse"]
    # the running mean of the weights is usable and better than the start
    first = next(batches(0))
    with torch.no_grad():
        assert float(average.losses(first)[0]) < float(new_networks().losses(first)[0]) - 1.0
    assert bool(torch.isfinite(torch.tensor(losses)).all())


def test_resumed_training_equals_an_uninterrupted_one(new_networks, batches, tmp_path):
    config = _short(14)
    whole = train(new_networks(), batches, config, tmp_path / "whole")

    def stop(step: int, _: float) -> None:
        if step == 9:  # between two checkpoints: steps 7 to 9 are lost
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(new_networks(), batches, config, tmp_path / "cut", stop)
    seen = []
    # other initial weights: everything comes from the checkpoint
    resumed = new_networks(seed=8)
    average = train(resumed, batches, config, tmp_path / "cut", lambda step, _: seen.append(step))
    assert seen == list(range(7, 15))
    assert _same_weights(average, whole)
    losses = [[row["density_nats"] for row in _curve(tmp_path / name)] for name in ("whole", "cut")]
    # the first line after the cut is the mean over fewer steps, the curve has no line twice
    assert len(losses[0]) == len(losses[1]) == 3
    assert not list((tmp_path / "cut").glob(".*"))


def test_finished_training_is_not_repeated(new_networks, batches, tmp_path):
    first = train(new_networks(), batches, _short(6), tmp_path)
    steps = []
    again = train(new_networks(1), batches, _short(6), tmp_path, lambda s, _: steps.append(s))
    assert steps == []
    assert _same_weights(first, again)


def test_seeds(new_networks, batches, tmp_path):
    runs = [
        train(new_networks(seed), batches, _short(4), tmp_path / str(i))
        for i, seed in enumerate((0, 0, 1))
    ]
    assert _same_weights(runs[0], runs[1])
    assert not _same_weights(runs[0], runs[2])


def test_checkpoint_is_no_pickle_of_code(new_networks, batches, tmp_path):
    train(new_networks(), batches, _short(6), tmp_path)
    content = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    assert content["step"] == 6
    assert {"networks", "average", "optimiser"} < set(content)


def test_one_bad_batch_is_skipped_and_ten_stop_the_run(new_networks, batches, tmp_path):
    good = [batch for batch, _ in zip(batches(0), range(4), strict=False)]
    bad = replace(good[0], u=torch.full_like(good[0].u, torch.nan))
    mixed = [good[0], bad, *good[1:]]
    average = train(new_networks(), lambda step: iter(mixed[step:]), _short(5), tmp_path / "one")
    assert all(bool(torch.isfinite(p).all()) for p in average.parameters())
    with pytest.raises(FloatingPointError, match="gradient not finite for 10 steps at step 9"):
        train(new_networks(), lambda _: repeat(bad), _short(20), tmp_path / "ten")


@pytest.mark.parametrize("n_steps", [1, 50, 1000])
def test_the_running_mean_forgets_the_first_weights(n_steps):
    """Weights that move from 0 to 1 in a short training end near 1 in the mean, too."""
    update, mean = running_mean(0.999), [torch.zeros(1)]
    for step in range(n_steps):
        update(mean, [torch.ones(1)], torch.tensor(step + 1))
    assert float(mean[0]) > (0.8 if n_steps == 1 else 0.9999)


def test_the_running_mean_is_long_in_a_long_training():
    mean = [torch.zeros(1)]
    running_mean(0.999)(mean, [torch.ones(1)], 100_000)
    assert float(mean[0]) == pytest.approx(0.001)


def test_learning_rate_warms_up_and_falls():
    config = TrainingConfig(n_spectra=1000 * 10, batch_size=10, warmup_steps=100)
    rates = [learning_rate(step, config) for step in range(config.n_steps + 1)]
    assert rates[0] == pytest.approx(1e-5)
    assert rates[100] == pytest.approx(config.learning_rate) == max(rates)
    assert all(b > a for a, b in pairwise(rates[:100]))
    assert all(b < a for a, b in pairwise(rates[100:]))
    assert rates[-1] == pytest.approx(0.01 * config.learning_rate)
    assert TrainingConfig(n_spectra=1001, batch_size=10).n_steps == math.ceil(1001 / 10)
