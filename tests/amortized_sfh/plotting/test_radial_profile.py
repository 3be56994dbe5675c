"""Pictures of profiles."""

from __future__ import annotations

import numpy as np
import pytest

from amortized_sfh.plotting import plot_profile


@pytest.fixture
def table():
    radius = np.array([1.0, 3.0, 5.0])
    columns = {"R": radius, "R_IN": radius - 1.0, "R_OUT": radius + 1.0, "R_KPC": 0.05 * radius}
    for name, level in (("LOGAGE_MW", 9.5), ("SIGMA_STAR", 1e8), ("MH_MW", -0.2)):
        for percentile, factor in (("P16", 0.9), ("P50", 1.0), ("P84", 1.1)):
            columns[f"{name}_{percentile}"] = level + (factor - 1.0) * abs(level) - 0.01 * radius
    return columns


def test_one_panel_per_quantity_that_there_is(table, tmp_path):
    path = tmp_path / "profile.png"
    figure = plot_profile(table, path=path, truth={"MH_MW": np.full(3, -0.2)})
    assert path.stat().st_size > 10_000
    axes = [ax for ax in figure.axes if ax.get_visible()]
    assert len(axes) == 3
    assert axes[0].get_xlabel() == "R (kpc)"
    points = axes[0].lines[0]
    np.testing.assert_allclose(points.get_xdata(), table["R_KPC"])
    np.testing.assert_allclose(points.get_ydata(), table["LOGAGE_MW_P50"])


def test_densities_are_drawn_as_logarithms(table):
    figure = plot_profile(table, names=["SIGMA_STAR"])
    np.testing.assert_allclose(
        figure.axes[0].lines[0].get_ydata(), np.log10(table["SIGMA_STAR_P50"])
    )


def test_what_is_missing_is_named(table):
    with pytest.raises(ValueError, match="the profile has no AV"):
        plot_profile(table, names=["AV"])
    with pytest.raises(ValueError, match="no known quantity"):
        plot_profile({"R": [1.0], "R_IN": [0.0], "R_OUT": [2.0]})
