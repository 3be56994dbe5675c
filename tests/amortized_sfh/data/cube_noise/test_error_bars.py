"""Error bars enlarged while a cube is read."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from amortized_sfh.data.cube_noise.error_bars import CubeNoise
from amortized_sfh.data.cubes.read_cube import CubeOptions, read_cube
from simulators.noise.profile import NoiseProfile, white_profile

Z = 0.00243
WAVE = 4749.89 + 1.25 * np.arange(1800)
MIDDLE = 800


@pytest.fixture
def profile() -> NoiseProfile:
    mode = np.zeros((1, 1800))
    mode[0, 500:1100] = 0.3
    return replace(
        white_profile(WAVE, growth=0.5), name="test", scale=np.full(1800, 1.4), sky_modes=mode
    )


def sigma_of(data):
    return data.observation.sigma[:, MIDDLE]


def test_spaxels_get_scale_and_residuals_of_the_sky(write_cube, profile):
    path = write_cube()
    plain = read_cube(path, Z)
    data = read_cube(path, Z, options=CubeOptions(noise_profile=profile))
    # the residual is given in units of the scaled noise
    ratio = sigma_of(data) / sigma_of(plain)
    torch.testing.assert_close(ratio, torch.full((48,), 1.4 * np.hypot(1.0, 0.3)))
    outside = data.observation.sigma[:, 200] / plain.observation.sigma[:, 200]
    torch.testing.assert_close(outside, torch.full((48,), 1.4))
    assert (plain.noise_scale == 1.0).all()
    assert data.noise_scale == pytest.approx(1.4)  # two thirds of the pixels
    assert data.provenance["NOISPROF"] == "test"
    torch.testing.assert_close(data.observation.flux, plain.observation.flux)


def test_residuals_grow_with_the_number_of_spaxels(write_cube, profile):
    bins = np.zeros((6, 8))
    bins[0, 0] = 1
    path, options = write_cube(), CubeOptions(noise_profile=profile)
    data = read_cube(path, Z, bins=bins, options=options)
    single = sigma_of(read_cube(path, Z))[0]
    n = np.array([47.0, 1.0])
    independent = np.sqrt(n) * (1.0 + 0.5 * np.log10(n)) * 1.4
    expected = np.hypot(independent, n * 0.3 * 1.4)
    assert (sigma_of(data) / single).numpy() == pytest.approx(expected, rel=1e-4)
    # most pixels have no residual, which leaves scale and growth
    assert data.noise_scale == pytest.approx([1.4 * (1.0 + 0.5 * np.log10(47.0)), 1.4], rel=1e-4)
    assert data.provenance["NOISEGRO"] == 0.5


def test_residuals_are_those_of_faint_spaxels_everywhere(write_cube, profile):
    flux = np.ones((1800, 6, 8)) * np.where(np.arange(8) < 4, 1.0, 50.0)
    stat = np.where(flux > 10.0, 25.0, 4.0)
    path = write_cube(flux=flux, stat=stat)
    options = CubeOptions(noise_profile=profile)
    plain = sigma_of(read_cube(path, Z, window=(4, 8, 0, 6)))
    bright = sigma_of(read_cube(path, Z, window=(4, 8, 0, 6), options=options))
    added = (bright**2 - (1.4 * plain) ** 2).sqrt() / plain
    # sky spaxels have errors of 2, bright ones of 5
    torch.testing.assert_close(added, torch.full((24,), 0.3 * 1.4 * 2.0 / 5.0), rtol=1e-3, atol=0.0)


def test_growth_given_wins_over_that_of_the_profile(write_cube, profile):
    profile = replace(profile, sky_modes=profile.sky_modes[:0])
    options = CubeOptions(noise_profile=profile, noise_growth=0.0)
    data = read_cube(write_cube(), Z, bins=np.zeros((6, 8)), options=options)
    assert data.noise_scale == pytest.approx(1.4)


def test_bins_without_a_profile_tell_their_growth(write_cube):
    options = CubeOptions(noise_growth=0.5)
    data = read_cube(write_cube(), Z, bins=np.zeros((6, 8)), options=options)
    assert data.noise_scale == pytest.approx(1.0 + 0.5 * np.log10(48))
    assert "NOISPROF" not in data.provenance


def test_profile_of_other_wavelengths(write_cube):
    options = CubeOptions(noise_profile=white_profile(np.linspace(8000.0, 9000.0, 50)))
    with pytest.raises(ValueError, match=r"covers 8000-9000 Angstrom and 47\d\d-69\d\d is asked"):
        read_cube(write_cube(), Z, options=options)


def test_residuals_need_some_valid_spaxel(write_cube, profile):
    path = write_cube(flux=np.full((1800, 6, 8), np.nan))
    with pytest.raises(ValueError, match="no valid spaxel in 24 rows"):
        read_cube(path, Z, options=CubeOptions(noise_profile=profile))


def test_pixels_without_an_error_stay_so():
    noise = CubeNoise(growth=0.0, sky=torch.ones(3))
    error, factor = noise.enlarge(torch.tensor([[0.0, 1.0, 1.0], [0.0, 0.0, 0.0]]), np.ones(2))
    torch.testing.assert_close(error, torch.tensor([[0.0, 2.0**0.5, 2.0**0.5], [0.0] * 3]))
    assert factor == pytest.approx([2.0**0.5, 1.0])


def test_what_the_model_has_of_the_sky_is_not_added_again(write_cube, profile):
    bins = np.zeros((6, 8))
    bins[0, 0] = 1
    path, options = write_cube(), CubeOptions(noise_profile=profile, sky_modelled=True)
    data = read_cube(path, Z, bins=bins, options=options)
    single = sigma_of(read_cube(path, Z))[0]
    n = np.array([47.0, 1.0])
    independent = np.sqrt(n) * (1.0 + 0.5 * np.log10(n)) * 1.4
    expected = np.hypot(independent, np.sqrt(n * (n - 1.0)) * 0.3 * 1.4)
    assert (sigma_of(data) / single).numpy() == pytest.approx(expected, rel=1e-4)
