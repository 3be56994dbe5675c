"""The command that compares two libraries, and a training that uses what it measured."""

from __future__ import annotations

from dataclasses import replace

import pytest

from amortized_sfh.cli.main import main
from amortized_sfh.model.model_files import load_model
from simulators.instruments.instrument import Instrument
from simulators.libraries import write_hdf5_library
from simulators.noise.template_mismatch import read_mismatch
from simulators.surveys.preset import read_preset


@pytest.fixture(scope="module")
def other(toy_library, tmp_path_factory):
    """A library that is redder than the toy one, as a file."""
    tint = (toy_library.wave_aa / 5500.0) ** 0.5
    redder = replace(toy_library, lum=(toy_library.lum * tint).astype("float32"), name="redder")
    path = tmp_path_factory.mktemp("library") / "redder.h5"
    write_hdf5_library(redder, path)
    return path


@pytest.fixture(scope="module")
def words(other):
    return ["mismatch", "--library", "toy", "--other", str(other), "--n", "40", "--modes", "3"]


def test_measured_and_used(words, tmp_path, capsys):
    out = tmp_path / "mismatch.h5"
    assert main([*words, "--out", str(out)]) == 0
    printed = capsys.readouterr().out
    assert "toy and redder: 3 modes" in printed
    # the tint in magnitudes at 2700 and 5850 Angstrom, over root two
    level = float(printed.split("F275W")[1].split()[0])
    assert level == pytest.approx(1.0857 * (1 - (2704 / 5840) ** 0.5) / 2**0.5, rel=0.1)
    measured = read_mismatch(out, Instrument())
    assert measured.modes.shape == (3, 1766)
    run = tmp_path / "run"
    train = ["train", "--library", "toy", "--n", "128", "--batch-size", "128", "--name", "tiny"]
    assert main([*train, "--mismatch", str(out), "--out", str(run)]) == 0
    noise = load_model(run / "tiny").generative.noise
    assert noise.mismatch.other == "redder"


def test_an_existing_file_is_kept(words, tmp_path, capsys):
    out = tmp_path / "mismatch.h5"
    out.write_text("precious")
    assert main([*words, "--out", str(out)]) != 0
    assert "exists and is kept" in capsys.readouterr().err
    assert out.read_text() == "precious"


def test_the_same_library_twice_tells_nothing(tmp_path, capsys):
    words = ["mismatch", "--library", "toy", "--other", "toy", "--n", "40"]
    assert main([*words, "--out", str(tmp_path / "none.h5")]) != 0
    assert "share the light of all but 0 histories" in capsys.readouterr().err
    assert not (tmp_path / "none.h5").exists()


def test_another_survey(words, tmp_path, capsys):
    out = tmp_path / "manga.h5"
    assert main([*words, "--preset", "manga", "--out", str(out)]) == 0
    assert "F275W" not in capsys.readouterr().out  # it has no bands
    assert read_mismatch(out, read_preset("manga").instrument).library == "toy"


def test_a_library_of_other_wavelengths(toy_library, tmp_path, capsys):
    blue = toy_library.wave_aa < 4000.0
    cut = replace(
        toy_library,
        wave_aa=toy_library.wave_aa[blue],
        lum=toy_library.lum[..., blue],
        lsf_fwhm_aa=toy_library.lsf_fwhm_aa[blue],
        name="blue",
    )
    path = write_hdf5_library(cut, tmp_path / "blue.h5")
    words = ["mismatch", "--library", "toy", "--other", str(path), "--n", "40"]
    assert main([*words, "--out", str(tmp_path / "none.h5")]) != 0
    assert "library covers" in capsys.readouterr().err
    assert not (tmp_path / "none.h5").exists()
