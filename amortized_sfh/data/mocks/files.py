"""Writing a mock galaxy as the files that ESO and MAST would deliver, and its truth.

``cube.fits`` is a MUSE cube (DATA and STAT on observed-frame air wavelengths), ``hst_<band>.fits``
are drizzled HST images with an error map, four times finer than the cube; both are read like real
data. ``truth.fits`` holds the true parameters, which :func:`read_mock_truth` reads back. Spaxels
are larger than MUSE's: the cube is that of a rebinned mosaic.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from astropy.io import fits
from torch import Tensor
from torch.nn.functional import interpolate, pad

from amortized_sfh.data.cube_files.psf import DEFAULT_FWHM_ARCSEC
from amortized_sfh.data.files.fits_files import InputFileError, open_fits
from amortized_sfh.data.foreground import band_extinction_mag, foreground_factor
from simulators.constants import SPEED_OF_LIGHT_AA_S
from simulators.files.whole_files import whole_file
from simulators.mock_galaxy.galaxy import UNIT_CGS, MockGalaxy
from simulators.mock_galaxy.native_cube import NativeCube, observe_native

HST_PIXELS_PER_SPAXEL = 4
"""HST pixels per side of a spaxel."""

_MIN_BORDER = 2
_BUNIT = "10**(-20)*erg/s/cm**2/Angstrom"
_PHOTFLAM = {
    "F275W": (3.18585e-18, 2707.07),
    "F336W": (1.26612e-18, 3354.86),
    "F438W": (6.63951e-19, 4325.74),
    "F555W": (1.80962e-19, 5307.09),
    "F814W": (1.47727e-19, 8037.46),
}
"""f_λ (erg/s/cm²/Å) of 1 electron/s and pivot wavelength (Å), from the images of NGC 3627."""


class MockFiles(NamedTuple):
    """Paths of the files of a mock galaxy.

    Attributes
    ----------
    cube : Path
        MUSE cube with DATA and STAT.
    hst : dict of str to Path
        Band name to HST image.
    truth : Path
        True parameters, see :func:`read_mock_truth`.
    """

    cube: Path
    hst: dict[str, Path]
    truth: Path


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


def write_mock_files(
    galaxy: MockGalaxy,
    folder: str | Path,
    seed: int,
    *,
    ebv: float = 0.0,
    shared_systematics: bool = False,
    neighbour_share: float = 0.0,
    overwrite: bool = False,
) -> MockFiles:
    """Observe a mock galaxy and write the files.

    Each file appears under its name only when it is complete; the truth comes last.

    Parameters
    ----------
    galaxy : MockGalaxy
        Galaxy with the true parameters of every spaxel.
    folder : str or Path
        Folder for the files; made if it does not exist.
    seed : int
        Source of the noise; the same seed gives the same files.
    ebv : float
        E(B-V) of the Milky Way in mag that dims the data.
    shared_systematics : bool
        If true, calibration errors are drawn once for the cube instead of for each spaxel, see
        :func:`~simulators.mock_galaxy.native_cube.observe_native`.
    neighbour_share : float
        Correlation of the noise of neighbouring spaxels, see the same.
    overwrite : bool
        If true, existing files are replaced.

    Returns
    -------
    MockFiles
        Paths of the files that were written.

    Raises
    ------
    FileExistsError
        If one of the files exists and ``overwrite`` is False.
    ValueError
        If the model has a band that no HST image of NGC 3627 exists for, or E(B-V) is absurd.
    """
    folder = Path(folder)
    bands = galaxy.generative.instrument.bands
    unknown = [band for band in bands if band not in _PHOTFLAM]
    if unknown:
        raise ValueError(f"bands {unknown} have no calibration; expected {tuple(_PHOTFLAM)}")
    images = {band: folder / f"hst_{band.lower()}.fits" for band in bands}
    files = MockFiles(folder / "cube.fits", images, folder / "truth.fits")
    for path in (files.cube, *images.values(), files.truth):
        if path.exists() and not overwrite:
            raise FileExistsError(
                f"{path} exists and is kept; add --overwrite (in Python overwrite=True) to "
                "replace it"
            )
    seen = observe_native(
        galaxy, seed, shared_systematics=shared_systematics, neighbour_share=neighbour_share
    )
    folder.mkdir(parents=True, exist_ok=True)
    _write(files.cube, _cube(galaxy, seen, ebv))
    generator = torch.Generator().manual_seed((seed << 32) + 1)
    for j, (band, path) in enumerate(images.items()):
        dimming = 10.0 ** (-0.4 * band_extinction_mag(band, ebv))
        flux, sigma = (value[:, j] * dimming for value in (seen.phot, seen.phot_sigma))
        _write(path, _image(galaxy, band, flux, sigma, generator))
    _write(files.truth, _truth_hdus(galaxy, seed, ebv))
    return files


def read_mock_truth(path: str | Path) -> MockTruth:
    """Read the truth of a mock galaxy.

    Parameters
    ----------
    path : str or Path
        File ``truth.fits`` that :func:`write_mock_files` wrote.

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


def _write(path: Path, hdus: fits.HDUList) -> None:
    """Write a FITS file whole or not at all."""
    with whole_file(path) as partial:
        hdus.writeto(partial, overwrite=True, checksum=False)


