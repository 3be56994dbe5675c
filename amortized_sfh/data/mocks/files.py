"""Writing a mock galaxy as the files that ESO and MAST would deliver, and its truth.

``cube.fits`` is a MUSE cube (DATA and STAT on observed-frame air wavelengths), ``hst_<band>.fits``
are drizzled HST images with an error map, four times finer than the cube; both are read like real
data. ``truth.fits`` holds the true parameters (:mod:`amortized_sfh.data.mocks.truth`). Spaxels are
larger than MUSE's: the cube is that of a rebinned mosaic.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from astropy.io import fits
from torch import Tensor
from torch.nn.functional import interpolate, pad

from amortized_sfh.data.cube_files.psf import DEFAULT_FWHM_ARCSEC
from amortized_sfh.data.foreground import band_extinction_mag, foreground_factor
from amortized_sfh.data.mocks.truth import primary_hdu, sky_header, truth_hdus
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
        True parameters, see :func:`~amortized_sfh.data.mocks.truth.read_mock_truth`.
    """

    cube: Path
    hst: dict[str, Path]
    truth: Path


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
    _write(files.truth, truth_hdus(galaxy, seed, ebv))
    return files


def _write(path: Path, hdus: fits.HDUList) -> None:
    """Write a FITS file whole or not at all."""
    with whole_file(path) as partial:
        hdus.writeto(partial, overwrite=True, checksum=False)


def _cube(galaxy: MockGalaxy, seen: NativeCube, ebv: float) -> fits.HDUList:
    """Return the cube as ESO would deliver it."""
    n = galaxy.n_side
    factor = 1.0 / foreground_factor(seen.wave_aa.numpy(), ebv)[:, None]
    header = sky_header(galaxy, n, galaxy.spaxel_arcsec)
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
    hdus = fits.HDUList([primary_hdu(galaxy, cards)])
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
    header = sky_header(galaxy, len(noisy), galaxy.spaxel_arcsec / k)
    header["BUNIT"], header["PHOTMODE"] = "ELECTRONS/S", f"WFC3 UVIS2 {band}"
    header["PHOTFLAM"] = (per_electron, "inverse sensitivity, erg/cm2/Ang/electron")
    header["PHOTPLAM"] = (pivot, "Pivot wavelength (Angstroms)")
    zero_point = -2.5 * np.log10(per_electron * pivot**2 / SPEED_OF_LIGHT_AA_S) - 48.60
    header["ZPAB"] = (round(zero_point, 4), "AB magnitude of 1 electron/s")
    named = {"SCI": noisy, "ERR": error}
    planes = (fits.ImageHDU(v.float().numpy(), header, name=k) for k, v in named.items())
    return fits.HDUList([primary_hdu(galaxy, cards), *planes])


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
