"""The native HDF5 format of SSP libraries."""

from __future__ import annotations

from dataclasses import replace

import h5py
import numpy as np
import pytest

from simulators.contracts import check_ssp_library
from simulators.libraries import read_hdf5_library, read_library, toy_grid, write_hdf5_library

ARRAYS = ("wave_aa", "age_gyr", "mh", "lum", "mass_alive", "lsf_fwhm_aa")


@pytest.fixture(scope="module")
def toy():
    return toy_grid()


def assert_same(grid, other, rtol=0.0):
    for name in ARRAYS:
        np.testing.assert_allclose(getattr(grid, name), getattr(other, name), rtol, err_msg=name)


def test_hdf5_round_trip(tmp_path, toy):
    path = write_hdf5_library(toy, tmp_path / "toy.h5")
    grid = read_library(path)
    assert_same(grid, toy)
    assert [grid.name, grid.source, grid.sha256, grid.mass_kind] == [
        toy.name,
        toy.source,
        toy.sha256,
        toy.mass_kind,
    ]
    assert grid.lum.dtype == toy.lum.dtype
    assert [file.name for file in tmp_path.iterdir()] == ["toy.h5"]


def test_hdf5_file_of_a_user_without_a_checksum(tmp_path, toy):
    path = write_hdf5_library(toy, tmp_path / "toy.h5")
    with h5py.File(path, "a") as file:
        del file.attrs["sha256"]
    check_ssp_library(read_hdf5_library(path))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda f: f.attrs.__setitem__("schema_version", 2), "schema_version is .*2.*, expected 1"),
        (lambda f: f.attrs.__setitem__("medium", "vacuum"), "medium is 'vacuum', expected 'air'"),
        (lambda f: f.__delitem__("mh"), "lacks mh"),
        (lambda f: f.attrs.__delitem__("mass_kind"), "lacks mass_kind"),
        (lambda f: f["age_gyr"].attrs.__setitem__("units", "yr"), "units 'yr', expected 'Gyr'"),
    ],
)
def test_hdf5_files_that_break_the_specification(tmp_path, toy, spoil, message):
    path = write_hdf5_library(toy, tmp_path / "toy.h5")
    with h5py.File(path, "a") as file:
        spoil(file)
    with pytest.raises(ValueError, match=message):
        read_hdf5_library(path)


def test_hdf5_write_that_fails_leaves_the_old_file(tmp_path, toy):
    path = write_hdf5_library(toy, tmp_path / "toy.h5")
    broken = replace(toy)
    object.__setattr__(broken, "lum", None)
    with pytest.raises(AttributeError):
        write_hdf5_library(broken, path)
    assert_same(read_hdf5_library(path), toy)
    assert len(list(tmp_path.iterdir())) == 1


def test_hdf5_of_something_else(tmp_path):
    (tmp_path / "a.h5").write_text("no")
    with pytest.raises(ValueError, match="not an HDF5 file"):
        read_hdf5_library(tmp_path / "a.h5")
    with pytest.raises(FileNotFoundError):
        read_hdf5_library(tmp_path / "b.h5")
