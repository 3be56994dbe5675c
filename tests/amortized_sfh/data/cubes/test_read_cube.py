from __future__ import annotations

import gc
from dataclasses import replace

import numpy as np
import pytest
import torch
from astropy.io import fits
from astropy.wcs import WCS

from amortized_sfh.data.cube_files.cube_file import open_cube
from amortized_sfh.data.cubes.model_check import check_cube_for_model
from amortized_sfh.data.cubes.read_cube import CubeOptions, read_cube
from amortized_sfh.data.files.fits_files import InputWarning
from amortized_sfh.data.foreground import band_extinction_mag, foreground_factor
from amortized_sfh.data.hst.read_image import read_hst_image
from amortized_sfh.quantities.flags import Flag
from amortized_sfh.quantities.mass import luminosity_distance_mpc
from simulators.instruments.instrument import Instrument

Z = 0.00243
SMALL = CubeOptions(chunk_spaxels=16)


def ramp():
    """Flux that tells each spaxel apart."""
    return np.ones((1800, 6, 8)) * (10.0 + np.arange(48.0).reshape(6, 8))


def test_every_spaxel_is_a_row_on_the_models_grid(write_cube):
    data = read_cube(write_cube(flux=ramp()), Z, options=SMALL)
    obs = data.observation
    assert (len(data), obs.n_pix, obs.unit_cgs) == (48, 1761, 1e-20)
    assert float(obs.valid.float().mean()) > 0.99
    assert data.row.shape == (6, 8)
    image = data.map_grid.paint(obs.flux[:, 800].numpy())
    np.testing.assert_allclose(image, (1 + Z) * ramp()[0], rtol=1e-5)
    torch.testing.assert_close(obs.redshift, torch.full((48,), Z))
    # White noise of 1 per native pixel: overlap weights leave about 0.8 of it.
    assert 0.7 < float(obs.sigma[0, 800]) < 1.0
    assert (data.flag == Flag.NO_PHOTOMETRY).all()
    assert (data.spaxel_flag == 0).all()


def test_bad_spaxels_are_flagged_and_stop_nothing(write_cube):
    flux, stat = ramp(), np.ones((1800, 6, 8))
    flux[:, 0, 0] = np.nan
    flux[:, 0, 1] = np.inf
    stat[:, 0, 2] = 0.0
    stat[100, 0, 3] = -1.0
    flux[900:, 0, 4] = np.nan
    quality = np.zeros(flux.shape)
    quality[:, 0, 5] = 1
    data = read_cube(write_cube(flux=flux, stat=stat, quality=quality), Z, options=SMALL)
    none, bad = int(Flag.NO_DATA), int(Flag.BAD_VARIANCE)
    assert data.spaxel_flag[0].tolist() == [none, none, none | bad, bad, 0, none, 0, 0]
    assert (data.row[0, [0, 1, 2, 5]] == -1).all()
    assert len(data) == 44
    assert sorted(data.row[data.row >= 0]) == list(range(44))
    obs = data.observation
    for values in (obs.flux, obs.sigma, obs.phot, obs.phot_sigma):
        assert bool(torch.isfinite(values).all())
    assert 1 <= int((~obs.valid[data.row[0, 3]]).sum()) <= 12
    half = obs.valid[data.row[0, 4]].float().mean()
    assert 0.45 < float(half) < 0.55


def test_low_coverage_is_flagged(write_cube):
    flux = ramp()
    flux[400:, 2, 2] = np.nan
    data = read_cube(write_cube(flux=flux), Z)
    assert data.flag[data.row[2, 2]] & Flag.LOW_COVERAGE
    assert not data.flag[data.row[3, 3]] & Flag.LOW_COVERAGE


def test_nothing_usable_at_all(write_cube):
    with pytest.raises(ValueError, match="no usable spaxel"):
        read_cube(write_cube(flux=np.full((1800, 6, 8), np.nan)), Z)


