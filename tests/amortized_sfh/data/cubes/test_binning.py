from __future__ import annotations

import sys

import numpy as np
import pytest
import torch
from astropy.io import fits

from amortized_sfh.data.ancillary.spaxel_maps import read_bin_map
from amortized_sfh.data.cube_files.coadder import Coadder
from amortized_sfh.data.cubes.binning import bin_to_snr
from amortized_sfh.data.files.fits_files import InputFileError
from simulators.noise.growth import noise_growth_factor

SHAPE = (6, 8)


def disc(shape=(20, 20)):
    y, x = np.mgrid[: shape[0], : shape[1]]
    return 20.0 * np.exp(-np.hypot(x - 10, y - 9) / 5.0)


@pytest.mark.parametrize("name", ["BINID", "SOMETHING"])
def test_bin_map_from_a_file(tmp_path, name):
    bins = np.arange(48.0).reshape(SHAPE) // 7
    bins[0, 0], bins[1, 1] = -1.0, np.nan
    path = tmp_path / "bins.fits"
    fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(bins, name=name)]).writeto(path)
    got = read_bin_map(path, SHAPE)
    assert got[0, 0] == got[1, 1] == -1
    assert got[5, 7] == 6
    assert got.dtype == np.int64


@pytest.mark.parametrize(
    ("bins", "named"),
    [
        (np.zeros((8, 6)), r"shape \(8, 6\)"),
        (np.full(SHAPE, 0.5), "not whole"),
        (np.full(SHAPE, -1), "no spaxel"),
    ],
)
def test_unusable_bin_maps(bins, named):
    with pytest.raises(ValueError, match=named):
        read_bin_map(bins, SHAPE)


def test_bin_map_file_without_an_image(tmp_path):
    path = tmp_path / "bins.fits"
    fits.PrimaryHDU(np.zeros(5)).writeto(path)
    with pytest.raises(InputFileError, match="no 2-D image"):
        read_bin_map(path, SHAPE)


def test_bins_reach_the_target_and_cover_everything_usable():
    pytest.importorskip("powerbin")
    signal, noise = disc(), np.ones((20, 20))
    signal[0, 0] = np.nan
    noise[0, 1] = 0.0
    numbers = bin_to_snr(signal, noise, 30.0, slope=0.3)
    assert numbers[0, 0] == numbers[0, 1] == -1
    assert (numbers >= 0).sum() == 398
    snr = []
    for i in range(numbers.max() + 1):
        member = numbers == i
        growth = noise_growth_factor(member.sum(), 0.3)
        snr.append(signal[member].sum() / np.sqrt((noise[member] ** 2).sum()) / growth)
    assert len(snr) > 5
    assert np.median(snr) == pytest.approx(30.0, rel=0.2)
    assert min(snr) > 15.0


def test_bright_spaxels_stay_alone():
    numbers = bin_to_snr(np.full((5, 5), 100.0), np.ones((5, 5)), 20.0)
    assert sorted(numbers.ravel()) == list(range(25))


@pytest.mark.parametrize(
    ("signal", "target", "named"),
    [
        (disc(), 1e5, "all 400 spaxels together"),
        (np.full((4, 4), np.nan), 10.0, "no spaxel"),
        (disc(), -1.0, "target_snr"),
        (disc(), float("nan"), "target_snr"),
    ],
)
def test_impossible_targets(signal, target, named):
    with pytest.raises(ValueError, match=named):
        bin_to_snr(signal, np.ones_like(signal), target)


def test_powerbin_missing_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "powerbin", None)
    with pytest.raises(ImportError, match=r"amortized-sfh\[binning\]"):
        bin_to_snr(disc(), np.ones((20, 20)), 20.0)


def coadd(flux, valid, row=(0, 0, 1, -1), light=(1.0, 1.0, 1.0, 1.0)):
    flux, valid = torch.as_tensor(flux), torch.as_tensor(valid)
    total = Coadder(np.array(row), np.array(light), flux.shape[1])
    for part in (slice(0, 1), slice(1, 4)):  # fed in uneven chunks
        total.add(part, flux[part], torch.full_like(flux[part], 4.0), valid[part])
    return total


def test_sums_and_errors():
    flux = [[1.0, 2.0], [3.0, 5.0], [7.0, 8.0], [100.0, 100.0]]
    total = coadd(flux, np.ones((4, 2), dtype=bool))
    got, sigma, valid = total.result(slope=0.0)
    assert got.tolist() == [[4.0, 7.0], [7.0, 8.0]]
    torch.testing.assert_close(sigma, torch.tensor([[8.0**0.5] * 2, [2.0] * 2]))
    assert bool(valid.all())
    assert total.n_spaxels.tolist() == [2, 1]


def test_noise_growth_and_its_ceiling():
    total = coadd(np.ones((4, 1)), np.ones((4, 1), dtype=bool))
    _, sigma, _ = total.result(slope=1.07)
    assert float(sigma[0]) == pytest.approx(8.0**0.5 * (1 + 1.07 * np.log10(2)))
    assert float(sigma[1]) == 2.0
    ceiling = torch.full((2, 1), 9.0, dtype=torch.float64)
    _, limited, _ = total.result(slope=1.07, ceiling=ceiling)
    assert float(limited[0]) == 3.0


def test_a_missing_faint_spaxel_is_made_up_for_a_bright_one_is_not():
    flux, valid = np.array([[95.0], [5.0], [1.0], [1.0]]), np.ones((4, 1), dtype=bool)
    for lost, survives in ((1, True), (0, False)):
        gaps = valid.copy()
        gaps[lost] = False
        got, _, ok = coadd(flux, gaps, light=flux[:, 0]).result()
        assert bool(ok[0, 0]) is survives
        assert float(got[0, 0]) == (pytest.approx(100.0) if survives else 0.0)


def test_negative_light_does_no_harm():
    got, sigma, valid = coadd(
        np.full((4, 1), -1.0), np.ones((4, 1), dtype=bool), light=[-1.0, -1.0, -1.0, np.nan]
    ).result()
    assert bool(valid.all())
    assert bool(torch.isfinite(sigma).all())
    assert float(got[0]) == -2.0
