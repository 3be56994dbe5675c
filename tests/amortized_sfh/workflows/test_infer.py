"""What `infer` reads, from options to maps, on a small mock galaxy that rotates."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from amortized_sfh.cli.main import main
from amortized_sfh.data.mocks.files import read_mock_truth, write_mock_files
from amortized_sfh.model.model_files import save_model
from amortized_sfh.quantities.flags import Flag
from simulators.mock_galaxy.galaxy import mock_galaxy
from tests.amortized_sfh.pipelines import GistWriter, write_dap

C = 299_792.458
N_SIDE = 6


@pytest.fixture(scope="module")
def galaxy(small_model, small_posterior, tmp_path_factory):
    """Files of a mock galaxy, its truth, and the folder of a model."""
    folder = tmp_path_factory.mktemp("galaxy")
    files = write_mock_files(mock_galaxy(small_model, n_side=N_SIDE, seed=1), folder, 1)
    save_model(small_posterior, folder / "model")
    truth = read_mock_truth(files.truth)
    velocity = truth.theta[..., truth.names.index("velocity")].double().numpy()
    return folder, files, truth, velocity


@pytest.fixture
def run(galaxy, tmp_path, capsys):
    """Return a function that runs `infer` and gives the maps, or its error."""
    folder, files, truth, _ = galaxy

    def infer(*words, cube=True, code=0):
        out = tmp_path / "maps.fits"
        base = ["infer", *([str(files.cube)] if cube else []), "--out", str(out)]
        base += ["--redshift", str(truth.redshift), "--model", str(folder / "model")]
        base += ["--draws", "40", "--overwrite", "--no-plots", "--device", "cpu"]
        assert main([*base, *(str(word) for word in words)]) == code
        if code:
            return capsys.readouterr().err
        with fits.open(out) as hdul:
            return {hdu.name: (hdu.data, hdu.header) for hdu in hdul}

    return infer


@pytest.fixture
def dap(galaxy, tmp_path):
    """A MAPS file with the true velocities in bins of two columns."""
    velocity = galaxy[3]
    bins = np.arange(N_SIDE)[:, None] * 3 + np.repeat(np.arange(3), 2)[None, :]
    means = np.array([velocity[bins == b].mean() for b in range(bins.max() + 1)])[bins]
    # the untrained model's posteriors are as wide as the prior: small errors would need many draws
    ln_shift, sigma = C * np.log1p(means / C), 40.0 + 0.0 * means
    path = write_dap(tmp_path / "MAPS.fits", bins, ln_shift, sigma, errors=(30.0, 30.0))
    return path, bins, means


def test_velocity_map_is_added_back(run, galaxy, tmp_path):
    velocity = galaxy[3]
    path = tmp_path / "v.fits"
    fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(velocity, name="V")]).writeto(path)
    plain, own = run(), run("--velocity-map", path)
    shifted = run("--velocity-map", f"{path}:V", "--seed", "1")
    # the untrained model knows nothing of velocities: what differs is the frame
    low, high = (np.nanmean(maps["V"][0][0]) for maps in (plain, own))
    assert np.corrcoef(own["V"][0][0].ravel(), velocity.ravel())[0, 1] > 0.9
    assert abs(np.corrcoef(plain["V"][0][0].ravel(), velocity.ravel())[0, 1]) < 0.9
    assert high - low == pytest.approx(velocity.mean(), abs=60.0)
    assert own["PRIMARY"][1]["VELMAP"] == "v.fits"
    assert own["PRIMARY"][1]["VELFILL"] == 0
    assert not np.array_equal(shifted["V"][0], own["V"][0])


def test_masses_take_the_distance_of_the_galaxy_and_not_of_its_spaxels(run, galaxy, tmp_path):
    velocity = galaxy[3]
    path = tmp_path / "v.fits"
    fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(0.0 * velocity + 250.0)]).writeto(path)
    plain, own = run(), run("--velocity-map", path)
    # 250 km/s of 729 would be a third of the distance, 0.26 dex of the mass
    difference = np.nanmean(own["LOGMASS"][0][0] - plain["LOGMASS"][0][0])
    assert abs(float(difference)) < 0.08


def test_two_passes(run):
    maps = run("--two-pass")
    assert maps["PRIMARY"][1]["VELMAP"] == "first pass"
    assert np.isfinite(maps["V"][0][0]).all()
    first = run()
    # what the first pass took off is put back
    near = np.corrcoef(maps["V"][0][0].ravel(), first["V"][0][0].ravel())[0, 1]
    assert near > 0.5


def test_every_file_is_opened_once(run, galaxy, tmp_path, monkeypatch):
    opened, really = Counter(), fits.open

    def count(path, *args, **more):
        opened[Path(path).name] += 1
        return really(path, *args, **more)

    band, image = next(iter(galaxy[1].hst.items()))
    stars = tmp_path / "stars.reg"
    stars.write_text("image\npoint(2,3)\n")
    monkeypatch.setattr(fits, "open", count)
    run("--two-pass", "--hst", f"{band}={image}", "--mask-regions", stars)
    # the test reads the maps itself
    assert opened == {galaxy[1].cube.name: 1, Path(image).name: 1, "maps.fits": 1}


def test_a_run_is_repeated_from_its_request(run, tmp_path):
    first = run("--two-pass", "--seed", "3", "--mask-lines", "5018")
    request = tmp_path / "maps_request.toml"
    kept = request.read_text()
    assert main(["infer", "--config", str(request), "--overwrite"]) == 0
    assert request.read_text() == kept
    with fits.open(tmp_path / "maps.fits") as hdul:
        for hdu in hdul[1:]:
            if hdu.is_image:
                np.testing.assert_array_equal(hdu.data, first[hdu.name][0])
    # words take the place of what the file says
    assert main(["infer", "--config", str(request), "--overwrite", "--seed", "4"]) == 0
    assert "seed = 4" in request.read_text()


def test_two_passes_keep_the_bins(run):
    pytest.importorskip("powerbin")
    once = run("--target-snr", "60")
    twice = run("--target-snr", "60", "--two-pass")
    np.testing.assert_array_equal(once["BINID"][0], twice["BINID"][0])
    part = run("--target-snr", "60", "--two-pass", "--region", "1:5,0:4")
    assert part["BINID"][0].shape == (4, 4)


def test_bins_and_frames_of_a_maps_file(run, dap):
    path, bins, means = dap
    maps = run("--dap", path)
    np.testing.assert_array_equal(maps["BINID"][0], bins)
    assert maps["PRIMARY"][1]["MAPS"] == "MAPS.fits"
    assert maps["PRIMARY"][1]["KINEMAT"] == "free"
    assert np.corrcoef(maps["V"][0][0].ravel(), means.ravel())[0, 1] > 0.9
    assert "ESS" not in maps


@pytest.mark.parametrize(("mode", "near"), [("fixed", 3.0), ("prior", 45.0)])
def test_kinematics_of_a_maps_file(run, dap, mode, near):
    path, _, means = dap
    maps = run("--dap", path, "--kinematics", mode)
    assert maps["PRIMARY"][1]["KINEMAT"] == mode
    good = maps["ESS"][0] >= 100
    assert good.mean() > 0.5
    np.testing.assert_array_equal((maps["FLAG"][0] & Flag.KINEMATICS) > 0, ~good)
    assert np.abs(maps["V"][0][0] - means)[good].max() < near
    assert np.abs(maps["SIGMA"][0][0] - 40.0)[good].max() < near
    free = run("--dap", path)
    assert np.abs(free["V"][0][0] - means)[good].max() > near


def test_part_of_a_cube_takes_its_part_of_the_kinematics(run, dap):
    path, _, means = dap
    part = run("--dap", path, "--kinematics", "fixed", "--region", "2:6,1:3")
    good = part["ESS"][0] >= 100
    assert good.any()
    assert np.abs(part["V"][0][0] - means[1:3, 2:6])[good].max() < 3.0


def test_masks(run, galaxy, tmp_path):
    stars = tmp_path / "stars.reg"
    stars.write_text("image\npoint(2,3)\n")
    maps = run("--mask-regions", stars, "--mask-lines", "5018", "--ao", "--no-milky-way-sodium")
    assert maps["FLAG"][0][2, 1] & Flag.MASKED_REGION
    assert np.isnan(maps["V"][0][0, 2, 1])
    assert np.isfinite(maps["V"][0][0]).sum() == N_SIDE**2 - 1
    assert maps["PRIMARY"][1]["AO"] is True
    assert run()["PRIMARY"][1]["AO"] is False


def test_apertures(run, tmp_path):
    path = tmp_path / "ap.reg"
    path.write_text("image\ncircle(2,2,1.2) # text={bar end}\npoint(5,5)\n")
    maps = run("--aperture-regions", path)
    assert list(maps["APERTURES"][0]["NAME"]) == ["bar end", "region 2"]
    assert sorted(np.unique(maps["BINID"][0])) == [-1, 0, 1]


@pytest.fixture
def gist(galaxy, dap, tmp_path):
    """A run of nGIST on the galaxy: spectra are sums over its bins, rebinned."""
    _, files, truth, velocity = galaxy
    _, bins, _ = dap
    with fits.open(files.cube) as hdul:
        cube, header = hdul["DATA"].data.astype(float), hdul["DATA"].header
        stat = hdul["STAT"].data.astype(float)
    wave = header["CRVAL3"] + header["CD3_3"] * np.arange(len(cube))
    rest = wave / (1 + truth.redshift)
    log_wave = np.arange(np.log(rest[2]), np.log(rest[-3]), 60.0 / C)
    number = bins.max() + 1
    flux, error = np.zeros((2, number, log_wave.size))
    for b in range(number):
        flux[b] = np.interp(log_wave, np.log(rest), cube[:, bins == b].sum(1))
        error[b] = np.sqrt(np.interp(log_wave, np.log(rest), stat[:, bins == b].sum(1)))
    means = np.array([velocity[bins == b].mean() for b in range(number)])
    writer = GistWriter(tmp_path / "results").table(bins)
    writer.kinematics(C * np.log1p(means / C), np.full(number, 40.0))
    return writer.spectra(log_wave, flux, error)


def test_a_run_of_gist(run, gist, dap):
    _, bins, means = dap
    from_cube = run("--gist", gist.folder)
    np.testing.assert_array_equal(from_cube["BINID"][0], bins)
    words = ("--gist", gist.folder, "--gas-cleaned")
    cleaned = run(*words, cube=False)
    np.testing.assert_array_equal(cleaned["BINID"][0], bins)
    assert cleaned["PRIMARY"][1]["SPECTRA"] == "gas-cleaned"
    assert (cleaned["FLAG"][0] & Flag.NO_WCS).all()
    assert np.corrcoef(cleaned["V"][0][0].ravel(), means.ravel())[0, 1] > 0.9
    # the same light as from the cube, up to the noise of the amplitude
    difference = cleaned["LOGMASS"][0][0] - from_cube["LOGMASS"][0][0]
    assert abs(float(np.nanmedian(difference))) < 0.1
    fixed = run(*words, "--kinematics", "fixed", cube=False)
    good = fixed["ESS"][0] >= 100
    assert np.abs(fixed["V"][0][0] - means)[good].max() < 3.0


def test_bands_beside_spectra_of_gist(run, gist, galaxy):
    band, image = next(iter(galaxy[1].hst.items()))
    words = ("--gist", gist.folder, "--gas-cleaned")
    maps = run(*words, "--hst", f"{band}={image}", "--psf-fwhm", "3.0")
    assert not (maps["FLAG"][0] & Flag.NO_PHOTOMETRY).any()
    assert not (maps["FLAG"][0] & Flag.NO_WCS).any()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--gas-cleaned"], "--gas-cleaned needs --gist"),
        (["--kinematics", "fixed"], "needs maps of v and sigma; give --dap or --gist"),
        (["--dap", "m.fits", "--two-pass"], "bring their own velocities"),
        (["--gist", "d", "--velocity-map", "v.fits"], "bring their own velocities"),
        (["--gist", "d", "--gas-cleaned", "--region", "0:1,0:1"], "takes whole bins"),
        (["--mask-regions", "nowhere.reg"], "no such file: nowhere.reg"),
        (["--aperture-regions", "nowhere.reg"], "no such file: nowhere.reg"),
        (["--dap", "nowhere.fits"], "no such file: nowhere.fits"),
        (["--gist", "nowhere"], "no such folder: nowhere"),
        (["--velocity-map", "nowhere.fits:V"], "no such file: nowhere.fits"),
        (["--mask-lines", "9069"], "is outside the model's 4830-5179"),
    ],
)
def test_requests_that_cannot_be_met(run, words, expected):
    error = run(*words, code=1)
    assert expected in error
    assert error.count("\n") == 1


def test_the_cube_may_only_be_missing_with_spectra(run):
    assert "the cube is missing" in run(cube=False, code=1)
    error = run("--gist", "d", "--gas-cleaned", "--hst", "F555W=a.fits", cube=False, code=1)
    assert "--hst needs the cube" in error


def test_maps_of_another_shape(run, dap, tmp_path):
    _, bins, means = dap
    path = write_dap(tmp_path / "small.fits", bins[:4], means[:4], means[:4])
    assert "expected the cube's (6, 6)" in run("--dap", path, code=1)
