"""Cubes of another instrument than the model's are refused before anything is read."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from amortized_sfh.data.cubes.model_check import check_cube_for_model, select_model_bands
from amortized_sfh.data.cubes.read_cube import read_cube
from amortized_sfh.quantities.flags import Flag
from simulators.instruments.instrument import Instrument
from simulators.surveys.preset import read_preset

MUSE = Instrument()


def test_a_muse_cube_suits_the_default(write_cube):
    check_cube_for_model(write_cube(), 0.002, MUSE, ("F275W", "F814W"))


def test_wrong_range(write_cube):
    path = write_cube(header={"CRVAL3": 8000.0})
    with pytest.raises(ValueError, match="misses 100 % of the model's 4750-6950 Å"):
        check_cube_for_model(path, 0.002, MUSE)
    path = write_cube(header={"CRVAL3": 5600.0})
    with pytest.raises(ValueError, match=r"38 % of the model's .* 'phangs-muse-hst' expects"):
        check_cube_for_model(path, 0.002, MUSE)


def test_wrong_pixels(write_cube):
    path = write_cube(header={"CDELT3": 2.5})
    with pytest.raises(ValueError, match=r"cube\.fits has pixels of 2\.[45]\d* Å"):
        check_cube_for_model(path, 0.002, MUSE)


def test_a_muse_cube_does_not_suit_manga(write_cube):
    with pytest.raises(ValueError, match=r"3650-7348 Å.*'manga' expects at least 70 %"):
        check_cube_for_model(write_cube(), 0.02, read_preset("manga").instrument)


def test_unknown_bands(write_cube):
    some = replace(MUSE, bands=("F555W", "F814W"))
    check_cube_for_model(write_cube(), 0.002, some, ("F814W",))
    with pytest.raises(ValueError, match="does not know the band F275W; it knows F555W, F814W"):
        check_cube_for_model(write_cube(), 0.002, some, ("F275W",))
    with pytest.raises(ValueError, match="it knows none"):
        check_cube_for_model(write_cube(), 0.002, replace(MUSE, bands=()), ("F275W",))


def test_bands_take_the_models_order(write_cube):
    data = read_cube(write_cube(), 0.002)
    assert select_model_bands(data, MUSE).observation is data.observation
    some = select_model_bands(data, replace(MUSE, bands=("F814W", "F555W"))).observation
    assert some.n_band == 2
    assert torch.equal(some.flux, data.observation.flux)


def test_a_model_without_bands_misses_none(write_cube):
    data = read_cube(write_cube(), 0.002)
    assert (select_model_bands(data, MUSE).flag & Flag.NO_PHOTOMETRY).all()
    assert not (select_model_bands(data, replace(MUSE, bands=())).flag & Flag.NO_PHOTOMETRY).any()


def test_the_shared_error_follows_its_band(write_cube):
    data = read_cube(write_cube(), 0.002)
    data = replace(data, shared_phot_sigma=np.tile(np.arange(5.0), (len(data), 1)))
    some = select_model_bands(data, replace(MUSE, bands=("F814W", "own", "F336W")))
    assert some.shared_phot_sigma[0].tolist() == [4.0, 0.0, 1.0]
