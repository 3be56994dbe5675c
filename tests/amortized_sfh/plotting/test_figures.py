"""Saving, styling and checking: nothing global changes, nothing half-written appears."""

from __future__ import annotations

import subprocess
import sys

import matplotlib
import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

from amortized_sfh.plotting.figures import (
    as_array,
    finish,
    new_figure,
    quantile_band,
    save,
    styled,
)


@pytest.mark.parametrize("suffix", ["png", "pdf", "svg"])
def test_save_writes_each_format_and_leaves_nothing_else(tmp_path, suffix):
    figure = new_figure(2.0, 2.0)
    figure.subplots().plot([0, 1], [1, 2])
    path = save(figure, tmp_path / f"a.{suffix}")
    assert path.stat().st_size > 500
    assert [p.name for p in tmp_path.iterdir()] == [f"a.{suffix}"]


def test_save_replaces_an_older_file(tmp_path):
    path = tmp_path / "a.png"
    path.write_text("old")
    save(new_figure(1.0, 1.0), path)
    assert path.read_bytes().startswith(b"\x89PNG")


def test_a_failed_save_keeps_the_older_file(tmp_path):
    class Broken(Figure):
        def savefig(self, fname, **_):
            fname.write_text("half")
            raise RuntimeError("disk full")

    path = tmp_path / "a.png"
    path.write_text("old")
    with pytest.raises(RuntimeError, match="disk full"):
        save(Broken(), path)
    assert path.read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 1


def test_save_names_what_is_wrong(tmp_path):
    with pytest.raises(FileNotFoundError, match="no such folder"):
        save(new_figure(1.0, 1.0), tmp_path / "missing" / "a.png")
    with pytest.raises(ValueError, match=r"ends with '\.docx'"):
        save(new_figure(1.0, 1.0), tmp_path / "a.docx")


def test_finish_without_a_path_writes_nothing(tmp_path):
    figure = new_figure(1.0, 1.0)
    assert finish(figure, None) is figure
    assert not list(tmp_path.iterdir())


def test_the_style_holds_inside_only():
    before = dict(matplotlib.rcParams)

    @styled
    def make() -> Figure:
        assert matplotlib.rcParams["xtick.direction"] == "in"
        return new_figure(1.0, 1.0)

    assert isinstance(make(), Figure)
    assert dict(matplotlib.rcParams) == before


def test_importing_the_package_does_not_import_pyplot():
    code = "import sys, amortized_sfh.plotting; print('matplotlib.pyplot' in sys.modules)"
    command = [sys.executable, "-W", "ignore", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603
    assert done.stdout.strip() == "False"


def test_as_array_takes_tensors_and_checks_shapes():
    tensor = torch.ones(3, 2, requires_grad=True)
    assert as_array(tensor, "x", (None, 2)).dtype == np.float64
    with pytest.raises(ValueError, match=r"x has shape \(3, 2\); expected \(any, 5\)"):
        as_array(tensor, "x", (None, 5))
    with pytest.raises(ValueError, match="empty"):
        as_array([], "x", (None,))


def test_quantile_band_holds_its_share():
    draws = np.linspace(0.0, 1.0, 1001)[:, None]
    low, high = quantile_band(draws, 0.68)
    assert (low[0], high[0]) == pytest.approx((0.16, 0.84))
