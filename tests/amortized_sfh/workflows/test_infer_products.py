"""Masses, specific rates and surface densities in the file of maps."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS

from amortized_sfh.data.cubes.cube_data import CubeData
from amortized_sfh.data.cubes.disc import Orientation
from amortized_sfh.quantities.flags import Flag
from amortized_sfh.requests import InferRequest
from amortized_sfh.workflows.infer import KeptDraws
from amortized_sfh.workflows.infer_cube import InferenceOptions, infer_cube, row_areas_kpc2

DENSITIES = ("SIGMA_SFR10", "SIGMA_SFR100", "SIGMA_STAR")


def _header():
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crval, wcs.wcs.crpix = [170.0625, 12.9915], [4.5, 3.0]
    wcs.wcs.cdelt = [-0.2 / 3600, 0.2 / 3600]
    return wcs.to_header()


@pytest.fixture
def data(small_observation):
    """Forty rows: a bin of two spaxels first, then one spaxel each."""
    row = np.concatenate([[0], np.arange(40), [-1]]).reshape(6, 7)
    return CubeData(
        observation=small_observation,
        row=row,
        label=np.arange(40),
        n_spaxels=np.array([2, *[1] * 39]),
        flag=np.zeros(40, dtype=np.int32),
        spaxel_flag=np.zeros(row.shape, dtype=np.int32),
        header=_header(),
        noise_scale=np.ones(40),
    )


def _maps(model, data, path, **options):
    options = InferenceOptions(n_draws=20, progress=False, **options)
    return fits.open(infer_cube(model, data, options).write(path))


def test_densities_follow_mass_area_and_inclination(small_posterior, data, tmp_path):
    face_on = _maps(small_posterior, data, tmp_path / "a.fits", distance_mpc=10.0)
    inclined = _maps(
        small_posterior,
        data,
        tmp_path / "b.fits",
        distance_mpc=10.0,
        orientation=Orientation(inclination_deg=60.0),
    )
    with face_on, inclined:
        for name in DENSITIES:
            np.testing.assert_allclose(
                inclined[name].data, 0.5 * face_on[name].data, rtol=1e-5, err_msg=name
            )
            assert face_on[name].header["BUNIT"].rstrip(")").endswith("kpc2")
        assert face_on[0].header["SURFDENS"] == "on the sky"
        assert inclined[0].header["SURFDENS"] == "in the plane of the galaxy"
        assert inclined[0].header["INCLIN"] == 60.0
        for name in ("LOGMASS_FORMED", "LOG_SSFR10", "LOG_SSFR100"):
            assert face_on[name].data.shape == (5, 6, 7)


def test_a_bin_covers_all_its_spaxels(data):
    area = row_areas_kpc2(data, 11.32, Orientation())
    z = float(data.observation.redshift[0])
    side = 0.2 * 11.32e3 / (1.0 + z) ** 2 * np.pi / 180.0 / 3600.0
    np.testing.assert_allclose(area[1:], side**2, rtol=1e-6)
    assert area[0] == pytest.approx(2.0 * area[1])


def test_without_wcs_there_are_none_and_the_header_says_why(small_posterior, data, tmp_path):
    blind = replace(data, header=fits.Header())
    assert row_areas_kpc2(blind, 10.0, Orientation()) is None
    with _maps(small_posterior, blind, tmp_path / "a.fits", distance_mpc=10.0) as maps:
        assert not {hdu.name for hdu in maps} & set(DENSITIES)
        assert maps[0].header["SURFDENS"] == "none: no celestial WCS"


def test_without_a_distance_there_are_none(data):
    near = replace(data.observation, redshift=0.0 * data.observation.redshift)
    assert row_areas_kpc2(replace(data, observation=near), None, Orientation()) is None


def test_spaxels_count_in_the_cube(small_posterior, data, tmp_path):
    import h5py

    part = replace(data, origin_xy=(10, 20))

    def kept(*spaxel):
        return KeptDraws.of(
            InferRequest(
                cube=tmp_path / "cube.fits",
                out=tmp_path / "maps.fits",
                redshift=0.0,
                save_draws=tmp_path / "d.h5",
                spaxels=(spaxel,),
            ),
            part,
        )

    draws = kept(12, 21)
    options = InferenceOptions(n_draws=20, progress=False)
    infer_cube(small_posterior, part, options, visit=draws.visit)
    draws.write(tmp_path / "d.h5")
    with h5py.File(tmp_path / "d.h5") as file:
        assert file["label"][:].tolist() == [part.row[1, 2]]
    for spaxel in ((2, 1), (17, 20), (16, 25)):  # outside twice, and one without a row
        with pytest.raises(ValueError, match=r"has no data in the region 10:17,20:26"):
            kept(*spaxel)


def test_a_band_that_does_not_fit_is_flagged(small_posterior, data, tmp_path):
    observation = data.observation
    phot = observation.phot.clone()
    used = observation.phot_valid.clone()
    used[0, 2] = True
    phot[0, 2] = 1e4 * phot.abs().max()
    sigma = observation.phot_sigma.clone()
    sigma[0, 2] = 1e-3 * phot[0, 2]
    odd = replace(observation, phot=phot, phot_sigma=sigma, phot_valid=used)
    with _maps(small_posterior, replace(data, observation=odd), tmp_path / "a.fits") as maps:
        flag = maps["FLAG"].data
    bad = (flag & int(Flag.BAND_MISFIT)) > 0
    np.testing.assert_array_equal(bad, data.row == 0)
