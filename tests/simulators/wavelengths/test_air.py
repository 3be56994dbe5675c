"""Air and vacuum."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from simulators.wavelengths.air import air_to_vacuum, rest_air_edges, vacuum_to_air


@pytest.mark.parametrize(
    ("vacuum", "air"),
    [
        (4862.683, 4861.325),  # H beta
        (5008.240, 5006.843),  # [O III]
        (6564.614, 6562.801),  # H alpha
        (6718.295, 6716.440),  # [S II]
    ],
)
def test_well_known_lines(vacuum, air):
    got = vacuum_to_air(torch.tensor(vacuum, dtype=torch.float64))
    assert float(got) == pytest.approx(air, abs=0.005)


def test_air_and_vacuum_are_inverse():
    wave = torch.linspace(2500.0, 25000.0, 500, dtype=torch.float64)
    torch.testing.assert_close(vacuum_to_air(air_to_vacuum(wave)), wave, rtol=1e-12, atol=0.0)


def test_arrays_and_numbers_of_libraries():
    # H alpha and Na D1 (NIST): 6562.79 / 6564.61 and 5895.924 / 5897.558
    np.testing.assert_allclose(
        air_to_vacuum(np.array([6562.79, 5895.924])), [6564.60, 5897.558], atol=0.01
    )
    assert air_to_vacuum(6562.79) == pytest.approx(6564.60, abs=0.01)
    wave = np.linspace(2000, 11000, 50)
    np.testing.assert_allclose(vacuum_to_air(air_to_vacuum(wave)), wave, rtol=1e-10)
    assert (np.diff(vacuum_to_air(np.linspace(1000, 3000, 1001))) > 0).all()


def test_halpha_lands_at_rest_from_either_medium():
    z = 0.0858
    vacuum = torch.tensor([6564.614 * (1 + z)], dtype=torch.float64)
    for edges, medium in ((vacuum, "vacuum"), (vacuum_to_air(vacuum), "air")):
        assert float(rest_air_edges(edges, z, medium)) == pytest.approx(6562.801, abs=0.003)


def test_one_redshift_per_spectrum():
    edges = torch.tensor([5000.0, 5001.0, 5002.0], dtype=torch.float64)
    z = torch.tensor([0.0, 0.01], dtype=torch.float64)
    both = rest_air_edges(edges, z)
    assert both.shape == (2, 3)
    torch.testing.assert_close(both[1], rest_air_edges(edges, 0.01))


def test_unknown_medium():
    with pytest.raises(ValueError, match="'water'"):
        rest_air_edges(torch.tensor([5000.0]), 0.0, "water")
