from __future__ import annotations

import pytest
import torch

from simulators.instruments.instrument import Instrument
from simulators.wavelengths.rest_grid import REST_GRID, LinearRestGrid, LogRestGrid

LOG = LogRestGrid(3650.0, 1e-4, 3041)


def test_default_grid_is_the_papers_1761_pixels():
    centres = REST_GRID.centres_aa
    assert centres.shape == (1761,)
    assert float(centres[0]) == 4750.0
    assert float(centres[-1]) == REST_GRID.end_aa == 6950.0


def test_edges_enclose_centres_half_a_step_away():
    grid = LinearRestGrid(4850.0, 0.5, 7)
    edges = grid.edges_aa
    torch.testing.assert_close(0.5 * (edges[1:] + edges[:-1]), grid.centres_aa)
    torch.testing.assert_close(torch.diff(edges), torch.full((7,), 0.5, dtype=torch.float64))


def test_log_pixels_have_equal_ratios():
    centres, edges = LOG.centres_aa, LOG.edges_aa
    assert float(centres[0]) == 3650.0
    assert float(centres[-1]) == pytest.approx(LOG.end_aa) == pytest.approx(7350.1, abs=0.05)
    torch.testing.assert_close(edges[1:] * edges[:-1], centres**2)
    ratio = torch.diff(torch.log10(edges))
    torch.testing.assert_close(ratio, torch.full_like(ratio, 1e-4))


@pytest.mark.parametrize("grid", [REST_GRID, LOG])
def test_positions_and_widths(grid):
    position = grid.index(grid.centres_aa)
    torch.testing.assert_close(position, torch.arange(grid.n_pix).double(), atol=1e-8, rtol=0)
    widths = torch.diff(grid.edges_aa)
    torch.testing.assert_close(grid.width_aa(grid.centres_aa), widths, rtol=1e-7, atol=0)


@pytest.mark.parametrize("grid", [LinearRestGrid(4850.0, 1.25, 1721), LOG])
def test_round_trip_through_a_dictionary(grid):
    assert Instrument.from_dict(Instrument(grid=grid).to_dict()).grid == grid


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ((0.0, 1.25, 10), "start_aa"),
        ((float("nan"), 1.25, 10), "start_aa"),
        ((4750.0, -1.25, 10), "step_aa"),
        ((4750.0, 1.25, 0), "n_pix"),
        ((4750.0, 1.25, 2.5), "n_pix"),
    ],
)
def test_nonsense_is_refused_by_name(arguments, named):
    with pytest.raises(ValueError, match=named):
        LinearRestGrid(*arguments)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [((-1.0, 1e-4, 10), "start_aa"), ((3650.0, 0.0, 10), "log_step"), ((3650.0, 1e-4, 0), "n_pix")],
)
def test_nonsense_is_refused_in_log_grids_too(arguments, named):
    with pytest.raises(ValueError, match=named):
        LogRestGrid(*arguments)
