"""The truth of a mock galaxy, written beside its files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from astropy.io import fits
from torch import Tensor

from amortized_sfh.data.files.fits_files import InputFileError, open_fits
from simulators.mock_galaxy.galaxy import MockGalaxy


class MockTruth(NamedTuple):
    """Contents of ``truth.fits``.

    Attributes
    ----------
    theta : Tensor
        True parameters of every spaxel, shape (ny, nx, n_param), float32.
    names : tuple of str
        Names of the parameters, in order.
    mass_msun : ndarray
        True formed mass per spaxel in M☉, shape (ny, nx).
    snr : ndarray
        S/N per native pixel, shape (ny, nx).
    redshift, distance_mpc : float
        Redshift and luminosity distance in Mpc of the galaxy.
    ebv : float
        E(B-V) of the Milky Way in mag that dims the files.
    """

    theta: Tensor
    names: tuple[str, ...]
    mass_msun: np.ndarray
    snr: np.ndarray
    redshift: float
    distance_mpc: float
    ebv: float


def read_mock_truth(path: str | Path) -> MockTruth:
    """Read the truth of a mock galaxy.

    Parameters
    ----------
    path : str or Path
        File ``truth.fits`` that :func:`~amortized_sfh.data.mocks.files.write_mock_files` wrote.

    Returns
    -------
    MockTruth
        True parameters and masses of all spaxels.

    Raises
    ------
    FileNotFoundError, InputFileError
        If there is no such file, or it holds something else.
    """
    with open_fits(path) as hdul:
        missing = {"THETA", "PARAMETERS", "MASS", "SNR"} - {hdu.name for hdu in hdul}
        if missing:
            raise InputFileError(
                f"{path} lacks the extensions {sorted(missing)}; expected the truth file of a mock"
            )
        theta, mass, snr = (np.array(hdul[n].data, float) for n in ("THETA", "MASS", "SNR"))
        names = tuple(str(name) for name in hdul["PARAMETERS"].data["NAME"])
        numbers = [float(hdul[0].header[key]) for key in ("REDSHIFT", "DISTMPC", "EBV")]
    return MockTruth(
        torch.from_numpy(np.moveaxis(theta, 0, -1)).float(), names, mass, snr, *numbers
    )


def truth_hdus(galaxy: MockGalaxy, seed: int, ebv: float) -> fits.HDUList:
    """Return the truth of a mock galaxy as FITS extensions.

    Parameters
    ----------
    galaxy : MockGalaxy
        Galaxy with the true parameters of every spaxel.
    seed : int
        Seed of the noise in its files.
    ebv : float
        E(B-V) of the Milky Way in mag that dims its files.

    Returns
    -------
    astropy.io.fits.HDUList
        THETA (one plane per parameter), MASS, SNR, PHOTSNR, PARAMETERS and AGEBINS.
    """
    shape, space, n = galaxy.shape, galaxy.generative.simulator.space, galaxy.n_side
    cards = {
        "REDSHIFT": shape.redshift,
        "DISTMPC": (shape.distance_mpc, "[Mpc]"),
        "EBV": (ebv, "[mag] foreground in the data"),
        "SEED": (seed, "of the noise"),
    }
    sky = sky_header(galaxy, n, galaxy.spaxel_arcsec)
    theta = fits.ImageHDU(np.ascontiguousarray(galaxy.theta.movedim(-1, 0)), sky, name="THETA")
    for i, name in enumerate(space.names, start=1):
        theta.header[f"PLANE{i}"] = name
    maps = {
        "MASS": (galaxy.mass_msun, "solMass"),
        "SNR": (galaxy.snr.view(n, n), ""),
        "PHOTSNR": (galaxy.phot_snr.T.reshape(-1, n, n), ""),
    }
    hdus = fits.HDUList([primary_hdu(galaxy, cards), theta])
    for name, (values, unit) in maps.items():
        hdu = fits.ImageHDU(values.contiguous().numpy(), sky, name=name)
        hdu.header["BUNIT"] = unit
        hdus.append(hdu)
    columns = [
        fits.Column("NAME", "16A", array=list(space.names)),
        fits.Column("UNIT", "16A", array=[p.unit for p in space.parameters]),
    ]
    hdus.append(fits.BinTableHDU.from_columns(columns, name="PARAMETERS"))
    edges = np.asarray(galaxy.generative.simulator.bins.edges_gyr)
    ages = [
        fits.Column("AGE_LOW", "D", unit="Gyr", array=edges[:-1]),
        fits.Column("AGE_HIGH", "D", unit="Gyr", array=edges[1:]),
    ]
    hdus.append(fits.BinTableHDU.from_columns(ages, name="AGEBINS"))
    return hdus


def primary_hdu(galaxy: MockGalaxy, cards: Mapping[str, object]) -> fits.PrimaryHDU:
    """Return the empty first HDU of a mock file.

    Parameters
    ----------
    galaxy : MockGalaxy
        Galaxy whose name and position are written.
    cards : mapping
        More cards: keyword to value, or to (value, comment).

    Returns
    -------
    astropy.io.fits.PrimaryHDU
        HDU without data, whose header says that the file is simulated.
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
        Galaxy whose centre is the reference point.
    n_side : int
        Number of pixels per side.
    pixel_arcsec : float
        Side of a pixel in arcsec.

    Returns
    -------
    astropy.io.fits.Header
        Keywords of a gnomonic (TAN) projection.
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
