"""A mock galaxy that rotates at ±250 km/s, with emission lines, through the shipped model."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from astropy.io import fits

from amortized_sfh.data.cubes.read_cube import CubeOptions, read_cube
from amortized_sfh.data.mocks.files import write_mock_files
from amortized_sfh.model.model_files import load_model
from amortized_sfh.requests import MasksRequest
from amortized_sfh.workflows.infer_cube import InferenceOptions, infer_cube
from amortized_sfh.workflows.prepare_cube import first_pass_velocity, mask_cube
from simulators.mock_galaxy.galaxy import mock_galaxy
from simulators.observations.masks import REST_LINES_AA
from simulators.wavelengths.doppler import add_velocities, shift_redshift

N_SIDE, EBV = 6, 0.0


@pytest.fixture(scope="module")
def galaxy(tmp_path_factory):
    """Model, cube, redshift, and the true velocity of every spaxel."""
    model = load_model("phangs-bc03")
    mock = mock_galaxy(model.generative, n_side=N_SIDE, seed=9)
    theta = mock.theta.clone()
    velocity = torch.linspace(-250.0, 250.0, N_SIDE)[:, None].expand(N_SIDE, N_SIDE)
    theta[..., model.space.index("velocity")] = velocity
    mock = replace(mock, theta=theta)
    cube = write_mock_files(mock, tmp_path_factory.mktemp("galaxy"), 9).cube
    _add_emission_lines(cube, velocity.numpy(), mock.shape.redshift)
    return model, cube, mock.shape.redshift, velocity.double().numpy()


def _add_emission_lines(path, velocity, redshift):
    """Ionised gas that rotates with the stars, many times brighter than they are."""
    with fits.open(path, mode="update") as hdul:
        header, flux = hdul["DATA"].header, hdul["DATA"].data
        wave = header["CRVAL3"] + header["CD3_3"] * np.arange(len(flux))
        level = np.median(flux, axis=0)
        stretch = 1.0 + shift_redshift(redshift, velocity)
        for line in REST_LINES_AA.values():
            offset = (wave[:, None, None] / (line * stretch) - 1.0) * 299_792.458
            hdul["DATA"].data += 10.0 * level * np.exp(-0.5 * (offset / 90.0) ** 2)


def _infer(galaxy, velocity_map, masks=None):
    model, cube, redshift, _ = galaxy
    grid = model.instrument.grid
    data = read_cube(
        cube, redshift, ebv=EBV, options=CubeOptions(grid=grid, velocity_map=velocity_map)
    )
    masks = masks or MasksRequest()
    options = InferenceOptions(n_draws=100, seed=1, progress=False, masks=masks)
    return data, infer_cube(model, data, options)


def _first_pass(model, data, seed):
    """Velocities of the spaxels relative to the galaxy, as a map."""
    velocity = first_pass_velocity(model, data.observation, seed)
    if data.frame_kms is not None:
        velocity = add_velocities(data.frame_kms, velocity)
    return data.map_grid.paint(velocity)


def test_velocities_and_fits_with_the_map(galaxy):
    velocity = galaxy[3]
    data, results = _infer(galaxy, velocity)
    mean, std, low, _, high = results["V"].T
    error = mean - velocity.ravel()
    assert abs(float(np.median(error))) < 4.0
    assert 0.5 < float((error / std).std()) < 1.6
    assert 0.45 < float(((velocity.ravel() > low) & (velocity.ravel() < high)).mean()) < 0.95
    assert float(np.abs(data.frame_kms - velocity.ravel()).max()) == 0.0
    assert float(np.median(results["CHI2"])) == pytest.approx(1.0, abs=0.1)


def test_without_it_lines_leak_into_fast_spaxels(galaxy):
    """Masks of 400 km/s hold lines of 90 km/s only where they are in their place."""
    fast = np.abs(galaxy[3]).ravel() > 200.0
    plain = _infer(galaxy, None)[1]["CHI2"]
    own = _infer(galaxy, galaxy[3])[1]["CHI2"]
    assert float(np.median(own[fast])) < 1.2
    assert float(np.median(plain[fast])) > 1.5


def test_two_passes_find_the_frames(galaxy):
    model, velocity = galaxy[0], galaxy[3]
    wide = MasksRequest(line_half_width_kms=700.0)
    data, _ = _infer(galaxy, None, wide)
    found = _first_pass(model, mask_cube(model, data, wide), seed=2)
    assert found.shape == velocity.shape
    assert float(np.median(np.abs(found - velocity))) < 10.0
    _, results = _infer(galaxy, found)
    error = results["V"][:, 0] - velocity.ravel()
    assert float(np.median(np.abs(error))) < 10.0
    assert float(np.median(results["CHI2"])) == pytest.approx(1.0, abs=0.1)
    # a second look from the frames of the first finds the same velocities
    again = read_cube(
        galaxy[1],
        galaxy[2],
        options=CubeOptions(grid=model.instrument.grid, velocity_map=found),
    )
    second = _first_pass(model, mask_cube(model, again, MasksRequest()), seed=3)
    assert float(np.median(np.abs(second - velocity))) < 10.0
