"""ds9 regions as foreground stars and as apertures."""

from __future__ import annotations

import numpy as np
import pytest
from astropy.io import fits

from amortized_sfh.data.ancillary.ds9_regions import aperture_bins, ds9_mask, read_ds9_regions
from amortized_sfh.data.cubes.read_cube import CubeOptions, read_cube
from amortized_sfh.data.files.fits_files import InputFileError
from amortized_sfh.products.map_file import write_maps
from amortized_sfh.quantities.flags import Flag

Z, SHAPE = 0.00243, (6, 8)


@pytest.fixture
def write_regions(tmp_path):
    """Return a function that writes a region file."""

    def write(text, name="stars.reg"):
        path = tmp_path / name
        path.write_text(f"# Region file format: DS9 version 4.1\nglobal color=green\n{text}\n")
        return path

    return write


def test_image_coordinates_start_at_one(write_regions):
    file = read_ds9_regions(write_regions("image\nbox(3,2,2.2,1.2,0)"))
    expected = np.zeros(SHAPE, dtype=bool)
    expected[1, 1:4] = True  # FITS pixel (3, 2) is [1, 2]; half a spaxel and a bit on both sides
    np.testing.assert_array_equal(ds9_mask(file, None, SHAPE), expected)


@pytest.mark.parametrize("frame", ["fk5", "icrs", "galactic"])
def test_sky_coordinates(write_cube, write_regions, sky, frame):
    wcs = sky(8, 6, 0.2)
    centre = wcs.pixel_to_world(5, 2)
    place = {"fk5": centre.fk5, "icrs": centre.icrs, "galactic": centre.galactic}[frame]
    lon, lat = (place.l, place.b) if frame == "galactic" else (place.ra, place.dec)
    path = write_regions(f'{frame}\ncircle({lon.deg:.9f},{lat.deg:.9f},0.25")')
    y, x = np.indices(SHAPE)
    expected = np.hypot(x - 5, y - 2) < 1.25
    np.testing.assert_array_equal(ds9_mask(read_ds9_regions(path), wcs, SHAPE), expected)


def test_masked_spaxels_are_flagged_and_left_out(write_cube, write_regions):
    flux = np.ones((1800, *SHAPE)) * (10.0 + np.arange(48.0).reshape(SHAPE))
    path, stars = write_cube(flux=flux), write_regions("image\ncircle(4,3,1.2)\npoint(8,6)")
    options = CubeOptions(mask_regions=stars, chunk_spaxels=16)
    data = read_cube(path, Z, options=options)
    y, x = np.indices(SHAPE)
    star = (np.hypot(x - 3, y - 2) < 1.2) | ((x == 7) & (y == 5))
    np.testing.assert_array_equal(data.row < 0, star)
    np.testing.assert_array_equal((data.spaxel_flag & Flag.MASKED_REGION) > 0, star)
    assert len(data) == 48 - 6
    assert data.provenance["MASKREG"] == "stars.reg"
    # a bin is the sum of what is left of it
    binned = read_cube(path, Z, bins=np.zeros(SHAPE), options=options)
    assert binned.n_spaxels.tolist() == [42]
    total = float(binned.observation.flux[0, 800]) / (1 + Z)
    assert total == pytest.approx(flux[0][~star].sum(), rel=1e-5)
    # the region of a cube sees the part of the stars that lies in it
    part = read_cube(path, Z, window=(3, 8, 2, 6), options=options)
    np.testing.assert_array_equal(part.row < 0, star[2:6, 3:8])


def test_apertures_are_bins_with_names(write_cube, write_regions, tmp_path):
    text = "image\nbox(6.5,2.5,2,2,0) # text={arm}\nbox(2,2,2.5,2.5,0)\n-point(2,2)"
    regions = read_ds9_regions(write_regions(text, "ap.reg"))
    assert regions.names == ("arm", "region 2")
    data = read_cube(write_cube(), Z, bins=regions)
    assert data.label.tolist() == [0, 1]
    assert data.names == ("arm", "region 2")
    assert data.row[1, 1] == -1  # excluded in ds9
    assert data.n_spaxels.tolist() == [int((data.row == i).sum()) for i in (0, 1)] == [4, 8]
    out = write_maps(tmp_path / "maps.fits", {"CHI2": np.ones(2)}, data.map_grid, [0, 1.0, 2.0])
    table = fits.getdata(out, "APERTURES")
    assert list(table["NAME"]) == ["arm", "region 2"]
    assert table["BINID"].tolist() == [0, 1]
    assert table["N_SPAXELS"].tolist() == [4, 8]


