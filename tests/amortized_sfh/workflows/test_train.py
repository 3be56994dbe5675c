"""The train command: a complete tiny training, and what it leaves."""

from __future__ import annotations

import json

import pytest
import torch

from amortized_sfh.cli.main import main
from amortized_sfh.model.model_files import load_model, load_point_model


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
        assert json.loads((run / name / "model.json").read_text())["schema"] == 3


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


def test_networks_of_a_model_are_taken_over(run, tmp_path):
    words = [*TOY, "--learning-rate", "1e-12", "--name", "next", "--out", str(tmp_path)]
    assert main([*words, "--start-from", str(run / "tiny")]) == 0
    for load, suffix in ((load_model, ""), (load_point_model, "-point")):
        before, after = (load(f"{path}{suffix}") for path in (run / "tiny", tmp_path / "next"))
        for name, value in before.networks.state_dict().items():
            torch.testing.assert_close(
                after.networks.state_dict()[name], value, atol=2e-3, rtol=2e-3
            )
    assert after.card.training["n_spectra_before"] == 512


TOY = ("train", "--library", "toy", "--n", "128", "--batch-size", "128")


def test_a_frozen_encoder_stays_while_the_flow_learns(run, tmp_path):
    words = [*TOY, "--learning-rate", "1e-2", "--name", "next", "--freeze-encoder", "--passes", "3"]
    assert main([*words, "--start-from", str(run), "--out", str(tmp_path)]) == 0
    training = load_model(tmp_path / "next").card.training
    assert (training["n_spectra"], training["passes"]) == (384, 3)
    before = torch.load(run / "checkpoint.pt", weights_only=True)["average"]
    after = torch.load(tmp_path / "checkpoint.pt", weights_only=True)["networks"]
    changed = {n for n, value in after.items() if not torch.equal(value, before[f"module.{n}"])}
    assert {name.split(".")[0] for name in changed} == {"flow", "heads"}


def test_a_model_tells_what_to_train_on_and_its_name(run, tmp_path):
    words = ["train", "--like", str(run / "tiny"), "--n", "128", "--batch-size", "128"]
    assert main([*words, "--out", str(tmp_path)]) == 0
    assert load_model(tmp_path / "tiny").generative.simulator.basis.library == "toy"


def test_another_generative_model_does_not_go_on_with_the_training(run, capsys):
    assert main([*TOY, "--mismatch", "bc03-emiles", "--name", "tiny", "--out", str(run)]) == 1
    assert "holds a training with another noise" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--n", "0"], "n_spectra is 0"),
        (["--batch-size", "0"], "batch_size is 0"),
        (["--batch-size", "100"], "does not divide the chunk"),
        (["--freeze-encoder"], "add --start-from"),
        (["--freeze-encoder", "--start-from", ".", "--prefetch"], "leave out --data and --pre"),
        (["--passes", "2"], "add --freeze-encoder"),
        (["--start-from", "nowhere"], "nowhere"),
        (["--like", "phangs-bc03"], "--like phangs-bc03 settles --library: leave one out"),
        (["--device", "gpu"], "--device gpu cannot be used here"),
    ],
)
def test_bad_options_leave_nothing_behind(words, expected, tmp_path, capsys):
    out = tmp_path / "run"
    assert main([*TOY, *words, "--out", str(out)]) == 1
    error = capsys.readouterr().err
    assert expected in error
    assert error.count("\n") == 1
    assert not out.exists()
