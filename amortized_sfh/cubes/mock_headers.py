"""Header cards that all files of a mock galaxy share."""

from __future__ import annotations

from collections.abc import Mapping

from astropy.io import fits

from simulators.galaxy import MockGalaxy

__all__ = ["primary_hdu", "sky_header"]


def primary_hdu(galaxy: MockGalaxy, cards: Mapping[str, object]) -> fits.PrimaryHDU:
    """Return the empty first HDU of a mock file.

    Parameters
    ----------
    galaxy : MockGalaxy
        Its name and place are written.
    cards : mapping
        Keyword to value, or (value, comment).

    Returns
    -------
    astropy.io.fits.PrimaryHDU
        Says that the data are simulated.
    """
    hdu = fits.PrimaryHDU()
    hdu.header["OBJECT"] = galaxy.shape.name
    hdu.header["RA"], hdu.header["DEC"] = galaxy.shape.ra_deg, galaxy.shape.dec_deg
    for key, value in cards.items():
        hdu.header[key] = value
    hdu.header["ORIGIN"] = ("amortized-sfh", "simulated, no real data")
    return hdu


def sky_header(galaxy: MockGalaxy, n_side: int, pixel_arcsec: float) -> fits.Header:
    """Return the WCS of a square image centred on the galaxy, north up, east left.

    Parameters
    ----------
    galaxy : MockGalaxy
        Its centre is the reference point.
    n_side : int
        Pixels per side.
    pixel_arcsec : float
        Side of a pixel.

    Returns
    -------
    astropy.io.fits.Header
        Celestial keywords.
    """
    header = fits.Header()
    pixel = pixel_arcsec / 3600.0
    for axis, kind, value, step in (
        (1, "RA---TAN", galaxy.shape.ra_deg, -pixel),
        (2, "DEC--TAN", galaxy.shape.dec_deg, pixel),
    ):
        header[f"CTYPE{axis}"], header[f"CUNIT{axis}"] = kind, "deg"
        header[f"CRVAL{axis}"], header[f"CRPIX{axis}"] = value, 0.5 * (n_side + 1)
        header[f"CD{axis}_{axis}"], header[f"CD{axis}_{3 - axis}"] = step, 0.0
    header["RADESYS"], header["EQUINOX"] = "FK5", 2000.0
    return header