def test_window_keeps_spaxels_and_sky_together(write_cube):
    path = write_cube(flux=ramp())
    whole = read_cube(path, Z)
    part = read_cube(path, Z, window=(2, 7, 1, 4))
    assert part.row.shape == (3, 5)
    assert torch.equal(
        part.observation.flux[part.row.ravel()],
        whole.observation.flux[whole.row[1:4, 2:7].ravel()],
    )
    here = WCS(part.header).pixel_to_world(0, 0)
    there = WCS(whole.header).pixel_to_world(2, 1)
    assert here.separation(there).arcsec < 1e-6


@pytest.mark.parametrize("window", [(0, 9, 0, 6), (3, 3, 0, 6), (-1, 4, 0, 6), (5, 2, 0, 6)])
def test_window_outside_the_cube(write_cube, window):
    with pytest.raises(ValueError, match=r"region is .*0:8,0:6"):
        read_cube(write_cube(), Z, window=window)


@pytest.mark.parametrize("redshift", [None, float("nan"), 729.0, -1.0])
def test_redshift_missing_or_absurd(write_cube, redshift):
    with pytest.raises(ValueError, match="redshift"):
        read_cube(write_cube(), redshift)


def test_cube_that_misses_the_models_wavelengths(write_cube):
    with pytest.raises(ValueError, match="misses the model's 4750-6950"):
        read_cube(write_cube(header={"CRVAL3": 9000.0}), Z)


def test_cube_that_covers_part_of_the_wavelengths(write_cube):
    data = read_cube(write_cube(header={"CRVAL3": 5500.0}), Z)
    valid = data.observation.valid[0]
    assert not bool(valid[:550].any())
    assert bool(valid[700:].all())


def test_foreground_is_removed_from_spectra(write_cube):
    clean = read_cube(write_cube(), Z).observation
    dusty = read_cube(write_cube(), Z, ebv=0.3).observation
    wave = np.array([(4750.0 + 1.25 * 900) * (1 + Z)])
    factor = foreground_factor(wave, 0.3)[0]
    assert float(dusty.flux[0, 900] / clean.flux[0, 900]) == pytest.approx(factor, rel=1e-4)
    assert float(dusty.sigma[0, 900] / clean.sigma[0, 900]) == pytest.approx(factor, rel=1e-4)


def test_vacuum_cube_shifts_the_lines(write_cube):
    wave = 4749.89 + 1.25 * np.arange(1800)
    line = 1 + 50 * np.exp(-0.5 * ((wave - 6564.614 * (1 + Z)) / 3) ** 2)
    flux = line[:, None, None] * np.ones((1, 6, 8))
    data = read_cube(write_cube(flux=flux, header={"CTYPE3": "WAVE"}), Z)
    peak = 4750.0 + 1.25 * int(data.observation.flux[0].argmax())
    assert peak == pytest.approx(6562.8, abs=0.7)


def test_bins_are_sums(write_cube):
    bins = np.full((6, 8), 7)
    bins[:, 4:] = 3
    bins[0, 0] = -1
    options = CubeOptions(chunk_spaxels=16, noise_growth=0.5)
    data = read_cube(write_cube(flux=ramp()), Z, bins=bins, options=options)
    assert data.label.tolist() == [3, 7]
    assert data.n_spaxels.tolist() == [24, 23]
    assert data.row[0, 0] == -1
    assert data.row[0, 4] == 0
    flux = data.observation.flux[:, 800] / (1 + Z)
    light = ramp()[0]
    assert float(flux[0]) == pytest.approx(light[:, 4:].sum(), rel=1e-5)
    assert float(flux[1]) == pytest.approx(light[:, :4].sum() - light[0, 0], rel=1e-5)
    single = read_cube(write_cube(flux=ramp()), Z).observation.sigma[0, 800]
    growth = 1 + 0.5 * np.log10(24)
    assert float(data.observation.sigma[0, 800] / single) == pytest.approx(
        np.sqrt(24) * growth, rel=1e-4
    )
    assert data.provenance["NOISEGRO"] == 0.5


