"""Cubes whose noise is known: scale, kernel, growth and modes come back."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
from scipy.ndimage import correlate1d, gaussian_filter

from amortized_sfh.data.cube_files.cube_file import CubeFile, open_cube
from amortized_sfh.data.cube_noise.measurement import MeasureOptions, measure_noise
from amortized_sfh.data.files.fits_files import InputFileError

N_PLANE, SIDE = 700, 40
TAPS = np.array([0.15, 1.0, 0.15]) / np.sqrt(1.0 + 2 * 0.15**2)


class Known(NamedTuple):
    """A cube, and the truth of its noise."""

    cube: CubeFile
    scale: np.ndarray
    growth: float
    modes: np.ndarray


def window(cube):
    return slice(0, cube.shape[1]), slice(0, cube.shape[2])


def stat_sigma():
    """Error bars of the file, with the peaks of sky lines."""
    plane = np.arange(N_PLANE)
    lines = sum(np.exp(-0.5 * ((plane - c) / 1.5) ** 2) for c in (150, 420, 560))
    return 3.0 + plane / N_PLANE + 2.0 * lines


def sky_shapes():
    """Two orthogonal residuals: a few narrow lines each, in units of the noise."""
    plane = np.arange(N_PLANE)
    shapes = np.zeros((2, N_PLANE))
    for k, (centres, size) in enumerate([((150, 420, 560), 2.2), ((300, 350, 640), 1.4)]):
        for sign, centre in zip((1.0, -1.0, 1.0), centres, strict=True):
            shapes[k] += sign * size * np.exp(-0.5 * ((plane - centre) / 1.5) ** 2)
    return shapes


def box_growth(noise):
    """Slope of the law, from the sums of boxes of pure noise."""
    sides = np.array([2, 3, 4, 5, 6, 8])
    excess = []
    for n in sides:
        cut = SIDE // n * n
        boxes = noise[:, :cut, :cut].reshape(len(noise), cut // n, n, cut // n, n)
        excess.append(boxes.sum(axis=(2, 4)).std() / n)
    decades = np.log10(sides**2)
    return float((decades * (np.array(excess) - 1.0)).sum() / (decades**2).sum())


def galaxy():
    """A bright galaxy in a corner, with absorption lines and a colour gradient."""
    y, x = np.mgrid[:SIDE, :SIDE]
    light = 120.0 * np.exp(-np.hypot(x - 33, y - 30) / 3.5)
    plane = np.arange(N_PLANE)
    spectrum = 1.0 - 0.2 * (np.sin(plane / 2.7) > 0.6) + 0.3 * plane / N_PLANE
    return spectrum[:, None, None] * light


@pytest.fixture
def known(write_cube):
    def make(seed=5, *, modes=True):
        rng = np.random.default_rng(seed)
        noise = rng.normal(size=(N_PLANE, SIDE, SIDE))
        noise = gaussian_filter(noise, (0, 0.5, 0.5), mode="wrap")
        noise = correlate1d(noise / noise.std(), TAPS, axis=0, mode="wrap")
        growth = box_growth(noise)
        scale = 1.15 + 0.25 * np.sin(0.5 + np.arange(N_PLANE) / 220.0)
        shapes = sky_shapes() if modes else np.zeros((0, N_PLANE))
        x = np.mgrid[:SIDE, :SIDE][1]
        # one residual is the same everywhere, the other changes sign along the field
        sizes = np.stack([np.full((SIDE, SIDE), 1.0), 1.4 * np.cos(x / 9.0)])[: len(shapes)]
        noise = noise + np.einsum("kp,kyx->pyx", shapes, sizes)
        sigma = stat_sigma()[:, None, None] * np.ones((1, SIDE, SIDE))
        flux = scale[:, None, None] * sigma * noise + galaxy()
        return Known(open_cube(write_cube(flux=flux, stat=sigma**2)), scale, growth, shapes)

    return make


def test_known_noise_comes_back(known):
    truth = known()
    measured = measure_noise(truth.cube, window(truth.cube), "known")
    profile = measured.profile
    assert profile.scale == pytest.approx(truth.scale, rel=0.03)
    assert float(np.mean(profile.scale / truth.scale)) == pytest.approx(1.0, abs=0.01)
    rho = np.correlate(TAPS, TAPS, "full")[2:]
    assert profile.autocorrelation[1] == pytest.approx(rho[1], abs=0.02)
    assert len(profile.kernel) == 3
    assert profile.growth == pytest.approx(truth.growth, abs=0.1)
    assert truth.growth > 0.3  # so that the comparison means something
    assert len(profile.sky_modes) == 2
    for mode, shape in zip(profile.sky_modes, truth.modes, strict=True):
        norms = np.sqrt((mode**2).sum()), np.sqrt((shape**2).sum())
        assert abs(mode @ shape) / (norms[0] * norms[1]) > 0.9
        assert norms[0] == pytest.approx(norms[1], rel=0.15)
    assert profile.wave_aa[[0, -1]] == pytest.approx([4749.89, 4749.89 + 1.25 * 699])
    assert "region 0:40,0:40" in profile.source


def test_the_scale_is_that_of_every_wavelength(known):
    truth = known(8, modes=False)
    profile = measure_noise(truth.cube, window(truth.cube), "known").profile
    assert profile.scale == pytest.approx(truth.scale, rel=0.03)
    assert len(profile.sky_modes) == 0


@pytest.mark.parametrize("seed", [1, 2])
def test_white_noise_has_nothing(write_cube, seed):
    flux = np.random.default_rng(seed).normal(size=(N_PLANE, SIDE, SIDE))
    cube = open_cube(write_cube(flux=flux))
    profile = measure_noise(cube, window(cube), "white").profile
    assert profile.scale == pytest.approx(1.0, abs=0.02)
    assert profile.kernel == (1.0,)
    assert profile.growth < 0.05
    assert len(profile.sky_modes) == 0


def test_emission_lines_of_the_galaxy_are_left_out(write_cube):
    rng = np.random.default_rng(4)
    flux = rng.normal(size=(N_PLANE, SIDE, SIDE))
    wave = 4749.89 + 1.25 * np.arange(N_PLANE)
    y, x = np.mgrid[:SIDE, :SIDE]
    nebula = 4.0 + 2.0 * np.cos(np.hypot(x, y) / 5.0)
    flux += np.exp(-0.5 * ((wave - 5006.84 * 1.01) / 2.0) ** 2)[:, None, None] * nebula
    cube = open_cube(write_cube(flux=flux))
    seen = measure_noise(cube, window(cube), "seen").profile
    assert len(seen.sky_modes) == 1
    left_out = measure_noise(cube, window(cube), "left out", MeasureOptions(redshift=0.01)).profile
    assert len(left_out.sky_modes) == 0


def test_without_variance(write_cube):
    with pytest.raises(InputFileError, match="no extension STAT"):
        open_cube(write_cube(stat=None))


def test_without_sky(write_cube):
    flux = 20.0 + np.random.default_rng(1).normal(size=(N_PLANE, 20, 20))
    cube = open_cube(write_cube(flux=flux))
    with pytest.raises(ValueError, match=r"shows no sky .* S/N 19\.9 per pixel, expected at most"):
        measure_noise(cube, window(cube), "galaxy")


def test_too_small_a_region(write_cube):
    cube = open_cube(write_cube(flux=np.random.default_rng(1).normal(size=(300, 12, 12))))
    with pytest.raises(ValueError, match=r"has 4\d sky spaxels .* at least 100: choose a larger"):
        measure_noise(cube, window(cube), "small")


def test_too_thin_a_region(write_cube):
    cube = open_cube(write_cube(flux=np.random.default_rng(1).normal(size=(N_PLANE, 200, 3))))
    with pytest.raises(ValueError, match=r"0 pairs of spaxels 3 apart are too few"):
        measure_noise(cube, window(cube), "thin")


def test_wavelengths_that_no_model_has(write_cube):
    cube = open_cube(write_cube(header={"CRVAL3": 9000.0}))
    with pytest.raises(ValueError, match=r"misses the model's"):
        measure_noise(cube, window(cube), "red")


@pytest.mark.parametrize("fraction", [0.0, 1.5])
def test_absurd_share_of_sky(write_cube, fraction):
    cube = open_cube(write_cube())
    with pytest.raises(ValueError, match=f"share of sky spaxels is {fraction}"):
        measure_noise(cube, window(cube), "x", MeasureOptions(sky_fraction=fraction))


def test_gaps_do_not_count_as_noise(write_cube):
    flux = np.random.default_rng(3).normal(size=(N_PLANE, SIDE, SIDE))
    flux[200:260] = np.nan  # as the notch of the laser
    flux[:, :5, :5] = np.nan
    flux[400:, 20, 20] = np.nan
    cube = open_cube(write_cube(flux=flux))
    profile = measure_noise(cube, window(cube), "gaps").profile
    assert profile.scale == pytest.approx(1.0, abs=0.03)
    assert len(profile.sky_modes) == 0
