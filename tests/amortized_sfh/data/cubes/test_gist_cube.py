"""Emission-line-subtracted spectra of GIST and nGIST as observations."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from amortized_sfh.data.ancillary.gist_products import read_gist, read_gist_spectra
from amortized_sfh.data.cubes.gist_cube import gas_cleaned_data
from amortized_sfh.data.cubes.read_cube import CubeOptions, read_cube
from amortized_sfh.data.files.fits_files import InputFileError
from amortized_sfh.data.foreground import foreground_factor
from amortized_sfh.quantities.flags import Flag
from simulators.instruments.instrument import Instrument
from simulators.wavelengths.rest_grid import REST_GRID
from tests.amortized_sfh.pipelines import GistWriter

Z, C = 0.00243, 299_792.458
BINS = np.repeat(np.arange(4), 2)[None, :] * np.ones((6, 1), dtype=int)
VELOCITY = np.array([-250.0, -80.0, 80.0, 250.0])
SIGMA = np.array([40.0, 45.0, 50.0, 55.0])
LOG_WAVE = np.log(4730.0) + 50.0 / C * np.arange(2400)
ABSORPTION_AA, DEPTH = 5270.0, 0.6


def bin_spectra():
    """A line of each bin at its velocity, and a gradient of the error along wavelength."""
    wave = np.exp(LOG_WAVE)
    centre = ABSORPTION_AA * np.exp(VELOCITY / C)[:, None]
    flux = 120.0 * (1.0 - DEPTH * np.exp(-0.5 * ((wave - centre) / 4.0) ** 2))
    return flux, (wave / 5000.0) * np.ones((4, 1))


@pytest.fixture(params=["gist", "ngist-5", "ngist-7"])
def folder(request, tmp_path, sky):
    writer = GistWriter(tmp_path / "results", request.param)
    writer.table(BINS, header=sky(8, 6, 0.2).to_header()).kinematics(VELOCITY, SIGMA)
    return writer.spectra(LOG_WAVE, *bin_spectra())


def test_spectra_come_to_the_rest_frames_of_their_bins(folder):
    data = gas_cleaned_data(read_gist(folder.folder), Z, Instrument())
    obs, wave = data.observation, REST_GRID.centres_aa
    assert data.label.tolist() == [0, 1, 2, 3]
    np.testing.assert_array_equal(data.row, BINS)
    assert data.n_spaxels.tolist() == [12] * 4
    np.testing.assert_allclose(data.frame_kms, C * np.expm1(VELOCITY / C), rtol=1e-6)
    near = (wave > 5255) & (wave < 5285)
    lack = 1.0 - obs.flux[:, near] / (120.0 * (1 + obs.redshift[:, None]) / (1 + 0.0))
    centre = (lack * wave[near]).sum(1) / lack.sum(1)
    # (1 + z)(1 + v/c) in air, done in vacuum: 0.01 Å
    assert float((centre - ABSORPTION_AA).abs().max()) < 0.05
    assert float(obs.valid.float().mean()) > 0.999
    assert (data.flag & Flag.NO_PHOTOMETRY > 0).all()
    assert not bool(obs.phot_valid.any())
    assert obs.unit_cgs == 1e-20


def test_flux_and_errors_are_those_of_muse_pixels(folder):
    """ESPEC is the error of a MUSE pixel, whatever the width of the rebinned pixels."""
    data = gas_cleaned_data(read_gist(folder.folder), Z, Instrument())
    obs, wave = data.observation, REST_GRID.centres_aa
    flat = (wave > 5500) & (wave < 6900)
    torch.testing.assert_close(
        obs.flux[:, flat], 120.0 * (1 + obs.redshift[:, None]).expand(-1, int(flat.sum())),
        rtol=1e-4, atol=0.0,
    )  # fmt: skip
    # the same errors in a cube of MUSE pixels, read directly
    from simulators.wavelengths.resample import to_rest_frame

    edges = 4750.0 + 1.25 * (torch.arange(1801).double() - 0.5)
    native = 0.5 * (edges[1:] + edges[:-1]) / (1 + Z) / 5000.0
    ones = torch.ones(4, 1800).double()
    direct = to_rest_frame(edges, (ones, native * ones, ones > 0), obs.redshift.double())
    ratio = obs.sigma / direct.sigma
    assert float((ratio[:, 10:-10] - 1.0).abs().max()) < 2e-3


def test_foreground_is_removed_once(folder):
    plain = gas_cleaned_data(read_gist(folder.folder), Z, Instrument()).observation
    dusty = gas_cleaned_data(read_gist(folder.folder), Z, Instrument(), ebv=0.1).observation
    wave = (REST_GRID.centres_aa * (1 + plain.redshift[1].double())).numpy()
    factor = torch.as_tensor(foreground_factor(wave, 0.1)).float()
    torch.testing.assert_close(dusty.flux[1] / plain.flux[1], factor, rtol=1e-4, atol=0.0)
    torch.testing.assert_close(dusty.sigma[1] / plain.sigma[1], factor, rtol=1e-4, atol=0.0)
    folder.config("GENERAL:\n  REDSHIFT: 0.00243\nREAD_DATA:\n  EBmV: 0.1\n")
    done = gas_cleaned_data(read_gist(folder.folder), Z, Instrument(), ebv=0.1).observation
    torch.testing.assert_close(done.flux, plain.flux)


def test_bands_come_from_the_cube(folder, write_cube, write_hst):
    products = read_gist(folder.folder)
    options = CubeOptions(velocity_map=products.maps.velocity_kms)
    cube = read_cube(
        write_cube(), Z, bins=products.maps.bin_id, hst={"F555W": write_hst()}, options=options
    )
    data = gas_cleaned_data(products, Z, Instrument(), cube=cube)
    torch.testing.assert_close(data.observation.phot, cube.observation.phot)
    assert bool(data.observation.phot_valid[:, 3].all())
    assert float(data.observation.flux[0, 1000]) == pytest.approx(120.0, rel=0.01)
    torch.testing.assert_close(data.observation.redshift, cube.observation.redshift)


def test_a_bin_whose_fit_failed_has_no_data(folder):
    flux, sigma = bin_spectra()
    flux[2] = np.nan
    folder.kinematics(np.array([-250.0, -80.0, np.nan, 250.0]), SIGMA).spectra(
        LOG_WAVE, flux, sigma
    )
    data = gas_cleaned_data(read_gist(folder.folder), Z, Instrument())
    assert data.flag[2] & Flag.NO_DATA
    assert not (data.flag[[0, 1, 3]] & Flag.NO_DATA).any()
    assert np.isfinite(data.frame_kms).all()


def test_wrong_redshifts(folder):
    folder.config("GENERAL:\n  REDSHIFT: 0.01\n")
    products = read_gist(folder.folder)
    with pytest.raises(ValueError, match=r"redshift is 0\.00243 and that of the GIST run .* 0\.01"):
        gas_cleaned_data(products, Z, Instrument())
    with pytest.raises(ValueError, match="redshift"):
        gas_cleaned_data(products, 729.0, Instrument())


def test_missing_and_odd_spectra(tmp_path, folder):
    bare = GistWriter(tmp_path / "bare").table(BINS).kinematics(VELOCITY, SIGMA)
    with pytest.raises(InputFileError, match="no emission-line-subtracted spectra"):
        read_gist_spectra(read_gist(bare.folder))
    flux, sigma = bin_spectra()
    folder.spectra(LOG_WAVE, flux[:3], sigma[:3])
    with pytest.raises(InputFileError, match=r"expected SPEC \(4, n_wave\)"):
        read_gist_spectra(read_gist(folder.folder))
    folder.spectra(np.exp(LOG_WAVE), flux, sigma)  # wavelengths, not their logarithms
    with pytest.raises(InputFileError, match="expected natural logarithms"):
        gas_cleaned_data(read_gist(folder.folder), Z, Instrument())


def test_errors_beside_the_binned_spectra(tmp_path):
    flux, sigma = bin_spectra()
    old = GistWriter(tmp_path / "old", "gist").table(BINS).kinematics(VELOCITY, SIGMA)
    old.spectra(LOG_WAVE, flux, sigma)
    np.testing.assert_allclose(read_gist_spectra(read_gist(old.folder)).sigma, sigma)
    # newer runs keep them in HDF5
    binned = old.folder / "NGC0000_BinSpectra.fits"
    binned.unlink()
    GistWriter(old.folder, "ngist-7").spectra(LOG_WAVE, flux, 2.0 * sigma)
    (old.folder / "NGC0000_gas_cleaned_bin.fits").unlink()
    np.testing.assert_allclose(read_gist_spectra(read_gist(old.folder)).sigma, 2.0 * sigma)
    GistWriter(old.folder, "ngist-7").spectra(LOG_WAVE + 0.01, flux, sigma)
    (old.folder / "NGC0000_gas_cleaned_bin.fits").unlink()
    with pytest.raises(InputFileError, match="other wavelengths than the cleaned spectra"):
        read_gist_spectra(read_gist(old.folder))
    (old.folder / "NGC0000_bin_spectra.hdf5").unlink()
    with pytest.raises(InputFileError, match="no errors of its spectra"):
        read_gist_spectra(read_gist(old.folder))
