"""Spaxels in their own rest frames: masks lie on their own lines."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from astropy.io import fits

from amortized_sfh.data.ancillary.spaxel_maps import read_velocity_map, split_extension
from amortized_sfh.data.cubes.read_cube import CubeOptions, read_cube
from amortized_sfh.data.files.fits_files import InputFileError
from amortized_sfh.data.foreground import band_extinction_mag
from simulators.instruments.instrument import Instrument
from simulators.observations.masks import REST_LINES_AA, line_mask, mask_observation
from simulators.wavelengths.doppler import shift_redshift
from simulators.wavelengths.rest_grid import REST_GRID

Z = 0.00243
WAVE = REST_GRID.centres_aa


@pytest.fixture
def rotation():
    """A velocity field from -250 to +250 km/s over 8 columns, (6, 8)."""
    return np.linspace(-250.0, 250.0, 8)[None, :] * np.ones((6, 1))


def line_cube(velocity, sigma_aa=1.5):
    """A flat continuum with every emission line and Na D at the velocity of each spaxel."""
    wave = (4749.89 + 1.25 * np.arange(1800))[:, None, None]
    factor = 1.0 + shift_redshift(Z, velocity)
    flux = 10.0 * np.ones((1800, *velocity.shape))
    for line in REST_LINES_AA.values():
        flux += 50.0 * np.exp(-0.5 * ((wave - line * factor) / sigma_aa) ** 2)
    return flux


def test_masks_lie_on_the_lines_of_every_spaxel(write_cube, rotation):
    path = write_cube(flux=line_cube(rotation))
    options = CubeOptions(velocity_map=rotation, chunk_spaxels=16)
    data = read_cube(path, Z, options=options)
    np.testing.assert_allclose(data.frame_kms, rotation.ravel())
    torch.testing.assert_close(
        data.observation.redshift.double(), torch.tensor(shift_redshift(Z, rotation.ravel())),
        atol=1e-9, rtol=0.0,
    )  # fmt: skip
    flux = data.observation.flux
    region = (WAVE > 6540) & (WAVE < 6575)
    peak = WAVE[region][flux[:, region].argmax(dim=1)]
    assert float((peak - REST_LINES_AA["Halpha"]).abs().max()) < 0.7
    # all light of lines is masked, to 0.1 % of the continuum, and masked wavelengths are the same
    masked = mask_observation(data.observation, Instrument())
    excess = (flux / (10.0 * (1 + data.observation.redshift[:, None])) - 1.0).abs()
    assert float(excess[masked.valid].max()) < 1e-3
    assert bool((line_mask(WAVE) | ~masked.valid).all())


def test_without_a_map_lines_leak_past_narrow_masks(write_cube, rotation):
    path = write_cube(flux=line_cube(rotation))
    data = read_cube(path, Z)
    masked = mask_observation(data.observation, Instrument(), 300.0)
    excess = (data.observation.flux / (10.0 * (1 + Z)) - 1.0).abs()
    assert float(excess[masked.valid].max()) > 1.0
    own = read_cube(path, Z, options=CubeOptions(velocity_map=rotation))
    masked = mask_observation(own.observation, Instrument(), 300.0)
    excess = (own.observation.flux / (10.0 * (1 + own.observation.redshift[:, None])) - 1.0).abs()
    assert float(excess[masked.valid].max()) < 0.2


def test_sky_stays_in_the_observed_frame(write_cube, rotation):
    data = read_cube(write_cube(), Z, options=CubeOptions(velocity_map=rotation))
    valid = mask_observation(data.observation, Instrument()).valid
    observed = WAVE * (1 + data.observation.redshift[:, None].double())
    inside = (observed > 5572.1) & (observed < 5583.9)
    assert not bool(valid[inside].any())
    assert int(inside.any(dim=0).sum()) > int(inside[0].sum())  # another part of each rest frame


def test_a_map_of_zeros_changes_nothing(write_cube):
    path = write_cube(flux=line_cube(np.zeros((6, 8))))
    plain = read_cube(path, Z).observation
    zeros = read_cube(path, Z, options=CubeOptions(velocity_map=np.zeros((6, 8)))).observation
    torch.testing.assert_close(plain.flux, zeros.flux, rtol=1e-5, atol=1e-5)
    assert torch.equal(plain.valid, zeros.valid)


def test_bins_take_the_light_weighted_mean(write_cube, rotation):
    bins = np.repeat(np.arange(2), 4)[None, :] * np.ones((6, 1), dtype=int)
    flux = np.ones((1800, 6, 8)) * (1.0 + np.arange(8.0))
    options = CubeOptions(velocity_map=rotation, noise_growth=0.0)
    data = read_cube(write_cube(flux=flux), Z, bins=bins, options=options)
    light = 1.0 + np.arange(8.0)
    expected = [np.average(rotation[0][s], weights=light[s]) for s in (slice(4), slice(4, 8))]
    np.testing.assert_allclose(data.frame_kms, expected, rtol=1e-3)
    np.testing.assert_allclose(
        data.observation.redshift, shift_redshift(Z, data.frame_kms), rtol=1e-6
    )


def test_window_cuts_the_map(write_cube, rotation):
    options = CubeOptions(velocity_map=rotation)
    data = read_cube(write_cube(), Z, window=(2, 5, 1, 3), options=options)
    np.testing.assert_allclose(data.frame_kms, rotation[1:3, 2:5].ravel())
    assert data.provenance["VELFILL"] == 0


def test_no_wavelength_is_lost_at_either_end(write_cube):
    velocity = np.where(np.arange(8) < 4, -900.0, 900.0) * np.ones((6, 1))
    header = {"CRVAL3": 4749.89 * (1 + Z)}
    data = read_cube(write_cube(header=header), Z, options=CubeOptions(velocity_map=velocity))
    # receding spaxels reach the blue end of the grid, approaching ones lack 14 Å of it
    valid = data.observation.valid
    assert bool(valid[7].all())
    assert 9 <= int((~valid[0]).sum()) <= 14


def test_bands_follow_the_redshift_of_the_row(write_cube, write_hst, rotation):
    hst = {"F555W": write_hst()}
    options = CubeOptions(velocity_map=rotation)
    data = read_cube(write_cube(), Z, ebv=0.1, hst=hst, options=options)
    plain = read_cube(write_cube(), Z, ebv=0.1, hst=hst)
    ratio = data.observation.phot[:, 3] / plain.observation.phot[:, 3]
    expected = (1 + data.observation.redshift) / (1 + Z)
    torch.testing.assert_close(ratio, expected, rtol=1e-6, atol=0.0)
    assert band_extinction_mag("F555W", 0.1) > 0.2


def test_holes_take_their_neighbours_velocity(rotation):
    holes = rotation.copy()
    holes[2, 3] = np.nan
    holes[0, 0] = 5000.0  # a failed fit
    read = read_velocity_map(holes, (6, 8))
    assert read.n_filled == 2
    assert read.velocity_kms[2, 3] in rotation[2, 2:5]
    assert read.velocity_kms[0, 0] == rotation[1, 0]
    assert np.isfinite(read.velocity_kms).all()


@pytest.mark.parametrize("extension", ["", ":V_STARS", ":2"])
def test_files(tmp_path, rotation, extension):
    path = tmp_path / "maps.fits"
    other = fits.ImageHDU(rotation + 7.0, name="HA6562_VEL")
    fits.HDUList([fits.PrimaryHDU(), other, fits.ImageHDU(rotation, name="V_STARS")]).writeto(path)
    np.testing.assert_allclose(
        read_velocity_map(f"{path}{extension}", (6, 8)).velocity_kms, rotation
    )
    np.testing.assert_allclose(
        read_velocity_map(f"{path}:HA6562_VEL", (6, 8)).velocity_kms, rotation + 7.0
    )


def test_own_maps_can_be_read_back(tmp_path, rotation):
    planes = np.stack([rotation, *(np.full((4, 6, 8), 9.0))])
    path = tmp_path / "maps.fits"
    fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(planes, name="V")]).writeto(path)
    np.testing.assert_allclose(read_velocity_map(path, (6, 8)).velocity_kms, rotation)


def test_split_extension(tmp_path):
    odd = tmp_path / "a:b"
    odd.write_text("")
    assert split_extension(str(odd)) == (odd, None)
    assert split_extension("dir:x/maps.fits")[1] is None


def test_bad_maps(tmp_path, rotation, write_cube):
    with pytest.raises(ValueError, match=r"shape \(8, 6\); expected the cube's \(6, 8\)"):
        read_velocity_map(rotation.T, (6, 8))
    with pytest.raises(ValueError, match="no finite velocity"):
        read_velocity_map(np.full((6, 8), np.nan), (6, 8))
    with pytest.raises(ValueError, match="subtract its systemic velocity"):
        read_velocity_map(rotation + 5000.0, (6, 8))
    with pytest.raises(FileNotFoundError, match="nowhere"):
        read_cube(write_cube(), Z, options=CubeOptions(velocity_map="nowhere.fits"))
    path = tmp_path / "maps.fits"
    table = fits.BinTableHDU.from_columns([fits.Column("V", "D", array=[1.0])], name="TABLE")
    fits.HDUList([fits.PrimaryHDU(), table]).writeto(path)
    for extension in ("", ":V_STARS", ":TABLE", ":7"):
        with pytest.raises(InputFileError, match=r"found PRIMARY, TABLE"):
            read_velocity_map(f"{path}{extension}", (6, 8))


def test_a_map_of_the_window_alone(write_cube, rotation):
    path, window = write_cube(), (2, 7, 1, 5)
    whole = read_cube(path, Z, window=window, options=CubeOptions(velocity_map=rotation))
    part = CubeOptions(velocity_map=rotation[1:5, 2:7])
    alone = read_cube(path, Z, window=window, options=part)
    np.testing.assert_array_equal(alone.frame_kms, whole.frame_kms)
    assert alone.origin_xy == (2, 1)
    other = CubeOptions(velocity_map=rotation[:3])
    with pytest.raises(ValueError, match=r"shape \(3, 8\); expected the cube's \(6, 8\) or the re"):
        read_cube(path, Z, window=window, options=other)


def test_a_map_that_has_been_read_is_taken_as_it_is(tmp_path, write_cube, rotation):
    holes = rotation.copy()
    holes[2, 3] = np.nan
    path = tmp_path / "v.fits"
    fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(holes, name="V")]).writeto(path)
    read = read_velocity_map(path, (6, 8))
    path.unlink()
    assert read_velocity_map(read, (6, 8)) is read
    data = read_cube(write_cube(), Z, options=CubeOptions(velocity_map=read))
    np.testing.assert_array_equal(data.frame_kms, read.velocity_kms.ravel())
    assert (data.provenance["VELMAP"], data.provenance["VELFILL"]) == ("v.fits", 1)
    with pytest.raises(ValueError, match=r"shape \(6, 8\); expected the cube's \(5, 8\)"):
        read_velocity_map(read, (5, 8))