def _cube(galaxy: MockGalaxy, seen: NativeCube, ebv: float) -> fits.HDUList:
    """Return the cube as ESO would deliver it."""
    n = galaxy.n_side
    factor = 1.0 / foreground_factor(seen.wave_aa.numpy(), ebv)[:, None]
    header = _sky_header(galaxy, n, galaxy.spaxel_arcsec)
    step = float(seen.wave_aa[-1] - seen.wave_aa[0]) / (len(seen.wave_aa) - 1)
    header["CTYPE3"], header["CUNIT3"] = "AWAV", "Angstrom"
    header["CRVAL3"], header["CRPIX3"] = round(float(seen.wave_aa[0]), 6), 1.0
    header["CD3_3"] = round(step, 6)
    for key in ("CD1_3", "CD2_3", "CD3_1", "CD3_2"):
        header[key] = 0.0
    cards = {
        "TELESCOP": "ESO-VLT-U4",
        "INSTRUME": "MUSE",
        "SKY_RES": (DEFAULT_FWHM_ARCSEC, "[arcsec] FWHM of the PSF"),
        "PIXSCALE": (galaxy.spaxel_arcsec, "[arcsec] rebinned mosaic, native is 0.2"),
        "REDSHIFT": galaxy.shape.redshift,
    }
    hdus = fits.HDUList([_primary_hdu(galaxy, cards)])
    planes = {"DATA": seen.flux.numpy().T * factor, "STAT": (seen.sigma.numpy().T * factor) ** 2}
    for name, values in planes.items():
        cube = np.ascontiguousarray(values, dtype=np.float32).reshape(-1, n, n)
        hdu = fits.ImageHDU(cube, header=header, name=name)
        hdu.header["BUNIT"] = _BUNIT if name == "DATA" else f"({_BUNIT})**2"
        hdus.append(hdu)
    hdus["DATA"].header["ERRDATA"] = "STAT"
    hdus["STAT"].header["SCIDATA"] = "DATA"
    return hdus


def _image(
    galaxy: MockGalaxy, band: str, flux: Tensor, sigma: Tensor, generator: torch.Generator
) -> fits.HDUList:
    """Return a drizzled image with noise as MAST would deliver it."""
    per_electron, pivot = _PHOTFLAM[band]
    n = galaxy.n_side
    border = max(_MIN_BORDER, math.ceil(2.0 * DEFAULT_FWHM_ARCSEC / galaxy.spaxel_arcsec))
    counts = _finer(_with_border(flux.view(n, n), border)) * (UNIT_CGS / per_electron)
    # k x k independent pixels add up to the error of the spaxel
    k = HST_PIXELS_PER_SPAXEL
    error = _with_border(sigma.view(n, n), border).double() * (UNIT_CGS / per_electron / k)
    error = error.repeat_interleave(k, 0).repeat_interleave(k, 1)
    noisy = counts + error * torch.randn(error.shape, generator=generator, dtype=error.dtype)
    cards = {"TELESCOP": "HST", "INSTRUME": "WFC3", "DETECTOR": "UVIS", "FILTER": band}
    header = _sky_header(galaxy, len(noisy), galaxy.spaxel_arcsec / k)
    header["BUNIT"], header["PHOTMODE"] = "ELECTRONS/S", f"WFC3 UVIS2 {band}"
    header["PHOTFLAM"] = (per_electron, "inverse sensitivity, erg/cm2/Ang/electron")
    header["PHOTPLAM"] = (pivot, "Pivot wavelength (Angstroms)")
    zero_point = -2.5 * np.log10(per_electron * pivot**2 / SPEED_OF_LIGHT_AA_S) - 48.60
    header["ZPAB"] = (round(zero_point, 4), "AB magnitude of 1 electron/s")
    named = {"SCI": noisy, "ERR": error}
    planes = (fits.ImageHDU(v.float().numpy(), header, name=k) for k, v in named.items())
    return fits.HDUList([_primary_hdu(galaxy, cards), *planes])


def _with_border(image: Tensor, width: int) -> Tensor:
    """Continue a map beyond the cube, since HST's field does not end with MUSE's."""
    return pad(image[None, None], (width,) * 4, mode="replicate")[0, 0]


def _finer(image: Tensor) -> Tensor:
    """Smooth image on finer pixels whose sums over spaxels are the values of `image`."""
    coarse, k = image.double(), HST_PIXELS_PER_SPAXEL
    fine = interpolate(coarse.log()[None, None], scale_factor=k, mode="bicubic")[0, 0].exp()
    blocks = fine.unflatten(0, (-1, k)).unflatten(2, (-1, k))
    blocks = blocks * (coarse / blocks.sum(dim=(1, 3)))[:, None, :, None]
    return blocks.flatten(2, 3).flatten(0, 1)


def _truth_hdus(galaxy: MockGalaxy, seed: int, ebv: float) -> fits.HDUList:
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
    sky = _sky_header(galaxy, n, galaxy.spaxel_arcsec)
    theta = fits.ImageHDU(np.ascontiguousarray(galaxy.theta.movedim(-1, 0)), sky, name="THETA")
    for i, name in enumerate(space.names, start=1):
        theta.header[f"PLANE{i}"] = name
    maps = {
        "MASS": (galaxy.mass_msun, "solMass"),
        "SNR": (galaxy.snr.view(n, n), ""),
        "PHOTSNR": (galaxy.phot_snr.T.reshape(-1, n, n), ""),
    }
    hdus = fits.HDUList([_primary_hdu(galaxy, cards), theta])
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


def _primary_hdu(galaxy: MockGalaxy, cards: Mapping[str, object]) -> fits.PrimaryHDU:
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


def _sky_header(galaxy: MockGalaxy, n_side: int, pixel_arcsec: float) -> fits.Header:
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
