"""A LOGCUBE of MaNGA comes in as any other cube."""

from __future__ import annotations

import gzip

import numpy as np
import pytest
import torch
from astropy.io import fits

from amortized_sfh.data.cube_files.cube_file import UNIT_CGS, open_cube
from amortized_sfh.data.cubes.cube_data import CubeOptions
from amortized_sfh.data.cubes.model_check import check_cube_for_model, select_model_bands
from amortized_sfh.data.cubes.read_cube import read_cube
from amortized_sfh.data.files.fits_files import InputFileError
from amortized_sfh.data.spectra.read_spectra import read_spectra
from simulators.instruments.instrument import Instrument
from simulators.observations.masks import mask_observation
from simulators.surveys.preset import read_preset
from simulators.wavelengths.air import air_to_vacuum

N_WAVE, NY, NX = 4563, 3, 4
WAVE = 10.0 ** (3.5589 + 1e-4 * np.arange(N_WAVE))
REDSHIFT = 0.03


@pytest.fixture
def write(tmp_path, sky):
    """Return a function that writes a LOGCUBE: a continuum of 2, an emission line at H alpha."""

    def make(**changed):
        line = float(air_to_vacuum(torch.tensor(6562.80, dtype=torch.float64))) * (1 + REDSHIFT)
        flux = 2.0 + 30.0 * np.exp(-0.5 * ((WAVE - line) / 2.0) ** 2)
        flux = np.repeat(flux[:, None], NY * NX, axis=1).reshape(N_WAVE, NY, NX)
        ivar = np.full(flux.shape, 100.0)
        ivar[2000, 1, 1] = 0.0
        mask = np.zeros(flux.shape, dtype=np.int32)
        mask[:, 0, 0] = 1027
        mask[2500:2510, 1, 2] = 8
        parts = {"FLUX": flux, "IVAR": ivar, "MASK": mask, "WAVE": WAVE} | changed
        hdus = [fits.ImageHDU(v, name=k) for k, v in parts.items() if v is not None]
        header = sky(NX, NY, 0.5).to_header()
        header["WCSAXES"] = 3
        hdus[0].header.update(header)
        hdus[0].header.update({"CTYPE3": "WAVE-LOG", "CRPIX3": 1, "CRVAL3": 3.62159598486e-7})
        hdus[0].header.update({"CD3_3": 8.34e-11, "CUNIT3": "m"})
        hdus[0].header["BUNIT"] = "1E-17 erg/s/cm^2/Ang/spaxel"
        path = tmp_path / "manga-1-LOGCUBE.fits"
        fits.HDUList([fits.PrimaryHDU(), *hdus]).writeto(path, overwrite=True)
        return path

    return make


def test_headers(write):
    cube = open_cube(write())
    assert (cube.shape, cube.medium, cube.unit_cgs) == ((N_WAVE, NY, NX), "vacuum", 1e-17)
    assert cube.wcs is not None
    middle = 0.5 * (cube.edges_aa[1:] + cube.edges_aa[:-1])
    np.testing.assert_allclose(middle, WAVE, rtol=1e-7)


def test_chunks_have_variances(write):
    cube = open_cube(write())
    window, planes = (slice(0, NY), slice(0, NX)), slice(0, N_WAVE)
    (chunk,) = cube.chunks(window, planes)
    scale = 1e-17 / UNIT_CGS
    assert float(chunk.flux[5, 10]) == pytest.approx(2.0 * scale)
    assert float(chunk.variance[5, 10]) == pytest.approx(0.01 * scale**2)
    assert not bool(chunk.valid[0].any())
    assert torch.nonzero(~chunk.valid[5]).flatten().tolist() == [2000]
    assert torch.nonzero(~chunk.valid[6]).flatten().tolist() == list(range(2500, 2510))
    assert chunk.bad_variance.tolist() == [spaxel == 5 for spaxel in range(NY * NX)]


def test_compressed_as_it_is_delivered(write):
    path = write()
    packed = path.with_name(path.name + ".gz")
    packed.write_bytes(gzip.compress(path.read_bytes(), 1))
    window, planes = (slice(1, 2), slice(0, NX)), slice(100, 300)
    (plain,), (other,) = (open_cube(p).chunks(window, planes) for p in (path, packed))
    assert torch.equal(plain.flux, other.flux)
    assert torch.equal(plain.variance, other.variance)


def test_a_cube_becomes_observations_of_the_survey(write):
    path, instrument = write(), read_preset("manga").instrument
    check_cube_for_model(path, REDSHIFT, instrument)
    data = read_cube(path, REDSHIFT, options=CubeOptions(grid=instrument.grid))
    observation = select_model_bands(data, instrument).observation
    assert (len(observation), observation.n_pix, observation.n_band) == (11, 3040, 0)
    assert data.row[0, 0] == -1
    wave = instrument.grid.centres_aa
    far = (wave - 6562.8).abs() > 30.0
    level = observation.flux[1][far & observation.valid[1]] * observation.unit_cgs
    expected = torch.full_like(level, 2e-17 * (1 + REDSHIFT))
    torch.testing.assert_close(level, expected, rtol=1e-5, atol=0)
    # the line lies where it does in air
    peak = float(wave[int(observation.flux[1].argmax())])
    assert peak == pytest.approx(6562.8, abs=0.8)
    masked = mask_observation(observation, instrument)
    assert not bool(masked.valid[1][(wave - 6562.8).abs() < 5.0].any())


def test_the_default_model_takes_neither_its_pixels(write):
    with pytest.raises(ValueError, match=r"wider than the 1\.25 Å .*'phangs-muse-hst'"):
        check_cube_for_model(write(), REDSHIFT, Instrument())


def test_a_cube_is_no_spectrum_and_rows_are_no_cube(write):
    path = write()
    with pytest.raises(
        InputFileError, match=r"holds a cube \(extension FLUX\).*`amortized-sfh infer`"
    ):
        read_spectra(path)
    rows = {k: np.ones((2, N_WAVE)) for k in ("FLUX", "IVAR")}
    rows["MASK"] = np.zeros((2, N_WAVE), dtype=np.int32)
    path = path.with_name("manga-1-LOGRSS.fits")
    hdus = [fits.ImageHDU(v, name=k) for k, v in (rows | {"WAVE": WAVE}).items()]
    fits.HDUList([fits.PrimaryHDU(), *hdus]).writeto(path)
    with pytest.raises(
        InputFileError, match=r"holds rows of spectra .*`amortized-sfh infer-spectrum`"
    ):
        open_cube(path)
    assert len(read_spectra(path)) == 2


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"IVAR": None}, "no cube IVAR or no MASK"),
        ({"MASK": None}, "no cube IVAR or no MASK"),
        ({"MASK": np.zeros((N_WAVE, 2, 2), dtype=np.int32)}, "extension MASK has shape"),
        ({"WAVE": WAVE[1:]}, "WAVE has 4562 wavelengths for 4563 planes"),
        ({"WAVE": WAVE[::-1]}, "WAVE: wavelengths must be finite and ascending"),
        ({"WAVE": None}, "no 3-D extension DATA"),
    ],
)
def test_files_that_do_not_fit(write, changed, message):
    with pytest.raises(InputFileError, match=message):
        open_cube(write(**changed))
