"""Noise profiles: what they refuse, and their files."""

from __future__ import annotations

from dataclasses import replace

import h5py
import numpy as np
import pytest

from simulators.noise.profile import (
    NoiseProfile,
    read_noise_profile,
    white_profile,
    write_noise_profile,
)

WAVE = 4750.0 + 1.25 * np.arange(400)


@pytest.fixture
def profile() -> NoiseProfile:
    pixel = np.arange(400)
    modes = np.stack([0.7 * np.exp(-0.5 * ((pixel - c) / 2.0) ** 2) for c in (80, 300)])
    taps = np.array([0.3, 1.0, 0.3])
    return NoiseProfile(
        name="test",
        wave_aa=WAVE,
        scale=1.0 + 0.3 * pixel / 400,
        kernel=tuple(taps / np.sqrt((taps**2).sum())),
        growth=0.6,
        sky_modes=modes * np.array([[1.0], [0.5]]),
        source="made up",
    )


def test_autocorrelation_is_that_of_noise_drawn_with_the_kernel(profile):
    rho = profile.autocorrelation
    assert rho[0] == pytest.approx(1.0)
    noise = np.convolve(np.random.default_rng(3).normal(size=200_000), profile.kernel, "same")
    drawn = [float((noise[lag:] * noise[: len(noise) - lag]).mean()) for lag in range(3)]
    assert rho == pytest.approx(drawn, abs=0.01)


def test_white_profile_changes_nothing():
    white = white_profile(WAVE, growth=0.0)
    assert (white.scale_at(WAVE[::7]) == 1.0).all()
    assert white.autocorrelation.tolist() == [1.0]
    assert white.sky_modes_at(WAVE[:5]).shape == (0, 5)


def test_ends_are_held_and_modes_vanish_beyond(profile):
    asked = np.array([WAVE[0] - 50.0, WAVE[10], WAVE[-1] + 50.0])
    assert profile.scale_at(asked) == pytest.approx(
        [profile.scale[0], profile.scale[10], profile.scale[-1]]
    )
    modes = profile.sky_modes_at(asked)
    assert modes[:, 1] == pytest.approx(profile.sky_modes[:, 10])
    assert (modes[:, [0, 2]] == 0.0).all()


@pytest.mark.parametrize("method", ["scale_at", "sky_modes_at"])
def test_wavelengths_far_outside_are_refused(profile, method):
    with pytest.raises(ValueError, match=r"covers 4750-5249 Angstrom and 5249-6000 is asked for"):
        getattr(profile, method)(np.array([5249.0, 6000.0]))


def unit(*taps):
    return tuple(np.array(taps) / np.sqrt(np.sum(np.square(taps))))


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("wave_aa", WAVE[::-1], "increase strictly"),
        ("wave_aa", WAVE[:1], "at least two"),
        ("wave_aa", np.array(4750.0), "at least two"),
        ("scale", np.ones(3), r"shape \(3,\); expected \(400,\)"),
        ("scale", np.zeros(400), "finite and positive"),
        ("scale", np.full(400, np.nan), "finite and positive"),
        ("growth", -0.1, "growth is -0.1"),
        ("growth", float("nan"), "growth is nan"),
        ("kernel", unit(1, 1), "odd number of taps"),
        ("kernel", unit(*[1] * 9), "at most 7"),
        ("kernel", unit(0.1, 1, 0.3), "symmetric"),
        ("kernel", (0.3, 1.0, 0.3), "unit L2 norm"),
        ("sky_modes", np.ones((1, 3)), r"expected \(n_mode, 400\)"),
        ("sky_modes", np.eye(6, 400), "at most 5 modes"),
        ("sky_modes", np.full((1, 400), np.inf), "of finite numbers"),
        ("sky_modes", np.zeros((1, 400)), "norms"),
        ("sky_modes", np.eye(2, 400) * np.array([[1.0], [2.0]]), "descend"),
        ("sky_modes", np.ones((2, 400)), "orthogonal"),
    ],
)
def test_bad_fields_are_refused(profile, field, value, message):
    with pytest.raises(ValueError, match=message):
        replace(profile, **{field: value})


@pytest.mark.parametrize("n_mode", [0, 2])
def test_round_trip(tmp_path, profile, n_mode):
    profile = replace(profile, sky_modes=profile.sky_modes[:n_mode])
    path = write_noise_profile(profile, tmp_path / "profile.h5")
    again = read_noise_profile(path)
    assert (again.name, again.source, again.growth) == ("test", "made up", 0.6)
    assert again.kernel == profile.kernel
    np.testing.assert_array_equal(again.wave_aa, WAVE)
    np.testing.assert_allclose(again.scale, profile.scale, rtol=1e-6)
    np.testing.assert_allclose(again.sky_modes, profile.sky_modes, atol=1e-6)
    assert [file.name for file in tmp_path.iterdir()] == ["profile.h5"]


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda f: f.attrs.__setitem__("schema_version", 2), "schema_version is .*2.*, expected 1"),
        (lambda f: f.attrs.__setitem__("format", "other"), "format is 'other'"),
        (lambda f: f.attrs.__setitem__("medium", "vacuum"), "medium is 'vacuum', expected 'air'"),
        (lambda f: f.__delitem__("scale"), "lacks scale"),
        (lambda f: f.attrs.__delitem__("growth"), "lacks growth"),
        (lambda f: f["wave_aa"].attrs.__setitem__("units", "nm"), "units 'nm', expected 'Angst"),
    ],
)
def test_files_that_break_the_specification(tmp_path, profile, spoil, message):
    path = write_noise_profile(profile, tmp_path / "profile.h5")
    with h5py.File(path, "a") as file:
        spoil(file)
    with pytest.raises(ValueError, match=message):
        read_noise_profile(path)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.6])
def test_truncated_files(tmp_path, profile, share):
    path = write_noise_profile(profile, tmp_path / "profile.h5")
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(ValueError, match="not a complete HDF5 file"):
        read_noise_profile(path)


def test_neither_a_file_nor_a_known_name(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no noise profile .*muse-nowhere"):
        read_noise_profile(tmp_path / "muse-nowhere")


def test_the_profile_that_the_package_carries():
    profile = read_noise_profile("muse-abell478")
    assert profile.name == "muse-abell478"
    assert "Abell 478" in profile.source
    assert profile.wave_aa[0] < 4751.0
    assert profile.wave_aa[-1] > 7640.0  # the model's red end at its largest redshift
    assert 0.9 < profile.scale.min() < profile.scale.max() < 1.1
    assert 0.1 < profile.autocorrelation[1] < 0.2
    assert 0.1 < profile.growth < 0.4
    assert len(profile.sky_modes) == 1
