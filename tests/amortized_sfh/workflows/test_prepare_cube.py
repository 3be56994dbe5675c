"""Masks of a cube: what the header says of adaptive optics, and what the request says."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from astropy.io import fits

from amortized_sfh.data.cubes.cube_data import CubeData
from amortized_sfh.model.model import ModelCard, PosteriorModel
from amortized_sfh.requests import MasksRequest
from amortized_sfh.workflows.prepare_cube import mask_cube
from simulators.observations.observation import Observation
from tests.amortized_sfh.conftest import SMALL_ENCODER, SMALL_FLOW

Z = torch.tensor([0.0, 0.012])


@pytest.fixture(scope="module")
def model(toy_model):
    """An untrained model over the whole wavelength range."""
    return PosteriorModel.untrained(toy_model, ModelCard(name="toy"), SMALL_ENCODER, SMALL_FLOW)


def _data(ao):
    ones, bands = torch.ones(2, 1761), torch.ones(2, 5)
    return CubeData(
        Observation(ones, ones, ones > 0, bands, bands, bands > 0, Z),
        np.arange(2)[None],
        np.arange(2),
        np.ones(2, dtype=int),
        np.zeros(2, dtype=np.int32),
        np.zeros((1, 2), dtype=np.int32),
        fits.Header(),
        np.ones(2),
        ao=ao,
    )


def _used(model, data, low, high, **options):
    """Whether any pixel of an observed range is used, per row."""
    masked = mask_cube(model, data, MasksRequest(**options))
    observed = model.generative.simulator.wave_aa * (1.0 + Z[:, None].double())
    inside = (observed > low) & (observed < high)
    return (masked.observation.valid & inside).any(dim=1).tolist(), masked.provenance


@pytest.mark.parametrize(("header", "option", "masked"), [
    (True, None, True), (False, None, False), (False, True, True), (True, False, False),
])  # fmt: skip
def test_the_laser_is_masked_where_it_shone(model, header, option, masked):
    used, provenance = _used(model, _data(header), 5775.0, 5870.0, ao=option)
    assert used == [not masked] * 2
    assert provenance["AO"] is masked


def test_sodium_of_the_milky_way(model):
    # at z = 0 it is the galaxy's own, at 0.012 it falls where nothing else is masked
    assert _used(model, _data(False), 5887.0, 5899.0)[0] == [False, False]
    used, provenance = _used(model, _data(False), 5887.0, 5899.0, milky_way_sodium=False)
    assert used == [False, True]
    assert provenance["MWSODIUM"] is False


def test_further_lines(model):
    plain = mask_cube(model, _data(False), MasksRequest()).observation.valid
    more = mask_cube(model, _data(False), MasksRequest(lines_aa=(5411.5,))).observation.valid
    wave = model.generative.simulator.wave_aa
    lost = (plain & ~more).any(dim=0)
    assert bool(lost.any())
    assert float(((wave[lost] / 5411.5 - 1).abs() * 299792.458).max()) < 400.0
    with pytest.raises(ValueError, match="line to mask at 9069 Å is outside the model's 4750-6950"):
        mask_cube(model, _data(False), MasksRequest(lines_aa=(9069.0,)))
