"""Tiny cubes and images in the form in which ESO and MAST deliver them."""

from __future__ import annotations

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS

BUNIT = "10**(-20)*erg/s/cm**2/Angstrom"


def celestial(n_x, n_y, scale_arcsec, angle=0.0):
    """WCS centred on the same point of the sky, whatever the size and scale."""
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crval = [170.0625, 12.9915]
    wcs.wcs.crpix = [0.5 * (n_x + 1), 0.5 * (n_y + 1)]
    c, s = np.cos(angle), np.sin(angle)
    wcs.wcs.pc = [[-c, s], [s, c]]
    wcs.wcs.cdelt = [scale_arcsec / 3600.0] * 2
    wcs.wcs.set()
    return wcs


class CubeWriter:
    """Writes a cube of `flux` (n_plane, ny, nx), 10 by default, with sigma 1."""

    def __init__(self, folder):
        self.folder = folder

    def __call__(self, *, flux=None, shape=(6, 8), header=None, drop=(), stat=True, quality=None):
        n_plane = 1800
        if flux is None:
            flux = np.full((n_plane, *shape), 10.0)
        data = fits.ImageHDU(flux.astype(np.float32), name="DATA")
        spatial = celestial(flux.shape[2], flux.shape[1], 0.2).to_header()
        spatial["WCSAXES"] = 3
        data.header.update(spatial)
        data.header.update(
            {"CTYPE3": "AWAV", "CRVAL3": 4749.89, "CRPIX3": 1.0, "CUNIT3": "Angstrom"}
        )
        data.header.update({"CD3_3": 1.25, "BUNIT": BUNIT, "SKY_RES": 0.8})
        del data.header["CD3_3"]
        data.header["CDELT3"] = 1.25
        data.header.update(header or {})
        for key in drop:
            data.header.remove(key, ignore_missing=True)
        hdus = fits.HDUList([fits.PrimaryHDU(), data])
        if stat is True:
            stat = np.ones_like(flux)
        if stat is not None:
            hdus.append(fits.ImageHDU(stat.astype(np.float32), name="STAT"))
        if quality is not None:
            hdus.append(fits.ImageHDU(quality.astype(np.uint8), name="DQ"))
        path = self.folder / "cube.fits"
        hdus.writeto(path, overwrite=True)
        return path


@pytest.fixture
def write_cube(tmp_path):
    """Return a function that writes a cube and gives its path."""
    return CubeWriter(tmp_path)


@pytest.fixture
def write_hst(tmp_path):
    """Return a function that writes a drizzled image in electrons/s and gives its path."""

    def write(image=None, band="F555W", *, wcs=None, drop=(), header=None, name=None, sci="SCI"):
        if image is None:
            image = np.full((120, 150), 2.0)
        wcs = wcs or celestial(image.shape[1], image.shape[0], 0.04, angle=0.6)
        primary = fits.PrimaryHDU()
        primary.header.update({"FILTER": band, "EXPTIME": 1000.0, "INSTRUME": "WFC3"})
        science = fits.ImageHDU(image.astype(np.float32), header=wcs.to_header(), name=sci)
        science.header.update({"PHOTFLAM": 1.8e-19, "PHOTPLAM": 5307.0, "BUNIT": "ELECTRONS/S"})
        science.header.update(header or {})
        for key in drop:
            science.header.remove(key, ignore_missing=True)
        path = tmp_path / (name or f"{band.lower()}_drc.fits")
        fits.HDUList([primary, science]).writeto(path, overwrite=True)
        return path

    return write


@pytest.fixture
def sky():
    """Return the function that makes a celestial WCS."""
    return celestial