def test_order_and_names_survive_a_region_of_the_cube(write_cube, write_regions):
    text = "image\npoint(8,6) # text={far}\npoint(2,2) # text={near}"
    regions = read_ds9_regions(write_regions(text))
    data = read_cube(write_cube(), Z, bins=regions, window=(0, 4, 0, 4))
    assert (data.label.tolist(), data.names) == ([1], ("near",))


def test_a_region_smaller_than_a_spaxel_is_that_spaxel(write_regions):
    file = read_ds9_regions(write_regions("image\ncircle(3.4,2.4,0.2)"))
    mask = ds9_mask(file, None, SHAPE)
    assert np.argwhere(mask).tolist() == [[1, 2]]


def test_names_that_no_fits_table_can_hold(write_regions):
    file = read_ds9_regions(write_regions("image\npoint(3,2) # text={Hα knot}"))
    assert file.names == ("H? knot",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "holds no region"),
        ("image\n-circle(3,3,1)", "holds no region"),
        ("image\nvector(3,3,1,0)", '"vector" frame or shape is not supported'),
        ("physical\ncircle(3,3,1)", '"physical" frame'),
        ("circle(3,3,1)", "coordinate frame was not found"),
        ("fk5\ncircle(a,b,c)", "not a ds9 region file that can be used"),
        ("hello world", "not a ds9 region file that can be used"),
    ],
)
def test_files_without_usable_regions(write_regions, text, message):
    with pytest.raises(InputFileError, match=message):
        read_ds9_regions(write_regions(text))


def test_unreadable_files(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nowhere\.reg"):
        read_ds9_regions(tmp_path / "nowhere.reg")
    binary = tmp_path / "binary.reg"
    binary.write_bytes(b"\x00\xff\xfe SIMPLE")
    with pytest.raises(InputFileError, match="not a ds9 region file"):
        read_ds9_regions(binary)


@pytest.mark.parametrize("shape", ["circle(40,40,2)", "point(9,2)", "circle(0.1,3,0.2)"])
def test_regions_outside_the_cube(write_cube, write_regions, shape):
    regions = read_ds9_regions(write_regions(f"image\npoint(2,2)\n{shape}"))
    with pytest.warns(UserWarning, match=r"1 of 2 regions of .* outside the cube .*\(region 2\)"):
        data = read_cube(write_cube(), Z, options=CubeOptions(mask_regions=regions))
    assert np.argwhere(data.spaxel_flag & Flag.MASKED_REGION).tolist() == [[1, 1]]
    with pytest.raises(ValueError, match=r"'region 2' of .* lies outside the cube of 8 x 6"):
        read_cube(write_cube(), Z, bins=regions)


def test_a_list_of_stars_of_another_field(write_regions):
    regions = read_ds9_regions(write_regions("image\npoint(20,2)\ncircle(40,40,2)"))
    with pytest.raises(ValueError, match=r"all regions of .* lie outside the cube of 8 x 6"):
        ds9_mask(regions, None, SHAPE)


def test_unusable_apertures(write_regions):
    overlap = read_ds9_regions(write_regions("image\ncircle(3,3,1.5) # text={a}\ncircle(4,3,1.5)"))
    with pytest.raises(ValueError, match=r"regions 'a' and 'region 2' of .* share 6 spaxels"):
        aperture_bins(overlap, None, SHAPE)
    gone = read_ds9_regions(write_regions("image\npoint(3,3)\n-circle(3,3,1)"))
    with pytest.raises(ValueError, match="nothing is left of region 'region 1'"):
        aperture_bins(gone, None, SHAPE)
    line = read_ds9_regions(write_regions("image\nline(1,1,4,4)"))
    with pytest.raises(ValueError, match="without area"):
        aperture_bins(line, None, SHAPE)
    label = read_ds9_regions(write_regions("image\ntext(3,3) # text={a label}"))
    with pytest.raises(ValueError, match="without area"):
        aperture_bins(label, None, SHAPE)


def test_sky_regions_need_a_wcs(write_regions):
    file = read_ds9_regions(write_regions('fk5\ncircle(170.0625,12.9915,1")'))
    with pytest.raises(ValueError, match="no celestial WCS"):
        ds9_mask(file, None, SHAPE)
