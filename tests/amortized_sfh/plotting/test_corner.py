"""Corner plots."""

from __future__ import annotations

import numpy as np
import pytest

from amortized_sfh.plotting import plot_corner


@pytest.fixture
def draws():
    rng = np.random.default_rng(4)
    names = ("LOGAGE_MW", "MH_MW", "unheard_of")
    return {name: rng.normal(size=400) for name in names}


def test_panels_labels_and_medians(draws, tmp_path):
    path = tmp_path / "corner.png"
    figure = plot_corner(draws, truth={"MH_MW": 0.3}, prior=draws, path=path, title="spaxel")
    assert path.stat().st_size > 5000
    assert len(figure.axes) == 9
    lowest = [ax.get_xlabel() for ax in figure.axes[6:]]
    assert lowest == [r"$\log_{10}$(age$_M$ / yr)", r"[M/H]$_M$ (dex)", "unheard_of"]
    median = np.median(draws["unheard_of"])
    assert f"{median:.1f}" in figure.axes[8].get_title()
    assert {t.get_text() for t in figure.legends[0].get_texts()} == {"posterior", "prior", "truth"}


def test_the_truth_is_inside_the_panel_also_when_the_posterior_misses_it(draws):
    figure = plot_corner(draws, truth={"MH_MW": 9.0})
    assert figure.axes[4].get_xlim()[1] > 9.0


def test_what_cannot_be_drawn_is_refused(draws):
    with pytest.raises(ValueError, match="empty"):
        plot_corner({})
    with pytest.raises(ValueError, match=r"constant: \['MH_MW'\]"):
        plot_corner({**draws, "MH_MW": np.ones(400)})
    with pytest.raises(ValueError, match=r"draws of \['MH_MW'\] has values that are not finite"):
        plot_corner({**draws, "MH_MW": np.append(draws["MH_MW"][1:], np.nan)})
    with pytest.raises(ValueError, match=r"draws\['MH_MW'\] has shape"):
        plot_corner({**draws, "MH_MW": np.ones(3)})
    with pytest.raises(ValueError, match="prior has no"):
        plot_corner(draws, prior={"MH_MW": draws["MH_MW"]})
