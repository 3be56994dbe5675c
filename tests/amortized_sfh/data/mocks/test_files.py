from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from astropy.io import fits

from amortized_sfh.data.cubes.read_cube import read_cube
from amortized_sfh.data.files.fits_files import InputFileError
from amortized_sfh.data.hst.read_image import read_hst_image
from amortized_sfh.data.mocks.files import (
    HST_PIXELS_PER_SPAXEL,
    MockFiles,
    _finer,
    read_mock_truth,
    write_mock_files,
)
from simulators.generative import default_generative_model
from simulators.mock_galaxy.galaxy import MockGalaxy, mock_galaxy
from simulators.noise.noise_model import NoiseConfig, NoiseModel

EBV = 0.03


@pytest.fixture(scope="module")
def galaxy() -> MockGalaxy:
    """A galaxy whose noise model has pixel noise only."""
    tiny = NoiseConfig(
        calibration_rms=(1e-9, 1e-9),
        template_rms=1e-9,
        common_zero_point_mag=1e-9,
        band_zero_point_mag=1e-9,
        template_mag=(1e-9,) * 5,
    )
    model = default_generative_model("toy")
    model = replace(model, noise=NoiseModel(model.instrument, tiny))
    return mock_galaxy(model, 16, 3)


@pytest.fixture(scope="module")
def files(galaxy: MockGalaxy, tmp_path_factory: pytest.TempPathFactory) -> MockFiles:
    return write_mock_files(galaxy, tmp_path_factory.mktemp("mock") / "new", 5, ebv=EBV)


def test_cube_has_the_form_that_eso_delivers(files: MockFiles, galaxy: MockGalaxy) -> None:
    with fits.open(files.cube) as hdul:
        assert [hdu.name for hdu in hdul] == ["PRIMARY", "DATA", "STAT"]
        header = hdul["DATA"].header
        assert (header["CTYPE3"], header["CD3_3"]) == ("AWAV", 1.25)
        assert (header["CRVAL3"] - 4750.0) / 1.25 == round((header["CRVAL3"] - 4750.0) / 1.25)
        assert header["BUNIT"] == "10**(-20)*erg/s/cm**2/Angstrom"
        assert hdul["STAT"].data.shape == hdul["DATA"].data.shape
        assert header["CD2_2"] * 3600 == pytest.approx(galaxy.spaxel_arcsec)


def test_cube_reads_back_as_the_light_with_the_stated_noise(
    files: MockFiles, galaxy: MockGalaxy
) -> None:
    data = read_cube(files.cube, galaxy.shape.redshift, ebv=EBV, hst=files.hst)
    seen, in_memory = data.observation, galaxy.observation(1)
    np.testing.assert_array_equal(data.row, np.arange(256).reshape(16, 16))
    assert bool(seen.valid.all())
    assert bool(seen.phot_valid.all())
    z = (seen.flux - galaxy.light.flux) / seen.sigma
    assert float(z.std()) == pytest.approx(1.0, abs=0.01)
    assert abs(float(z.mean())) < 0.01
    torch.testing.assert_close(seen.sigma, in_memory.sigma, rtol=2e-3, atol=0.0)
    assert seen.unit_cgs == in_memory.unit_cgs


def test_images_read_back_as_the_light_of_the_bands(files: MockFiles, galaxy: MockGalaxy) -> None:
    data = read_cube(files.cube, galaxy.shape.redshift, ebv=EBV, hst=files.hst)
    z = (data.observation.phot - galaxy.light.phot) / data.observation.phot_sigma
    assert float(z.std()) == pytest.approx(1.0, abs=0.08)
    assert float(z.mean(0).abs().max()) < 0.3
    ratio = data.observation.phot_sigma / (galaxy.light.phot / galaxy.phot_snr)
    assert 0.9 < float(ratio.median()) < 1.01  # matching the PSF takes a little of the noise


def test_finer_images_conserve_the_light_of_every_spaxel(galaxy: MockGalaxy) -> None:
    coarse = galaxy.light.phot[:, 3].view(16, 16).double()
    fine = _finer(coarse)
    sums = (
        fine.unflatten(0, (16, HST_PIXELS_PER_SPAXEL))
        .unflatten(2, (16, HST_PIXELS_PER_SPAXEL))
        .sum((1, 3))
    )
    torch.testing.assert_close(sums, coarse, rtol=1e-12, atol=0.0)
    assert float(fine.min()) > 0.0


def test_truth_reads_back(files: MockFiles, galaxy: MockGalaxy) -> None:
    truth = read_mock_truth(files.truth)
    assert torch.equal(truth.theta, galaxy.theta)
    assert truth.names == galaxy.generative.simulator.space.names
    np.testing.assert_allclose(truth.mass_msun, galaxy.mass_msun.numpy())
    assert (truth.redshift, truth.distance_mpc, truth.ebv) == (0.00243, 11.32, EBV)
    with pytest.raises(InputFileError, match="MASS"):
        read_mock_truth(files.cube)


def test_same_seed_same_files(files: MockFiles, galaxy: MockGalaxy, tmp_path: Path) -> None:
    again = write_mock_files(galaxy, tmp_path, 5, ebv=EBV)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        path.name for path in files.cube.parent.iterdir()
    )
    for old, new in ((files.cube, again.cube), (files.hst["F275W"], again.hst["F275W"])):
        assert old.read_bytes() == new.read_bytes()
    with pytest.raises(FileExistsError, match="overwrite"):
        write_mock_files(galaxy, tmp_path, 5)
    other = write_mock_files(galaxy, tmp_path, 6, overwrite=True)
    assert files.cube.read_bytes() != other.cube.read_bytes()


def test_weight_maps_say_the_same_as_error_maps(
    files: MockFiles, galaxy: MockGalaxy, tmp_path: Path
) -> None:
    with fits.open(files.hst["F814W"]) as hdul:
        science = fits.HDUList([hdul[0].copy(), hdul["SCI"].copy()])
        weight = fits.ImageHDU(hdul["ERR"].data ** -2, name="WHT")
    science.writeto(tmp_path / "f814w.fits")
    weight.writeto(tmp_path / "f814w_err-drc-wht.fits")
    image = read_hst_image(tmp_path / "f814w.fits", weight=tmp_path / "f814w_err-drc-wht.fits")
    seen, by_error = (
        read_cube(files.cube, galaxy.shape.redshift, ebv=EBV, hst={"F814W": hst}).observation
        for hst in (image, files.hst["F814W"])
    )
    torch.testing.assert_close(seen.phot_sigma, by_error.phot_sigma, rtol=0.01, atol=0.0)
    z = (seen.phot - galaxy.light.phot)[:, 4] / seen.phot_sigma[:, 4]
    assert float(z.std()) == pytest.approx(1.0, abs=0.15)
