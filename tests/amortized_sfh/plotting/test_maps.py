"""Maps of scalars and of age bins."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.colors import to_rgba

from amortized_sfh.plotting import SkyFrame, plot_bin_maps, plot_maps
from amortized_sfh.plotting.colours import ERROR_COLOURS
from amortized_sfh.plotting.maps import age_label
from amortized_sfh.plotting.sky import UNKNOWN
from amortized_sfh.quantities.registry import AVERAGES

SHAPE = (9, 12)
EDGES = (0.0, 0.01, 0.1, 1.0, 13.5)


@pytest.fixture
def rng():
    return np.random.default_rng(1)


@pytest.fixture
def maps(rng):
    out = {}
    for name in (*AVERAGES, "V"):
        mean = rng.normal(size=SHAPE)
        std = rng.uniform(0.1, 0.2, SHAPE)
        out[name] = np.stack([mean, std, mean - std, mean, mean + std])
        out[name][:, 0, :4] = np.nan
    return out


@pytest.fixture
def truth(maps):
    return {name: planes[0] - 0.5 * planes[1] for name, planes in maps.items()}


@pytest.fixture
def bins(rng):
    mean = rng.uniform(0.01, 0.5, (4, *SHAPE))
    mean[:, 0, 0] = np.nan
    return {"MASSFRAC_MEAN": mean, "MASSFRAC_P16": 0.5 * mean, "MASSFRAC_P84": 2.0 * mean}


def panels(figure):
    return [ax for ax in figure.axes if ax.images]


def test_four_columns_with_truth_and_a_colour_bar_per_scale(maps, truth, tmp_path):
    path = tmp_path / "maps.png"
    figure = plot_maps(maps, truth, path=path, title="mock")
    assert path.stat().st_size > 5000
    assert len(panels(figure)) == 16
    assert len(figure.axes) == 16 + 12
    titles = [ax.get_title() for ax in panels(figure)[:4]]
    assert titles == ["truth", "posterior mean", "uncertainty (1σ)", "(mean − truth) / σ"]


def test_truth_and_mean_share_one_scale(maps, truth):
    figure = plot_maps(maps, truth)
    for row in range(4):
        true, mean, std, _ = panels(figure)[4 * row : 4 * row + 4]
        assert true.images[0].get_clim() == mean.images[0].get_clim()
        assert mean.images[0].get_clim() != std.images[0].get_clim()


def test_residuals_are_in_units_of_sigma(maps, truth):
    residual = panels(plot_maps(maps, truth, names=("V",)))[3].images[0]
    values = residual.get_array()
    assert np.allclose(values.compressed(), 0.5)
    assert residual.get_clim() == (-3.0, 3.0)
    assert residual.get_cmap().name == "RdBu_r"


def test_spaxels_without_values_are_grey_in_every_panel(maps, truth):
    for ax in panels(plot_maps(maps, truth)):
        image = ax.images[0]
        shown = image.cmap(image.norm(image.get_array()))
        assert np.allclose(shown[0, 0], to_rgba(UNKNOWN))
        assert not np.allclose(shown[4, 5], to_rgba(UNKNOWN))


def test_maps_without_a_single_value_are_drawn(maps):
    empty = {name: np.full_like(planes, np.nan) for name, planes in maps.items()}
    assert len(panels(plot_maps(empty, {n: p[0] for n, p in empty.items()}))) == 16


def test_without_truth_two_quantities_share_a_row(maps):
    figure = plot_maps(maps)
    bottoms = {round(ax.get_position().y0, 3) for ax in panels(figure)}
    assert (len(panels(figure)), len(bottoms)) == (8, 2)


def test_axes_are_offsets_with_east_to_the_left(maps):
    figure = plot_maps(maps, names=("MH_MW",), frame=SkyFrame(0.2, 11.32))
    ax = panels(figure)[0]
    assert ax.get_xlabel() == r"$\Delta\alpha$ (arcsec)"
    assert ax.get_xlim() == pytest.approx((1.2, -1.2))
    assert ax.get_ylim() == pytest.approx((-0.9, 0.9))
    assert ax.get_aspect() == 1.0
    assert any("pc" in text.get_text() for text in ax.texts)


def test_signed_quantities_have_symmetric_colours(maps):
    low, high = panels(plot_maps(maps, names=("V",)))[0].images[0].get_clim()
    assert low == -high


def test_uncertainties_have_colours_and_labels_of_their_own(maps):
    maps["SIGMA"] = 100.0 + maps["V"]
    value, error = panels(plot_maps(maps, names=("SIGMA",)))
    assert error.images[0].get_cmap().name == ERROR_COLOURS != value.images[0].get_cmap().name
    assert value.images[0].colorbar.ax.get_ylabel() == r"$\sigma$ (km s$^{-1}$)"
    assert error.images[0].colorbar.ax.get_ylabel() == r"1σ error of $\sigma$ (km s$^{-1}$)"


def test_bars_have_arrows_where_the_truth_is_beyond_the_scale(maps, truth):
    mean, std = maps["MH_MW"][0], maps["MH_MW"][1]
    mean[:], std[:], truth["MH_MW"][:] = 0.0, 0.1, 0.0
    truth["MH_MW"][4, 4] = 5.0
    true, mean, std, residual = panels(plot_maps(maps, truth, names=("MH_MW",)))
    bars = [panel.images[0].colorbar for panel in (mean, std, residual)]
    assert true.images[0].colorbar is None
    assert [bar.extend for bar in bars] == ["max", "neither", "min"]


def test_wrong_maps_are_refused(maps):
    with pytest.raises(ValueError, match="no map 'AGE'"):
        plot_maps(maps, names=("AGE",))
    with pytest.raises(ValueError, match=r"V has shape \(2, 9, 12\); expected \(5, any, any\)"):
        plot_maps({"V": maps["V"][:2]}, names=("V",))
    with pytest.raises(ValueError, match="V has shape"):
        plot_maps(maps, {"V": np.ones((3, 3))}, names=("V",))
    with pytest.raises(ValueError, match="names is empty"):
        plot_maps(maps, names=())


def test_bin_maps_show_logarithms_and_widths_in_dex(bins, tmp_path):
    path = tmp_path / "bins.png"
    truth = {"MASSFRAC": np.full((4, *SHAPE), 0.1)}
    figure = plot_bin_maps(bins, EDGES, truth=truth, bins=(0, 3), path=path)
    assert path.stat().st_size > 3000
    drawn = panels(figure)
    assert len(drawn) == 6
    assert [drawn[0].get_title(), drawn[3].get_title()] == ["0–10 Myr", "1–13.5 Gyr"]
    assert np.allclose(drawn[0].images[0].get_array().compressed(), -1.0)
    assert drawn[1].images[0].get_array()[2, 2] == pytest.approx(
        np.log10(bins["MASSFRAC_MEAN"][0, 2, 2])
    )
    assert np.allclose(drawn[2].images[0].get_array().compressed(), np.log10(2.0))


def test_bin_maps_have_both_axes_and_arrows(bins):
    bins["MASSFRAC_MEAN"][0, 4, 4] = 1e-6
    drawn = panels(plot_bin_maps(bins, EDGES, bins=(0, 3), frame=SkyFrame(0.2)))
    top, bottom = drawn[0::2], drawn[1::2]
    assert [ax.get_xlabel() for ax in bottom] == [r"$\Delta\alpha$ (arcsec)"] * 2
    assert [ax.get_xlabel() for ax in top] == [""] * 2
    bars = [ax.images[0].colorbar for ax in (top[0], bottom[0])]
    assert bars[0].extend in {"min", "both"}
    assert bars[1].ax.get_xlabel() == "1σ error of fraction (dex)"
    # the bar is below the numbers of the axis
    assert bars[1].ax.get_position().y1 < bottom[0].get_position().y0 - 0.04


def test_truth_of_bins_is_hidden_where_nothing_was_inferred(bins):
    figure = plot_bin_maps(bins, EDGES, truth={"MASSFRAC": np.ones((4, *SHAPE))})
    assert panels(figure)[0].images[0].get_array().mask[0, 0]


def test_metallicity_per_bin_is_linear(rng):
    mean = rng.normal(size=(4, *SHAPE))
    figure = plot_bin_maps({"MH_MEAN": mean, "MH_STD": mean**2}, EDGES, name="MH")
    assert len(panels(figure)) == 8
    assert np.allclose(panels(figure)[0].images[0].get_array(), mean[0])


def test_wrong_bins_are_refused(bins):
    with pytest.raises(ValueError, match="expected numbers from 0 to 3"):
        plot_bin_maps(bins, EDGES, bins=(7,))
    with pytest.raises(ValueError, match=r"expected \(2, any, any\)"):
        plot_bin_maps(bins, EDGES[:3])
    with pytest.raises(ValueError, match="no map 'SFR_MEAN'"):
        plot_bin_maps(bins, EDGES, name="SFR")


@pytest.mark.parametrize(
    ("edges", "label"),
    [
        ((0.0, 0.01), "0–10 Myr"),
        ((0.1, 0.158), "100–158 Myr"),
        ((0.63, 1.0), "0.63–1 Gyr"),
        ((10.5, 13.5), "10.5–13.5 Gyr"),
    ],
)
def test_age_labels(edges, label):
    assert age_label(*edges) == label
