"""Which maps are drawn, and at what distance."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from astropy.wcs import WCS

from amortized_sfh.data.cubes.cube_data import CubeData
from amortized_sfh.products import map_figures
from amortized_sfh.products.posterior_maps import PosteriorMaps
from amortized_sfh.quantities.mass import luminosity_distance_mpc

EDGES = (0.0, 0.1, 13.5)
AVERAGES = ("LOGAGE_MW", "LOGAGE_LW", "MH_MW", "MH_LW")
SCALARS = (*AVERAGES, "LOGMASS", "AV", "V", "SIGMA", "T50", "ML_V")
REDSHIFT = 0.0858


@pytest.fixture
def data(small_observation):
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.cdelt = [-0.2 / 3600, 0.2 / 3600]
    return CubeData(
        observation=small_observation,
        row=np.concatenate([[0], np.arange(40), [-1]]).reshape(6, 7),
        label=np.arange(40),
        n_spaxels=np.array([2, *[1] * 39]),
        flag=np.zeros(40, dtype=np.int32),
        spaxel_flag=np.zeros((6, 7), dtype=np.int32),
        header=wcs.to_header(),
        noise_scale=np.ones(40),
        redshift=REDSHIFT,
    )


@pytest.fixture
def drawn(monkeypatch):
    """Names by the end of the picture's name, and the frames."""
    seen, frames = {}, []

    def note_maps(maps, *, truth, names, frame, path):
        assert set(names) <= set(maps)
        seen[path.stem.split("_")[-1]] = tuple(names)
        frames.append(frame)

    monkeypatch.setattr(map_figures, "plot_maps", note_maps)
    monkeypatch.setattr(map_figures, "plot_bin_maps", lambda *_, frame, **__: frames.append(frame))
    return seen, frames


def _draw(data, folder, *more, distance_mpc=None):
    products = {name: np.ones((40, 5)) for name in (*SCALARS, *more)}
    products |= {name: np.ones((40, 2, 5)) for name in ("MASSFRAC", "MH")}
    maps = PosteriorMaps(products, data.map_grid, EDGES)
    return map_figures.draw_maps(maps, data, str(folder / "maps.fits"), distance_mpc)


@pytest.mark.parametrize(
    ("binned", "more", "mass"),
    [
        (False, ("SIGMA_STAR",), "LOGMASS"),
        (True, ("SIGMA_STAR",), "SIGMA_STAR"),
        (True, (), "LOGMASS_PER_BIN"),
    ],
)
def test_masses_of_bins_are_densities_or_say_what_they_are(
    data, drawn, tmp_path, binned, more, mass
):
    if not binned:
        data = replace(data, n_spaxels=np.ones(40, dtype=int))
    _draw(data, tmp_path, *more)
    assert drawn[0]["other"][0] == mass


def test_the_scale_bar_has_the_distance_of_the_masses(data, drawn, tmp_path):
    _draw(data, tmp_path)
    expected = luminosity_distance_mpc(np.array([REDSHIFT]))[0]
    assert len(drawn[1]) == 3
    assert {frame.redshift for frame in drawn[1]} == {REDSHIFT}
    assert {frame.distance_mpc for frame in drawn[1]} == {expected}
    _draw(data, tmp_path, distance_mpc=11.32)
    assert drawn[1][-1].distance_mpc == 11.32


def test_without_a_distance_there_is_no_scale_bar(data, drawn, tmp_path):
    _draw(data, tmp_path, distance_mpc=np.nan)
    assert drawn[1][-1].distance_mpc is None


def test_pictures_that_would_show_nothing_are_left_out(data, drawn, tmp_path):
    plain = [path.name for path in _draw(data, tmp_path)]
    assert plain == ["maps_averages.png", "maps_other.png", "maps_bins.png"]
    assert [path.name for path in _draw(data, tmp_path, "SIGMA_STAR")] == [
        *plain,
        "maps_densities.png",
    ]
