"""Data with the posterior predictive."""

from __future__ import annotations

import numpy as np
import pytest

from amortized_sfh.plotting import BandData, plot_predictive

N_PIX = 400


@pytest.fixture
def spectrum():
    rng = np.random.default_rng(3)
    wave = np.linspace(4750.0, 6950.0, N_PIX)
    draws = 1.0 + 0.01 * rng.normal(size=(40, 1)) + np.zeros(N_PIX)
    sigma = np.full(N_PIX, 0.05)
    flux = 1.0 + sigma * rng.normal(size=N_PIX)
    valid = np.ones(N_PIX, dtype=bool)
    valid[100:110] = False
    return {"wave_aa": wave, "flux": flux, "sigma": sigma, "valid": valid, "draws": draws}


@pytest.fixture
def bands():
    names = ("F275W", "F814W")
    return BandData(
        names, [2710.0, 8030.0], [1.0, 2.0], [0.1, 0.1], [True, False], np.ones((40, 2))
    )


def test_two_axes_with_labels(spectrum, tmp_path):
    path = tmp_path / "predictive.png"
    figure = plot_predictive(**spectrum, path=path, flux_unit="cgs", title="mock")
    assert path.stat().st_size > 5000
    upper, lower = figure.axes
    assert upper.get_ylabel() == r"$f_\lambda$ (cgs)"
    assert lower.get_ylabel() == "residual (σ)"
    assert lower.get_xlabel() == "rest wavelength in air (Å)"
    assert {"[O III]", "Na D"} <= {text.get_text() for text in upper.texts}


def test_masked_pixels_are_shaded_and_have_no_residual(spectrum):
    spectrum["flux"][200] = np.nan
    figure = plot_predictive(**spectrum)
    upper, lower = figure.axes
    assert len(upper.patches) == 2
    left = upper.patches[0].get_x()
    assert spectrum["wave_aa"][99] < left < spectrum["wave_aa"][100]
    residual = lower.lines[-1].get_ydata()
    assert np.isnan(residual[100:110]).all()
    assert np.isnan(residual[200])
    assert np.isfinite(np.delete(residual, [*range(100, 110), 200])).all()


@pytest.mark.parametrize(("offset", "limit"), [(0.0, 5.0), (1.0, 22.0)])
def test_residuals_of_a_poor_fit_stay_in_the_panel(spectrum, offset, limit):
    spectrum["flux"] = np.ones(N_PIX) + offset
    spectrum["flux"][50] += 10.0  # a cosmic ray does not count
    spectrum["draws"] = np.ones((40, N_PIX))
    low, high = plot_predictive(**spectrum).axes[1].get_ylim()
    assert (low, high) == pytest.approx((-limit, limit))


def test_masked_data_are_drawn_where_something_was_measured(spectrum):
    spectrum["flux"][100:105] = 0.0
    spectrum["flux"][105] = 3.0
    masked, kept = plot_predictive(**spectrum).axes[0].lines[:2]
    assert np.isnan(masked.get_ydata()[100:105]).all()
    assert masked.get_ydata()[105] == 3.0
    assert np.isnan(kept.get_ydata()[100:110]).all()


def test_nothing_is_drawn_of_masked_zeros(spectrum):
    spectrum["flux"][100:110] = 0.0
    labels = [line.get_label() for line in plot_predictive(**spectrum).axes[0].lines]
    assert "masked" not in labels


def test_the_scatter_is_told_to_be_that_of_the_error_bars(spectrum):
    assert "by the error bars alone" in plot_predictive(**spectrum).axes[1].texts[0].get_text()


def test_residuals_are_in_sigma(spectrum):
    middle = np.median(spectrum["draws"], axis=0)
    expected = (spectrum["flux"] - middle) / spectrum["sigma"]
    shown = plot_predictive(**spectrum).axes[1].lines[-1].get_ydata()
    assert np.allclose(shown[:100], expected[:100])


def test_spectrum_without_a_usable_pixel(spectrum):
    spectrum["valid"][:] = False
    spectrum["flux"][:] = np.nan
    assert len(plot_predictive(**spectrum).axes) == 2


def test_bands_have_their_own_axes(spectrum, bands, tmp_path):
    figure = plot_predictive(**spectrum, bands=bands, path=tmp_path / "a.png")
    assert len(figure.axes) == 4
    assert [t.get_text() for t in figure.axes[0].texts] == ["F275W", "F814W"]
    residual = figure.axes[2].lines[-1]
    assert len(residual.get_xdata()) == 1


@pytest.mark.parametrize(("flux", "limit"), [(1.2, 5.0), (4.0, 33.0)])
def test_a_discrepant_band_stays_in_its_panel(spectrum, bands, flux, limit):
    figure = plot_predictive(**spectrum, bands=bands._replace(flux=[flux, 1.0], valid=[1, 1]))
    assert figure.axes[2].get_ylim() == pytest.approx((-limit, limit))


def test_names_of_bands_are_above_the_points(spectrum, bands):
    figure = plot_predictive(**spectrum, bands=bands._replace(valid=[True, True]))
    figure.draw_without_rendering()
    ax = figure.axes[0]
    names = [text.get_window_extent() for text in ax.texts]
    assert min(box.y0 for box in names) > ax.transData.transform((0.0, 2.1))[1]
    assert max(box.y1 for box in names) < ax.bbox.y1


def test_spectrum_without_a_usable_band(spectrum, bands):
    assert len(plot_predictive(**spectrum, bands=bands._replace(valid=[False, False])).axes) == 4


@pytest.mark.parametrize("name", ["flux", "sigma", "valid", "draws"])
def test_wrong_shapes_are_refused(spectrum, name):
    spectrum[name] = spectrum[name][..., :-1]
    with pytest.raises(ValueError, match=f"{name} has shape"):
        plot_predictive(**spectrum)


def test_wrong_bands_are_refused(spectrum, bands):
    with pytest.raises(ValueError, match="draws of the bands has shape"):
        plot_predictive(**spectrum, bands=bands._replace(draws=np.ones((40, 3))))
