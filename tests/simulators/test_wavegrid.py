from __future__ import annotations

import pytest
import torch

from simulators.wavegrid import REST_GRID, WaveGrid


def test_default_grid_is_the_papers_1761_pixels():
    centres = REST_GRID.centres_aa
    assert centres.shape == (1761,)
    assert float(centres[0]) == 4750.0
    assert float(centres[-1]) == REST_GRID.end_aa == 6950.0


def test_edges_enclose_centres_half_a_step_away():
    grid = WaveGrid(4850.0, 0.5, 7)
    edges = grid.edges_aa
    torch.testing.assert_close(0.5 * (edges[1:] + edges[:-1]), grid.centres_aa)
    torch.testing.assert_close(torch.diff(edges), torch.full((7,), 0.5, dtype=torch.float64))


def test_round_trip_through_a_dictionary():
    grid = WaveGrid(4850.0, 1.25, 1721)
    assert WaveGrid(**grid.to_dict()) == grid


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
        WaveGrid(*arguments)
