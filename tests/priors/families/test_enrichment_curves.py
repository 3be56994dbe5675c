from __future__ import annotations

import pytest
import torch

from priors.ages import AgeBins
from priors.families.enrichment_curves import (
    build_enrichment_curves,
    closed_box,
    flat,
    leaky_box,
    linear_in_time,
)

FROZEN = [-0.926839, -1.990869, -0.771231, 0.335625]


def test_catalogue_is_frozen():
    curves = build_enrichment_curves(AgeBins())
    assert curves.shape == (256, 16)
    assert torch.equal(curves, build_enrichment_curves(AgeBins()))
    # Literals guard the catalogue against a silent change: trained models depend on it.
    torch.testing.assert_close(
        curves[[0, 64, 128, 192], -1], torch.tensor(FROZEN), atol=1e-4, rtol=0
    )


@pytest.mark.parametrize("family", [closed_box, leaky_box, linear_in_time, flat])
def test_metallicity_never_falls_with_time(family):
    curves = family(64, AgeBins(), torch.Generator().manual_seed(0))
    assert torch.isfinite(curves).all()
    assert (curves.diff(dim=-1) <= 1e-9).all()


def test_closed_box_is_the_textbook_formula():
    bins = AgeBins((0.0, 1e-4, 13.5 - 1e-4, 13.5))
    curves = closed_box(200, bins, torch.Generator().manual_seed(0))
    assert (curves[:, 0] > -0.81).all()
    assert (curves[:, 0] < 0.36).all()
    # The first 0.1 Myr of stars are nearly primordial.
    assert (curves[:, 2] - curves[:, 0] < -3).all()


def test_present_day_is_where_galaxies_are():
    today = build_enrichment_curves(AgeBins())[:, 0]
    low, high = torch.quantile(today, torch.tensor([0.05, 0.95]))
    assert -1.1 < low < -0.6
    assert 0.2 < high < 0.36


@pytest.mark.parametrize("edges", [(0.0, 13.5), (0.0, 1.0, 13.5)])
def test_few_bins(edges):
    curves = build_enrichment_curves(AgeBins(edges), n_curves=8)
    assert curves.shape == (8, len(edges) - 1)
    assert torch.isfinite(curves).all()


def test_bad_number_of_curves_is_refused():
    with pytest.raises(ValueError, match="multiple of 4"):
        build_enrichment_curves(AgeBins(), n_curves=10)
