"""The train command: a complete tiny training, and what it leaves."""

from __future__ import annotations

import json

import pytest
import torch

from amortized_sfh.cli import main
from amortized_sfh.model_files import load_model, load_point_model


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    words = ["train", "--library", "toy", "--n", "512", "--batch-size", "128", "--name", "tiny"]
    assert main([*words, "--out", str(folder)]) == 0
    return folder


def test_both_models_load(run):
    model = load_model(run / "tiny")
    load_point_model(run / "tiny-point")
    training = model.card.training
    assert training["n_spectra"] == 512
    assert training["command"].startswith("amortized-sfh train --library toy")
    assert {"seed", "machine", "schedule"} <= set(training)


def test_files_stay_small(run):
    for name in ("tiny", "tiny-point"):
        assert (run / name / "weights.safetensors").stat().st_size < 8e6
        assert json.loads((run / name / "model.json").read_text())["schema"] == 2


def test_loss_curve_is_left(run):
    assert (run / "loss.csv").read_text().startswith("step,n_spectra,density_nats")
    assert (run / "checkpoint.pt").exists()


def test_another_training_takes_the_encoder_over(run, tmp_path):
    words = ["train", "--library", "toy", "--n", "128", "--batch-size", "128", "--name", "next"]
    assert (
        main([*words, "--learning-rate", "1e-12", "--start-from", str(run), "--out", str(tmp_path)])
        == 0
    )
    first, second = (load_model(f).encoder.latent.weight for f in (run / "tiny", tmp_path / "next"))
    torch.testing.assert_close(first, second, atol=1e-3, rtol=1e-3)
