"""The command line says one sentence and an exit code, and never shows a traceback."""

from __future__ import annotations

import pytest

from amortized_sfh.cli.main import build_parser, main

# a cube that exists, if no more
INFER = ("infer", __file__, "--redshift", "0.002", "--out", "m.fits")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["infer", "nowhere.fits", "--redshift", "0.002", "--out", "m.fits"], "nowhere.fits"),
        (
            [*INFER, "--hst", "F275W"],
            "expected BAND=FILE",
        ),
        (
            [*INFER, "--hst", "F275W=a.fits", "--hst-weight", "F555W=w.fits"],
            "--hst-weight names F555W, which --hst does not; expected one of F275W",
        ),
        ([*INFER, "--hst-mask", "F555W=m.fits"], "the bands of --hst, which names none"),
        ([*INFER, "--hst-weight", "F555W"], "--hst-weight 'F555W': expected BAND=FILE"),
        ([*INFER, "--hst-sky", "F555W=dark"], "--hst-sky 'F555W=dark': expected BAND=VALUE"),
        ([*INFER, "--hst-sky", "F555W=1,2,3"], "--hst-sky 'F555W=1,2,3': expected BAND=VALUE"),
        ([*INFER, "--hst", "F555W=a", "F555W=b"], "--hst names F555W twice"),
        ([*INFER, "--hst", "F555W=nowhere.fits"], "no such file: nowhere.fits"),
        (
            [*INFER, "--spaxel", "3"],
            "expected x,y",
        ),
        (
            [*INFER, "--model", "no-such"],
            "no model 'no-such'",
        ),
        (
            [*INFER, "--inclination", "91"],
            "expected 0 (face-on) to below 90",
        ),
        (
            [*INFER, "--centre", "170.1d"],
            "expected pixels x,y",
        ),
        (
            [*INFER, "--profile", "0"],
            "expected at least 1 annulus",
        ),
        (
            [*INFER, "--profile", "5", "--inclination", "57"],
            "needs --position-angle",
        ),
        (
            [*INFER, "--effective-radius", "60"],
            "add --profile N",
        ),
        ([*INFER, "--line-width", "-4"], "line width is -4 km/s; expected at least 400"),
        ([*INFER, "--line-width", "300"], "line width is 300 km/s; expected at least 400"),
        ([*INFER, "--line-width", "nan"], "line width is nan km/s; expected at least 400"),
        ([*INFER, "--spaxel", "3,4"], "no file for the draws of spaxel (3, 4); add --save-draws"),
        ([*INFER, "--draws", "1"], "1 draws were asked for; expected at least 2"),
        (
            [*INFER, "--profile", "4", "--kinematics", "fixed", "--dap", "m.fits"],
            "--profile infers velocities with the rest; leave out --kinematics",
        ),
        (["infer-spectrum", "s.txt", "--out", "o", "--line-width", "0"], "line width is 0 km/s"),
        (["infer-spectrum", "s.txt", "--out", "o", "--draws", "0"], "0 draws were asked for"),
        (["infer-spectrum", "nowhere.txt", "--redshift", "0", "--out", "o"], "nowhere.txt"),
        (["simulate", "--library", "no-such", "--out", "t.h5"], "no SSP library"),
    ],
)
def test_errors_are_one_sentence(words, expected, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(words) == 1
    error = capsys.readouterr().err
    assert error.startswith("amortized-sfh: ")
    assert expected in error
    assert error.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_missing_redshift_is_a_usage_error(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["infer", "cube.fits", "--out", "m.fits"])
    assert stop.value.code == 2
    assert "--redshift" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["infer", "nowhere.fits", *INFER[2:]], "no such file: nowhere.fits"),
        ([*INFER, "--bins", "nowhere.fits"], "no such file: nowhere.fits"),
        ([*INFER, "--redshift", "700"], "redshift is 700.0; expected a number between"),
        ([*INFER, "--draws", "0"], "0 draws were asked for"),
    ],
)
def test_requests_are_checked_before_the_model_is_loaded(words, expected, capsys, monkeypatch):
    def load(*_):
        raise AssertionError("the model was loaded")

    monkeypatch.setattr("amortized_sfh.workflows.infer.load_model", load)
    assert main(words) == 1
    assert expected in capsys.readouterr().err


def test_existing_output_is_kept(tmp_path, capsys):
    out = tmp_path / "maps.fits"
    out.write_text("precious")
    assert main(["infer", "cube.fits", "--redshift", "0.002", "--out", str(out)]) == 1
    assert "exists and is kept; add --overwrite" in capsys.readouterr().err
    assert out.read_text() == "precious"


COMMANDS = (
    "infer", "infer-spectrum", "measure-noise", "simulate", "train", "mismatch", "presets", "demo",
    "demo-real",
)  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_an_example_and_a_sentence_for_every_option(command, capsys):
    with pytest.raises(SystemExit) as stop:
        main([command, "--help"])
    assert stop.value.code == 0
    text = capsys.readouterr().out
    assert f"example:\n  amortized-sfh {command} " in text
    parser = build_parser()._subparsers._group_actions[0].choices[command]
    for action in parser._actions:
        assert len((action.help or "").split()) > 2, action.dest


@pytest.mark.parametrize("command", COMMANDS[:6])
def test_a_config_of_another_kind_is_refused_by_its_line(command, tmp_path, capsys):
    config = tmp_path / "run.toml"
    config.write_text("# a comment\n\noutt = 'x'\n")
    words = {
        "infer": ["--redshift", "0.1"],
        "infer-spectrum": ["s.txt"],
        "mismatch": ["--other", "x"],
    }
    more = words.get(command, ["cube.fits"] if command == "measure-noise" else [])
    assert main([command, *more, "--out", str(tmp_path / "o"), "--config", str(config)]) == 1
    error = capsys.readouterr().err
    assert "run.toml, line 3: unknown key 'outt'; did you mean 'out'?" in error
    assert error.count("\n") == 1


def test_words_take_the_place_of_a_config(tmp_path):
    config = tmp_path / "run.toml"
    config.write_text(
        "cube = 'a.fits'\nout = 'm.fits'\nredshift = 0.1\ndraws = 7\n"
        "[masks]\nlines_aa = [5018.0]\n[hst.F555W]\nimage = 'f.fits'\n"
    )
    words = ["infer", "--config", str(config), "--draws", "9", "--line-width", "500"]
    options = build_parser().parse_args(words)
    request = options.parse(options)
    assert (request.draws, request.redshift, str(request.cube)) == (9, 0.1, "a.fits")
    assert (request.masks.lines_aa, request.masks.line_half_width_kms) == ((5018.0,), 500.0)
    assert str(request.hst["F555W"].image) == "f.fits"


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("redshfit", "run.toml, line 3: unknown key 'redshfit'; did you mean 'redshift'?"),
        ("ebv", "run.toml has no 'redshift': add it"),
    ],
)
def test_a_key_that_a_config_must_have(key, expected, tmp_path, capsys):
    config = tmp_path / "run.toml"
    config.write_text(f"cube = 'c.fits'\nout = 'm.fits'\n{key} = 0.1\n")
    assert main(["infer", "--config", str(config)]) == 1
    error = capsys.readouterr().err
    assert expected in error
    assert error.count("\n") == 1