def test_one_bad_spaxel_does_not_spoil_its_bin(write_cube):
    flux = ramp()
    flux[:, 2, 2] = np.nan
    data = read_cube(write_cube(flux=flux), Z, bins=np.zeros((6, 8)))
    assert data.row[2, 2] == -1
    assert data.n_spaxels.tolist() == [47]
    assert data.spaxel_flag[2, 2] == Flag.NO_DATA
    assert float(data.observation.valid.float().mean()) > 0.99


def test_bin_map_of_another_shape(write_cube):
    with pytest.raises(ValueError, match=r"shape \(8, 6\)"):
        read_cube(write_cube(), Z, bins=np.zeros((8, 6)))


def test_bin_map_is_cut_with_the_window(write_cube):
    bins = np.arange(48).reshape(6, 8) // 8
    data = read_cube(write_cube(flux=ramp()), Z, bins=bins, window=(0, 8, 2, 4))
    assert data.label.tolist() == [2, 3]


def test_target_snr(write_cube):
    pytest.importorskip("powerbin")
    options = CubeOptions(noise_growth=0.0)
    data = read_cube(write_cube(), Z, target_snr=40.0, options=options)
    assert 1 < len(data) < 20
    assert data.n_spaxels.sum() == 48
    obs = data.observation
    assert float((obs.flux / obs.sigma)[:, 800].median()) == pytest.approx(45.0, rel=0.25)


def test_two_kinds_of_bins(write_cube):
    with pytest.raises(ValueError, match="both a bin map and a target"):
        read_cube(write_cube(), Z, bins=np.zeros((6, 8)), target_snr=10.0)


def test_hst_bands_arrive_in_the_cubes_unit(write_cube, write_hst):
    hst = {"F555W": write_hst(), "F275W": write_hst(band="F275W")}
    data = read_cube(write_cube(), Z, ebv=0.1, hst=hst, options=SMALL)
    obs = data.observation
    assert obs.phot_valid.all(dim=0).tolist() == [True, False, False, True, False]
    # 2 e/s per 0.04 arcsec pixel, 25 of which make a spaxel of 0.2 arcsec.
    expected = 2.0 * 25 * 1.8e-19 / 1e-20 * (1 + Z)
    for j, band in ((0, "F275W"), (3, "F555W")):
        factor = 10 ** (0.4 * band_extinction_mag(band, 0.1))
        torch.testing.assert_close(
            obs.phot[:, j], torch.full((48,), expected * factor), rtol=1e-3, atol=0.0
        )
    assert bool((obs.phot_sigma[:, 3] > 0).all())
    assert (data.flag == 0).all()
    assert data.provenance["HST_F555W"] == "f555w_drc.fits"


def test_hst_bands_are_summed_over_bins(write_cube, write_hst):
    hst = {"F555W": write_hst()}
    single = read_cube(write_cube(), Z, hst=hst).observation
    data = read_cube(write_cube(), Z, hst=hst, bins=np.zeros((6, 8)))
    phot, sigma = data.observation.phot[0, 3], data.observation.phot_sigma[0, 3]
    assert float(phot) == pytest.approx(float(single.phot[:, 3].sum()), rel=1e-4)
    independent = float((single.phot_sigma[:, 3] ** 2).sum().sqrt())
    assert float(sigma) > 1.5 * independent  # convolution has correlated the spaxels


def test_spaxels_outside_the_hst_image_go_without(write_cube, write_hst, sky):
    wcs = sky(40, 40, 0.04)
    hst = {"F555W": write_hst(np.full((40, 40), 2.0), wcs=wcs)}
    data = read_cube(write_cube(shape=(30, 30)), Z, hst=hst)
    seen = data.map_grid.paint(data.observation.phot_valid[:, 3].float().numpy())
    assert seen[15, 15] == 1.0
    assert seen[0, 0] == 0.0
    assert data.flag[data.row[0, 0]] == Flag.NO_PHOTOMETRY | Flag.BAND_MISSING
    assert data.flag[data.row[15, 15]] == 0


