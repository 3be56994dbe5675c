"""A survey of one's own, from its file to training sets and models."""

from __future__ import annotations

import json
import tomllib

import h5py
import pytest

from amortized_sfh.cli.main import main
from amortized_sfh.model.model_files import load_model, load_point_model
from simulators.surveys.preset import preset_names, preset_text, read_preset

OWN = """
name = "mine"
bands = []
n_spectra = 384
[rest_frame]
start_aa = 4830.0
stop_aa = 5180.0
log_step = 1.2e-4
[observed_frame]
start_aa = 4700.0
log_step = 1e-4
medium = "vacuum"
range_aa = [4850.0, 5500.0]
[resolution]
wave_aa = [4800, 6000]
resolving_power = [1700, 2000]
[redshift]
min = 0.01
max = 0.05
"""
TRAIN = ["train", "--library", "toy", "--batch-size", "128"]


@pytest.fixture(scope="module")
def preset(tmp_path_factory):
    path = tmp_path_factory.mktemp("preset") / "mine.toml"
    path.write_text(OWN)
    return path


@pytest.fixture(scope="module")
def run(tmp_path_factory, preset):
    folder = tmp_path_factory.mktemp("run")
    assert main([*TRAIN, "--preset", str(preset), "--out", str(folder)]) == 0
    return folder


def test_list_and_text(capsys, preset, tmp_path):
    assert main(["presets"]) == 0
    listed = capsys.readouterr().out
    assert all(name in listed for name in preset_names())
    assert "3650-7348 Å in 3040 pixels; no bands; z = 0.01 to 0.15" in listed
    assert main(["presets", "manga"]) == 0
    text = capsys.readouterr().out
    assert text.rstrip() == preset_text("manga").rstrip()
    # what is shown is a preset again
    copy = tmp_path / "copy.toml"
    copy.write_text(text)
    assert read_preset(copy) == read_preset("manga")
    assert main(["presets", str(preset)]) == 0
    assert tomllib.loads(capsys.readouterr().out) == tomllib.loads(OWN)


def test_one_command_trains_models_of_the_survey(run, preset):
    model = load_model(run / "mine")
    load_point_model(run / "mine-point")
    assert model.instrument == read_preset(preset).instrument
    assert model.card.training["n_spectra"] == 384
    assert model.encoder.layout.n_band == 0
    card = json.loads((run / "mine" / "model.json").read_text())
    assert card["instrument"]["name"] == "mine"
    assert json.loads((run / "generative.json").read_text())["instrument"]["name"] == "mine"


def test_another_survey_does_not_go_on_with_the_training(run, capsys):
    assert main([*TRAIN, "--out", str(run)]) == 1
    assert "holds a training with another instrument, log_grid" in capsys.readouterr().err


def test_training_set_of_the_survey(preset, tmp_path, capsys):
    data = tmp_path / "set.h5"
    words = ["simulate", "--library", "toy", "--n", "300", "--out", str(data)]
    assert main([*words, "--preset", str(preset)]) == 0
    with h5py.File(data) as file:
        assert file["phot"].shape == (300, 0)
        assert 0.01 <= file["redshift"][:].min() < file["redshift"][:].max() <= 0.05
    words = [*TRAIN, "--n", "128", "--data", str(data)]
    assert main([*words, "--out", str(tmp_path / "a"), "--preset", str(preset)]) == 0
    capsys.readouterr()
    assert main([*words, "--out", str(tmp_path / "b")]) == 1
    assert "instrument 'mine', the training is for preset 'phangs" in capsys.readouterr().err
    assert not (tmp_path / "b").exists()


@pytest.mark.parametrize("command", ["train", "simulate"])
def test_bad_presets_are_one_sentence(command, tmp_path, capsys):
    bad = tmp_path / "bad.toml"
    bad.write_text(OWN.replace("log_step = 1.2e-4", "logstep = 1.2e-4"))
    for preset, expected in (("mangaa", "did you mean 'manga'"), (bad, "did you mean 'log_step'")):
        words = [command, "--library", "toy", "--preset", str(preset)]
        assert main([*words, "--out", str(tmp_path / "out")]) == 1
        error = capsys.readouterr().err
        assert expected in error
        assert error.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["bad.toml"]


def test_an_encoder_of_another_survey_is_refused(run, tmp_path, capsys):
    words = [*TRAIN, "--n", "128", "--start-from", str(run), "--out", str(tmp_path / "out")]
    assert main(words) == 1
    error = capsys.readouterr().err
    assert "the networks to start from do not fit" in error
    assert error.count("\n") == 1
