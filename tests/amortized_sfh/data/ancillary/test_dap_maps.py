"""MAPS files of the PHANGS-MUSE data analysis pipeline."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from astropy.io import fits

from amortized_sfh.data.ancillary.dap_maps import read_dap_maps
from amortized_sfh.data.cubes.read_cube import CubeOptions, read_cube
from amortized_sfh.data.files.fits_files import InputFileError
from tests.amortized_sfh.pipelines import write_dap

Z = 0.00243


@pytest.fixture
def bins():
    numbers = np.repeat(np.arange(4), 2)[None, :] * np.ones((6, 1), dtype=int)
    numbers[0, 0] = -1
    return numbers


@pytest.fixture
def maps(bins, tmp_path):
    velocity = 250.0 * (bins - 1.5) / 1.5
    return write_dap(tmp_path / "NGC0000_MAPS.fits", bins, velocity, 40.0 + 5.0 * bins)


def test_bins_and_kinematics(maps, bins):
    read = read_dap_maps(maps)
    np.testing.assert_array_equal(read.bin_id, bins)
    # c ln(1 + z) of pPXF against c z
    assert read.velocity_kms[3, 7] == pytest.approx(250.1043, abs=1e-3)
    assert read.velocity_kms[3, 0] == pytest.approx(-249.8958, abs=1e-3)
    assert np.isnan(read.velocity_kms[0, 0])
    assert read.sigma_kms[3, 7] == 55.0
    assert (read.velocity_error_kms[3, 3], read.sigma_error_kms[3, 3]) == (5.0, 8.0)
    assert read.source.endswith("NGC0000_MAPS.fits")


def test_a_cube_in_the_bins_and_frames_of_the_pipeline(maps, write_cube):
    read = read_dap_maps(maps)
    options = CubeOptions(velocity_map=read.velocity_kms)
    data = read_cube(write_cube(), Z, bins=read.bin_id, options=options)
    assert data.label.tolist() == [0, 1, 2, 3]
    assert data.n_spaxels.tolist() == [11, 12, 12, 12]
    np.testing.assert_allclose(data.frame_kms, read.velocity_kms[3, ::2], rtol=1e-6)
    np.testing.assert_allclose(data.row_means(read.sigma_kms), [40.0, 45.0, 50.0, 55.0])


@pytest.mark.parametrize("missing", ["BIN_ID", "V_STARS", "FORM_ERR_SIGMA_STARS"])
def test_a_missing_extension_is_named_with_what_there_is(maps, bins, missing):
    write_dap(maps, bins, 1.0 * bins, 1.0 * bins, drop=(missing,))
    with pytest.raises(InputFileError, match=f"no extension {missing}; it holds PRIMARY, .*HA6562"):
        read_dap_maps(maps)


def test_other_files(tmp_path, maps, bins):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        read_dap_maps(tmp_path / "nowhere.fits")
    junk = tmp_path / "junk.fits"
    junk.write_text("not FITS")
    with pytest.raises(InputFileError, match="not a readable FITS file"):
        read_dap_maps(junk)
    fits.PrimaryHDU().writeto(junk, overwrite=True)
    with pytest.raises(InputFileError, match="it holds PRIMARY; expected a MAPS file"):
        read_dap_maps(junk)
    with pytest.raises(ValueError, match="expected one"):
        replace(read_dap_maps(maps), sigma_kms=np.zeros((3, 3)))
    write_dap(maps, bins + 0.5 * (bins == 2), 1.0 * bins, 1.0 * bins)
    with pytest.raises(ValueError, match="not whole"):
        read_dap_maps(maps)
