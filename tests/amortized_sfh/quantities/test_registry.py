"""Names, units, labels and formulas of quantities, and that they stand nowhere else."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
import torch
from astropy import units as u
from matplotlib import colormaps

import amortized_sfh
from amortized_sfh.quantities import flags, registry
from amortized_sfh.quantities.derived import Derived, derive
from amortized_sfh.quantities.quantity import Kind, QuantityInputs, named_parameters
from amortized_sfh.quantities.registry import (
    PRODUCT_PARAMETERS,
    PRODUCTS,
    QUANTITIES,
    describe,
    evaluate,
    unit_of,
)
from amortized_sfh.quantities.statistics import STATISTICS, extension_name

PACKAGE = Path(amortized_sfh.__file__).parent
MAPS_PAGE = PACKAGE.parent / "docs" / "maps.md"
#: Modules that spell names: the registry, its statistics, and the bits of FLAG.
HOMES = {PACKAGE / "quantities" / f"{name}.py" for name in ("registry", "statistics", "flags")}
#: Rooms that name extensions and columns of other people's files, and of mocks.
OTHER_FILES = PACKAGE / "data"
#: Words of the command line for numbers, which happen to be names of products.
METAVARS = {("infer.py", "SNR")}


def test_every_derived_scalar_has_a_description():
    scalars = set(Derived._fields) - {"mass_fraction", "alive"}
    assert scalars <= set(QUANTITIES)
    assert all(shown.colour_map in colormaps for shown in QUANTITIES.values())


def test_parameters_have_a_description(prior):
    space = prior.space
    assert set(space.names[space.nuisance]) <= set(QUANTITIES)
    for name in ("gas_log_u", "f_esc"):
        assert describe(name).label == space.parameters[space.index(name)].label
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
        ("delta", r"1σ error of $\delta$"),
        ("whatever", "1σ error of whatever"),
    ],
)
def test_uncertainties_are_named_with_their_unit(name, label):
    assert describe(name).error_label == label


def test_unknown_names_go_by_themselves():
    assert describe("whatever").label == "whatever"
    assert unit_of("whatever") is None


def test_units_are_those_of_fits_and_belong_to_statistics_too():
    for name, quantity in PRODUCTS.items():
        u.Unit(quantity.unit, format="fits" if "dex" not in quantity.unit else None)
        assert {unit_of(extension_name(name, s)) for s in STATISTICS} == {quantity.unit}
    assert unit_of("SIGMA") != unit_of("SIGMA_STAR")


def test_groups_hold_products_of_their_kind():
    tuples = {k: v for k, v in vars(registry).items() if k.isupper() and isinstance(v, tuple)}
    groups = {k: v for k, v in tuples.items() if all(isinstance(name, str) for name in v)}
    assert len(groups) > 10
    known = {*PRODUCTS, *PRODUCT_PARAMETERS, *STATISTICS}
    assert {name for group in groups.values() for name in group} <= known
    for group, kind in (("SCALARS", Kind.SCALAR), ("PER_BIN", Kind.PER_BIN)):
        assert set(groups[group]) == {n for n, q in PRODUCTS.items() if q.kind is kind}
    densities = {n for n, q in PRODUCTS.items() if q.kind is Kind.DENSITY}
    assert set(groups["SURFACE_DENSITIES"]) == densities


def test_formulas_give_the_shape_of_the_draws(small_model):
    theta = small_model.prior.sample((2, 3), torch.Generator().manual_seed(0))
    space = small_model.space
    derived = derive(small_model.simulator, theta.flatten(0, 1))
    inputs = QuantityInputs(
        derived=Derived(*(v.unflatten(0, (2, 3)) for v in derived)),
        log_mass=torch.full((2, 3), 6.0),
        parameters=named_parameters(theta, space),
        area_kpc2=torch.ones(2, 1),
        bins=small_model.bins,
    )
    with_formula = [name for name, quantity in PRODUCTS.items() if quantity.formula is not None]
    for name, values in evaluate(with_formula, inputs).items():
        per_bin = PRODUCTS[name].kind is Kind.PER_BIN
        assert values.shape == (2, 3, *([space.n_bins] if per_bin else []))
        assert bool(torch.isfinite(values).all())
    assert set(PRODUCTS) - set(with_formula) == {
        name for name, quantity in PRODUCTS.items() if quantity.kind is Kind.PLANE
    }


@pytest.mark.parametrize(("name", "missing"), [("SFR", "bins"), ("SIGMA_STAR", "area_kpc2")])
def test_inputs_that_are_missing_are_named(small_model, name, missing):
    theta = small_model.prior.sample((2,), torch.Generator().manual_seed(0))
    inputs = QuantityInputs(derived=derive(small_model.simulator, theta), log_mass=torch.zeros(2))
    with pytest.raises(ValueError, match=f"{missing} is missing"):
        evaluate([name], inputs)


def test_velocities_are_put_into_the_frame_of_the_galaxy(small_model):
    theta = small_model.prior.sample((2,), torch.Generator().manual_seed(0))
    own = named_parameters(theta, small_model.space)
    moved = named_parameters(theta, small_model.space, torch.tensor([0.0, 100.0]))
    assert float(moved["velocity"][0]) == float(own["velocity"][0])
    assert float(moved["velocity"][1] - own["velocity"][1]) == pytest.approx(100.0, rel=1e-2)
    assert set(PRODUCT_PARAMETERS) <= set(own)


def _table_rows(first):
    """Cells of the tables of the page on maps whose heading begins with a word."""
    rows, inside = [], False
    for line in MAPS_PAGE.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.split("|")[1:-1]]
        inside = len(cells) == 3 and (inside or cells[0] == first)
        if inside and cells[0] != first and set(cells[0]) != {"-"}:
            rows.append(tuple(cell.strip("`") for cell in cells))
    return rows


def test_the_page_on_maps_tells_of_every_product():
    expected = {(name, q.unit, q.description) for name, q in PRODUCTS.items()}
    assert set(_table_rows("name")) == expected


def test_the_page_on_maps_tells_of_every_flag():
    body = ast.parse(Path(flags.__file__).read_text(encoding="utf-8")).body
    members = next(n for n in body if isinstance(n, ast.ClassDef) and n.name == "Flag").body[1:]
    texts = [" ".join(doc.value.value.split()) for doc in members[1::2]]
    expected = [(str(int(f)), f.name, t) for f, t in zip(flags.Flag, texts, strict=True)]
    assert _table_rows("bit") == expected


def _strings(tree):
    """Line and text of all string literals but docstrings, with the fixed parts of f-strings."""
    texts = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in texts:
            yield node.lineno, node.value


def test_names_of_products_and_statistics_are_spelt_in_the_registry_alone():
    quantiles = [name for name in STATISTICS if name.startswith("p")]
    exact = re.compile(
        rf"({'|'.join(PRODUCTS)})(_({'|'.join(STATISTICS).upper()})?)?|"
        rf"_?({'|'.join((*quantiles, *STATISTICS[:2])).upper()}|{'|'.join(quantiles)})"
    )
    # the long names are looked for inside sentences, too
    telling = re.compile(rf"\b({'|'.join(n for n in PRODUCTS if len(n) > 6 or '_' in n)})(_|\b)")
    spelt = [
        f"{path.relative_to(PACKAGE)}:{line}: {text!r}"
        for path in sorted(PACKAGE.rglob("*.py"))
        if path not in HOMES and OTHER_FILES not in path.parents
        for line, text in _strings(ast.parse(path.read_text(encoding="utf-8")))
        if (exact.fullmatch(text) or telling.search(text)) and (path.name, text) not in METAVARS
    ]
    assert not spelt, "take these from quantities/registry.py:\n" + "\n".join(spelt)
