"""Velocities measured while a cube is read: own frames without reading the pixels twice."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
import torch

from amortized_sfh.data.cube_files.cube_file import CubeFile
from amortized_sfh.data.cubes.read_cube import CubeOptions, read_cube
from simulators.constants import SPEED_OF_LIGHT_KMS
from simulators.noise.profile import NoiseProfile
from simulators.observations.masks import REST_LINES_AA
from simulators.observations.observation import Observation
from simulators.wavelengths.doppler import shift_redshift
from simulators.wavelengths.rest_grid import REST_GRID

Z = 0.00243
HALPHA = REST_LINES_AA["Halpha"]
BINS = np.repeat(np.arange(4), 2)[None, :] * np.ones((6, 1), dtype=int)


@pytest.fixture
def cube(write_cube):
    """A cube that rotates at ±250 km/s, with one line, noise, and a spaxel without data."""
    velocity = np.linspace(-250.0, 250.0, 8)[None, :] * np.ones((6, 1))
    wave = (4749.89 + 1.25 * np.arange(1800))[:, None, None]
    line = HALPHA * (1.0 + shift_redshift(Z, velocity))
    flux = 10.0 + 50.0 * np.exp(-0.5 * ((wave - line) / 1.5) ** 2)
    flux += 0.1 * np.random.default_rng(1).normal(size=flux.shape)
    flux[:, 2, 3] = np.nan
    return write_cube(flux=flux)


class Measurement:
    """Velocity of the line, and all that it was asked for."""

    def __init__(self):
        self.seen = []

    def __call__(self, observation):
        self.seen.append(observation)
        wave = REST_GRID.centres_aa
        near = (wave - HALPHA).abs() < 12.0
        flux = observation.flux.double() - observation.flux.median(1, keepdim=True).values
        centre = (flux * wave)[:, near].sum(1) / flux[:, near].sum(1)
        return (centre / HALPHA - 1.0).numpy() * SPEED_OF_LIGHT_KMS


def same(one, other):
    """Whether two observations hold the same numbers."""
    names = [field.name for field in fields(one) if field.name != "unit_cgs"]
    return all(torch.equal(getattr(one, name), getattr(other, name)) for name in names)


@pytest.fixture
def profile():
    wave = np.arange(4700.0, 7100.0, 5.0)
    scale, modes = 1.0 + 1e-4 * wave, np.zeros((0, len(wave)))
    return NoiseProfile(name="p", wave_aa=wave, scale=scale, kernel=(1.0,), growth=0.4,
                        sky_modes=modes, source="a test")  # fmt: skip


def test_pixels_are_read_once(cube, monkeypatch):
    first, original = [], CubeFile._read
    monkeypatch.setattr(CubeFile, "_read", lambda *a: first.append(a[2]) or original(*a))
    options = CubeOptions(measure_velocity=Measurement(), chunk_spaxels=16)
    assert len(read_cube(cube, Z, options=options)) == 47
    assert first == [0, 16, 32]


def test_spaxels_as_in_two_readings(cube, write_hst):
    measure, hst = Measurement(), {"F555W": write_hst()}
    options = CubeOptions(measure_velocity=measure, chunk_spaxels=16)
    data = read_cube(cube, Z, hst=hst, ebv=0.1, options=options)
    plain = read_cube(cube, Z, hst=hst, ebv=0.1).observation
    assert [len(part) for part in measure.seen] == [16, 15, 16]
    assert same(Observation.cat(measure.seen), plain)
    field = data.map_grid.paint(Measurement()(plain))
    again = read_cube(cube, Z, hst=hst, ebv=0.1, options=CubeOptions(velocity_map=field))
    np.testing.assert_array_equal(data.frame_kms, again.frame_kms)
    assert same(data.observation, again.observation)
    assert np.abs(data.frame_kms).max() > 200.0
    assert (data.provenance["VELMAP"], data.provenance["VELFILL"]) == ("first pass", 1)


@pytest.mark.parametrize("chosen", [{"bins": BINS}, {"target_snr": 16.0}], ids=["bins", "snr"])
@pytest.mark.parametrize("noise", ["given", "measured", "profile"])
def test_bins_as_in_two_readings(cube, write_hst, profile, chosen, noise):
    if "target_snr" in chosen:
        pytest.importorskip("powerbin")
    how = {"given": {"noise_growth": 0.3}, "measured": {}, "profile": {"noise_profile": profile}}
    measure, hst = Measurement(), {"F555W": write_hst()}
    options = CubeOptions(measure_velocity=measure, **how[noise])
    data = read_cube(cube, Z, hst=hst, options=options, **chosen)
    plain = read_cube(cube, Z, hst=hst, options=CubeOptions(**how[noise]), **chosen)
    (seen,) = measure.seen
    assert same(seen, plain.observation)
    field = plain.map_grid.paint(Measurement()(seen))
    bins = plain.map_grid.paint(plain.label, fill=-1)
    own = CubeOptions(velocity_map=field, noise_growth=plain.noise_growth,
                      noise_profile=options.noise_profile)  # fmt: skip
    again = read_cube(cube, Z, hst=hst, bins=bins, options=own)
    np.testing.assert_array_equal(data.row, again.row)
    np.testing.assert_allclose(data.frame_kms, again.frame_kms, rtol=1e-12)
    for name in ("flux", "sigma", "phot", "phot_sigma"):
        one, other = (getattr(d.observation, name) for d in (data, again))
        torch.testing.assert_close(one, other, rtol=1e-6, atol=1e-6)
    assert data.noise_growth == plain.noise_growth


def test_spaxels_without_a_velocity_take_that_of_a_neighbour(cube):
    def measure(observation):
        velocity = np.full(len(observation), 100.0)
        velocity[:2], velocity[2] = np.nan, 5000.0
        return velocity

    options = CubeOptions(measure_velocity=measure, chunk_spaxels=24)
    data = read_cube(cube, Z, options=options)
    assert (data.frame_kms == 100.0).all()
    assert data.provenance["VELFILL"] == 7  # three of each chunk, and the one without data
    nothing = CubeOptions(measure_velocity=lambda o: np.full(len(o), np.nan))
    assert (read_cube(cube, Z, options=nothing).frame_kms == 0.0).all()


def test_impossible_measurements(cube):
    with pytest.raises(ValueError, match="both velocity_map and measure_velocity"):
        CubeOptions(velocity_map=np.zeros((6, 8)), measure_velocity=Measurement())
    with pytest.raises(ValueError, match=r"of shape \(1,\); expected \(47,\), one for each row"):
        read_cube(cube, Z, options=CubeOptions(measure_velocity=lambda o: np.zeros(1)))
