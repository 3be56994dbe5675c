"""Names and labels."""

from __future__ import annotations

import pytest
from matplotlib import colormaps

from amortized_sfh.plotting import QUANTITIES
from amortized_sfh.plotting.labels import age_label, describe
from amortized_sfh.products.map_file import UNITS
from amortized_sfh.quantities.derived import Derived


def test_every_map_and_derived_scalar_has_a_description():
    drawn = set(UNITS) - {"FLAG", "BINID", "LOGMASS_ALIVE"}
    assert drawn <= set(QUANTITIES)
    scalars = set(Derived._fields) - {"mass_fraction", "alive"}
    assert scalars <= set(QUANTITIES)
    assert all(shown.colour_map in colormaps for shown in QUANTITIES.values())


def test_parameters_of_the_gas_have_a_description(prior):
    for name in ("gas_log_u", "f_esc"):
        assert describe(name).label == prior.space.parameters[prior.space.index(name)].label
        assert describe(name).title != name


def test_averages_by_mass_and_by_light_have_different_labels():
    for name in ("LOGAGE", "MH"):
        assert describe(f"{name}_MW").label != describe(f"{name}_LW").label


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("SIGMA", r"1σ error of $\sigma$ (km s$^{-1}$)"),
        ("LOGAGE_MW", "1σ error of age$_M$ (dex)"),
        ("MH", "1σ error of [M/H] (dex)"),
        ("SIGMA_STAR", r"1σ error of $\Sigma_*$ (dex)"),
        ("DELTA", r"1σ error of $\delta$"),
        ("whatever", "1σ error of whatever"),
    ],
)
def test_uncertainties_are_named_with_their_unit(name, label):
    assert describe(name).error_label == label


def test_unknown_names_go_by_themselves():
    assert describe("whatever").label == "whatever"


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