def test_a_band_lost_in_a_gap_is_flagged(write_cube, write_hst):
    image = np.full((120, 150), 2.0)
    gap = image.copy()
    gap[50:75, 65:90] = np.nan
    hst = {"F275W": write_hst(gap, band="F275W"), "F555W": write_hst(image)}
    data = read_cube(write_cube(), Z, hst=hst)
    lost = ~data.observation.phot_valid[:, 0].numpy()
    assert 0 < lost.sum() < 48
    assert bool(data.observation.phot_valid[:, 3].all())
    np.testing.assert_array_equal(data.flag, np.where(lost, Flag.BAND_MISSING, 0))


@pytest.mark.parametrize("bins", [None, np.zeros((6, 8))], ids=["spaxels", "bin"])
def test_error_of_the_sky_grows_with_the_area(write_cube, write_hst, bins):
    path = write_hst()
    images = {s: read_hst_image(path, sky=(0.1, s)) for s in (0.0, 0.05)}
    without, with_error = (
        read_cube(write_cube(), Z, ebv=0.1, hst={"F555W": images[s]}, bins=bins)
        for s in (0.0, 0.05)
    )
    dust = 10 ** (0.4 * band_extinction_mag("F555W", 0.1))
    expected = 0.05 * 25 * 18.0 * (1 + Z) * dust * (1 if bins is None else 48)
    np.testing.assert_allclose(with_error.shared_phot_sigma[:, 3], expected, rtol=1e-3)
    assert not with_error.shared_phot_sigma[:, :3].any()
    assert not without.shared_phot_sigma.any()
    sigma, noise = (v.observation.phot_sigma[:, 3].numpy() for v in (with_error, without))
    np.testing.assert_allclose(sigma, np.hypot(noise, expected), rtol=1e-3)
    torch.testing.assert_close(with_error.observation.phot, without.observation.phot)
    per_pixel = with_error.observation.phot[:, 3] / (25 * 18.0 * (1 + Z) * dust)
    assert float(per_pixel.median()) == pytest.approx(1.9 * (1 if bins is None else 48), rel=1e-3)


def test_shared_error_is_zero_by_default_and_has_the_shape_of_the_bands(write_cube):
    data = read_cube(write_cube(), Z)
    assert data.shared_phot_sigma.shape == (48, 5)
    assert not data.shared_phot_sigma.any()
    with pytest.raises(ValueError, match=r"shared_phot_sigma has shape \(3, 5\)"):
        replace(data, shared_phot_sigma=np.ones((3, 5)))


def test_where_the_psf_comes_from(write_cube, write_hst, tmp_path):
    hst = {"F555W": write_hst()}
    assert "PSFFWHM" not in read_cube(write_cube(), Z).provenance
    from_header = read_cube(write_cube(), Z, hst=hst).provenance
    assert (from_header["PSFFWHM"], from_header["PSFSRC"]) == (0.8, "header SKY_RES")
    given = read_cube(write_cube(), Z, hst=hst, options=CubeOptions(psf_fwhm_arcsec=0.6))
    assert (given.provenance["PSFFWHM"], given.provenance["PSFSRC"]) == (0.6, "given")
    path = write_cube(drop=["SKY_RES"])
    with pytest.warns(InputWarning, match=r"does not tell its PSF.*0\.8 arcsec"):
        default = read_cube(path, Z, hst=hst).provenance
    assert default["PSFSRC"] == "default"
    named = read_cube(path.rename(tmp_path / "NGC3627-1.05asec.fits"), Z, hst=hst)
    assert (named.provenance["PSFFWHM"], named.provenance["PSFSRC"]) == (1.05, "file name")


def test_what_is_noted_of_the_images(write_cube, write_hst):
    said = read_cube(write_cube(), Z, hst={"F555W": write_hst()}).provenance
    assert said["HST_F555W_CAMERA"] == "WFC3"
    assert said["HST_F555W_NOISE"] == "estimated"
    assert said["HST_F555W_SKYSUB"] == "0 +- 0"
    assert said["HST_F555W_OFFSET"].startswith("not measured")
    header = fits.Header()
    for key, value in said.items():  # as the maps write them
        header[key if len(key) <= 8 else f"HIERARCH {key}"] = value
    assert header["HST_F555W_NOISE"] == "estimated"


