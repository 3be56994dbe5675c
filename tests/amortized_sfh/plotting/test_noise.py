"""Figures of noise profiles."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from amortized_sfh.plotting import plot_noise
from simulators.noise.profile import white_profile

WAVE = np.linspace(4750.0, 7600.0, 300)


def test_profile_beside_what_was_measured(tmp_path):
    modes = np.zeros((2, 300))
    modes[0, 50], modes[1, 200] = 2.0, 1.0
    profile = replace(white_profile(WAVE, growth=0.3), sky_modes=modes)
    figure = plot_noise(
        profile,
        windows=(np.array([5000.0, 6000.0]), np.array([0.98, 1.03])),
        autocorrelation=np.array([1.0, 0.14, 0.01]),
        growth=(np.array([1, 4, 16]), np.array([1.0, 1.2, 1.35])),
        path=tmp_path / "noise.png",
    )
    assert (tmp_path / "noise.png").stat().st_size > 10_000
    scale, lags, growth, sky = figure.axes
    assert scale.lines[-1].get_ydata() == pytest.approx([0.98, 1.03])
    assert lags.lines[-1].get_xdata().tolist() == [1, 2]
    assert growth.lines[0].get_ydata()[-1] == pytest.approx(1.0 + 0.3 * np.log10(16.0))
    assert [line.get_label() for line in sky.lines[1:]] == ["mode 1", "mode 2"]
    assert "error bars as given" in figure.get_suptitle()


def test_profile_alone_and_without_modes():
    sky = plot_noise(white_profile(WAVE)).axes[3]
    assert sky.texts[0].get_text() == "no significant mode"
