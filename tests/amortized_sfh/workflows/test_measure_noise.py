"""The command `measure-noise`, and profiles in `infer`."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from astropy.io import fits

from amortized_sfh.cli.main import main
from amortized_sfh.data.cubes.cube_data import CubeOptions
from amortized_sfh.data.cubes.read_cube import read_cube
from amortized_sfh.workflows import infer as workflow
from amortized_sfh.workflows.demos.abell478 import LINE_HALF_WIDTH_KMS, REDSHIFT, abell478_files
from amortized_sfh.workflows.infer_cube import InferenceOptions, infer_cube
from simulators.noise.profile import read_noise_profile

N_PLANE = 700


@pytest.fixture
def write(tmp_path):
    def make(flux, *, stat=True):
        data = fits.ImageHDU(flux.astype(np.float32), name="DATA")
        data.header.update({"CTYPE3": "AWAV", "CRVAL3": 4749.89, "CUNIT3": "Angstrom"})
        data.header.update({"CD3_3": 1.25, "BUNIT": "10**(-20)*erg/s/cm**2/Angstrom"})
        hdus = [fits.PrimaryHDU(), data]
        if stat:
            hdus.append(fits.ImageHDU(np.ones_like(flux, dtype=np.float32), name="STAT"))
        fits.HDUList(hdus).writeto(tmp_path / "cube.fits")
        return tmp_path / "cube.fits"

    return make


@pytest.fixture
def noisy(write):
    """A cube whose noise is twice its error bars."""
    return write(2.0 * np.random.default_rng(1).normal(size=(N_PLANE, 24, 24)))


def test_a_profile_and_a_figure(noisy, tmp_path, capsys):
    out, plot = tmp_path / "profile.h5", tmp_path / "noise.png"
    words = ["measure-noise", str(noisy), "--out", str(out), "--plot", str(plot)]
    assert main([*words, "--region", "0:24,2:24", "--redshift", "0.002"]) == 0
    profile = read_noise_profile(out)
    assert profile.name == "profile"
    assert profile.scale == pytest.approx(2.0, rel=0.03)
    assert plot.stat().st_size > 10_000
    told = capsys.readouterr().out
    assert "scale against STAT: median 1.99" in told
    assert "modes of the sky: 0" in told
    assert "region 0:24,2:24" in told
    assert main(words) == 1
    assert "profile.h5 exists" in capsys.readouterr().err
    assert main([*words, "--overwrite", "--name", "mine"]) == 0
    assert read_noise_profile(out).name == "mine"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--region", "0:5,0:5"], "at least 100: choose a larger region"),
        (["--region", "0:50,0:5"], "expected a part of the cube"),
        (["--redshift", "-3"], "redshift"),
        (["--line-width", "0"], "--line-width is 0 km/s; expected above 0"),
        (["--sky-fraction", "2"], "share of sky spaxels is 2.0"),
    ],
)
def test_bad_requests(noisy, tmp_path, capsys, words, expected):
    out = tmp_path / "profile.h5"
    assert main(["measure-noise", str(noisy), "--out", str(out), *words]) == 1
    assert expected in capsys.readouterr().err
    assert not out.exists()


def test_a_cube_without_variance(write, tmp_path, capsys):
    cube = write(np.ones((N_PLANE, 24, 24)), stat=False)
    assert main(["measure-noise", str(cube), "--out", str(tmp_path / "profile.h5")]) == 1
    assert "no extension STAT" in capsys.readouterr().err


def test_infer_with_an_unknown_profile(noisy, tmp_path, capsys):
    words = ["infer", str(noisy), "--redshift", "0.002", "--out", str(tmp_path / "maps.fits")]
    assert main([*words, "--noise-profile", "muse-nowhere"]) == 1
    assert "no noise profile muse-nowhere" in capsys.readouterr().err
    (tmp_path / "broken.h5").write_bytes(b"\x89HDF\r\n\x1a\n broken")
    assert main([*words, "--noise-profile", str(tmp_path / "broken.h5")]) == 1
    assert "broken.h5 is not a complete HDF5 file" in capsys.readouterr().err


def test_infer_reads_the_cube_with_the_profile(noisy, small_posterior, tmp_path, monkeypatch):
    seen = []

    def infer(model, data, options, **more):
        seen.append(data)
        return infer_cube(model, data, replace(options, n_draws=4), **more)

    monkeypatch.setattr(workflow, "load_model", lambda *_: small_posterior)
    monkeypatch.setattr(workflow, "infer_cube", infer)
    words = ["infer", str(noisy), "--redshift", "0.002", "--out", str(tmp_path / "maps.fits")]
    assert main([*words, "--no-plots", "--noise-profile", "muse-abell478"]) == 0
    assert seen[0].provenance["NOISPROF"] == "muse-abell478"
    assert (seen[0].noise_scale != 1.0).all()


def test_the_noise_scale_is_always_written(write, small_posterior, tmp_path):
    flux = 20.0 + 2.0 * np.random.default_rng(2).normal(size=(N_PLANE, 3, 4))
    path, grid = write(flux), small_posterior.instrument.grid
    profile = read_noise_profile("muse-abell478")

    def noise_scale(name, options, **run):
        data = read_cube(path, 0.002, options=CubeOptions(grid=grid, **options))
        run = InferenceOptions(n_draws=8, progress=False, **run)
        out = infer_cube(small_posterior, data, run).write(tmp_path / name)
        return fits.getdata(out, "NOISE_SCALE")

    assert (noise_scale("plain.fits", {}) == 1.0).all()
    measured = noise_scale("measured.fits", {}, measure_noise=True)
    assert np.median(measured) == pytest.approx(2.0, rel=0.25)
    read = noise_scale("profile.fits", {"noise_profile": profile})
    assert read == pytest.approx(read[0, 0], rel=1e-5)
    assert 0.95 < read[0, 0] < 1.3
    # what the profile leaves is measured on top of it
    both = noise_scale("both.fits", {"noise_profile": profile}, measure_noise=True)
    assert both == pytest.approx(measured, rel=0.15)


@pytest.mark.data
def test_abell_478_has_the_noise_that_the_package_carries(tmp_path):
    try:
        cube, _ = abell478_files()
    except FileNotFoundError:
        pytest.skip("the cube of Abell 478 in mpdaf is not installed")
    out = tmp_path / "again.h5"
    words = ["measure-noise", str(cube), "--out", str(out), "--redshift", str(REDSHIFT)]
    assert main([*words, "--line-width", str(LINE_HALF_WIDTH_KMS)]) == 0
    again, shipped = read_noise_profile(out), read_noise_profile("muse-abell478")
    assert again.scale == pytest.approx(shipped.scale, rel=1e-3)
    assert again.autocorrelation == pytest.approx(shipped.autocorrelation, abs=1e-3)
    assert again.growth == pytest.approx(shipped.growth, abs=1e-3)
    assert np.abs(again.sky_modes @ shipped.sky_modes.T) == pytest.approx(
        (shipped.sky_modes**2).sum(), rel=0.01
    )