def test_cube_without_wcs_gives_flagged_maps_and_takes_no_hst(write_cube, write_hst):
    path = write_cube(drop=["CTYPE1", "CTYPE2"])
    data = read_cube(path, Z)
    assert (data.flag & Flag.NO_WCS).all()
    assert (data.spaxel_flag & Flag.NO_WCS).all()
    with pytest.raises(ValueError, match="no celestial WCS"):
        read_cube(path, Z, hst={"F555W": write_hst()})


def test_unknown_band(write_cube, write_hst):
    with pytest.raises(ValueError, match="unknown band 'F606W'"):
        read_cube(write_cube(), Z, hst={"F606W": write_hst(band="F606W")})


def test_missing_files(write_cube, tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        read_cube(tmp_path / "nowhere.fits", Z)
    with pytest.raises(FileNotFoundError, match="nowhere"):
        read_cube(write_cube(), Z, hst={"F555W": tmp_path / "nowhere.fits"})
    with pytest.raises(FileNotFoundError, match="nowhere"):
        read_cube(write_cube(), Z, bins=tmp_path / "nowhere.fits")


def test_the_growth_of_the_noise_is_kept_where_it_is_known(write_cube):
    path = write_cube()
    assert read_cube(path, Z).noise_growth is None
    given = CubeOptions(noise_growth=0.3)
    assert read_cube(path, Z, options=given).noise_growth == 0.3
    binned = read_cube(path, Z, bins=np.zeros((6, 8)))
    assert binned.noise_growth == binned.provenance["NOISEGRO"]


def test_a_cube_is_opened_once_however_often_it_is_read(write_cube, write_hst, monkeypatch):
    path, opened, original = write_cube(flux=ramp()), [], fits.open
    hst = {"F555W": write_hst()}
    monkeypatch.setattr(fits, "open", lambda *a, **k: opened.append(a[0]) or original(*a, **k))
    cube = open_cube(path)
    check_cube_for_model(cube, Z, Instrument())
    data = read_cube(cube, Z, hst=hst, options=SMALL)
    read_cube(cube, Z, bins=data.row, options=CubeOptions(velocity_map=np.full((6, 8), 50.0)))
    assert opened.count(path) == 1
    assert open_cube(cube) is cube
    closed = cube.hdus._file
    assert not closed.closed
    del cube
    gc.collect()
    assert closed.closed


def test_a_cube_says_in_one_line_what_it_is(write_cube, write_hst):
    path, hst = write_cube(), {"F555W": write_hst()}
    data = read_cube(path, Z, hst=hst)
    assert repr(data) == (
        "<CubeData cube.fits: 48 spaxels on a map of 8 x 6, 1 of 5 bands, z = 0.00243, "
        "median S/N 12.8>"
    )
    assert repr(read_cube(path, Z, bins=np.arange(48).reshape(6, 8) // 16)).startswith(
        "<CubeData cube.fits: 3 bins of 48 spaxels on a map of 8 x 6, 0 of 5 bands, "
    )
    assert repr(open_cube(path)) == (
        "<CubeFile cube.fits: 1800 planes of 8 x 6 spaxels, 4749-6999 Å (air), no adaptive optics>"
    )


def test_distance_as_given_else_of_the_redshift(write_cube):
    path = write_cube()
    options = CubeOptions(velocity_map=np.full((6, 8), 300.0))
    for data in (read_cube(path, 0.01), read_cube(path, 0.01, options=options)):
        expected = luminosity_distance_mpc(np.array([0.01]))[0]
        assert data.distance_mpc() == expected
        assert data.distance_mpc(11.32) == 11.32
        assert np.isnan(data.distance_mpc(float("nan")))
    assert np.isnan(read_cube(path, -0.001).distance_mpc())
