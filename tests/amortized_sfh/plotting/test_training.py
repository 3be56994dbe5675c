"""Loss curves."""

from __future__ import annotations

import numpy as np
import pytest

from amortized_sfh.plotting import plot_loss
from amortized_sfh.plotting.training import read_loss

HEADER = "step,n_spectra,density_nats,point_mse,learning_rate,seconds\n"


@pytest.fixture
def table(tmp_path):
    rows = [
        f"{100 * i},{25600 * i},{30.0 / i + 1.0},{3.0 / i},{1e-3 / i},{36.0 * i}"
        for i in range(1, 80)
    ]
    path = tmp_path / "loss.csv"
    path.write_text(HEADER + "\n".join(rows) + "\n")
    return path


def test_losses_over_spectra(table, tmp_path):
    figure = plot_loss(table, tmp_path / "loss.png")
    assert (tmp_path / "loss.png").stat().st_size > 5000
    density, point, rate = figure.axes
    assert np.allclose(density.lines[0].get_ydata()[:2], [31.0, 16.0])
    assert density.lines[0].get_xdata()[0] == pytest.approx(0.0256)
    assert rate.get_xlabel() == "spectra seen (millions)"
    assert point.get_ylabel().startswith("point network")
    assert density.lines[0].get_marker() == ""
    assert "2.02 million spectra, 0.79 h" in density.get_title()


def test_one_line_is_enough(tmp_path):
    path = tmp_path / "loss.csv"
    path.write_text(HEADER + "100,25600,30.0,3.0,0.001,36.0\n")
    figure = plot_loss(path)
    assert len(figure.axes) == 3
    for ax, value in zip(figure.axes, (30.0, 3.0, 0.001), strict=True):
        assert ax.lines[0].get_marker() == "o"
        low, high = ax.get_ylim()
        assert low < 0.95 * value < 1.05 * value < high


def test_bad_tables_are_refused(tmp_path):
    path = tmp_path / "loss.csv"
    with pytest.raises(FileNotFoundError, match="no loss curve"):
        read_loss(path)
    path.write_text(HEADER)
    with pytest.raises(ValueError, match="no lines yet"):
        read_loss(path)
    path.write_text("step,n_spectra\n1,2\n")
    with pytest.raises(ValueError, match="no columns"):
        read_loss(path)
    path.write_text(HEADER + "100,25600,thirty,3.0,0.001,36.0\n")
    with pytest.raises(ValueError, match="not a number"):
        read_loss(path)
