"""Posteriors of data in files against those of the same data in memory.

Run by `python -m benchmarks.round_trip`.

The mock NGC 3627, moved away until a spaxel is 0.2 arcsec, is written as ESO and MAST would deliver
it: observed frame, noise correlated along wavelength and between spaxels, sky residuals, Galactic
foreground, HST pixels, unresolved sources at the PSFs of HST and MUSE. It is read back through the
whole path and inferred. Beside it, the same noisy numbers are brought to the model's grid in
memory, as in training, without files; there the light of the unresolved sources is known in closed
form. Both posteriors of each spaxel should be one.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from astropy.io import fits
from scipy.ndimage import convolve, gaussian_filter

import amortized_sfh as asfh
from amortized_sfh.data import HST_PIXELS_PER_SPAXEL, band_extinction_mag
from benchmarks.point_sources import UnresolvedSources, add_sources
from benchmarks.run import print_table
from simulators.constants import FWHM_PER_SIGMA
from simulators.mock_galaxy import UNIT_CGS, GalaxyShape, MockGalaxy, observe_native
from simulators.noise import overlap_taps

RESULTS = Path(__file__).with_name("round_trip.json")
_SEED, _EBV, _NEIGHBOUR_SHARE = 3627, 0.03, 0.08
#: FWHM in arcsec of the PSF that HST images are brought to, and of HST's own.
_PSF, _HST_PSF = 0.8, 0.08
_SPAXEL_ARCSEC = 0.2
_MAX_SHIFT, _WIDTH_RATIO = 0.1, (0.97, 1.03)


def main(arguments: Sequence[str] | None = None) -> None:
    """Write files, read them back, infer both and compare."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.round_trip", description=__doc__)
    parser.add_argument("--model", default="phangs-bc03", help="name or folder (phangs-bc03)")
    parser.add_argument("--side", type=int, default=20, help="spaxels per side (20)")
    parser.add_argument("--draws", type=int, default=1000, help="per spaxel (1000)")
    parser.add_argument("--out", type=Path, default=RESULTS, help="JSON file of the results")
    options = parser.parse_args(arguments)
    model = asfh.load_model(options.model)
    galaxy = asfh.mock_galaxy(model.generative, options.side, _SEED, far_galaxy(options.side))
    with tempfile.TemporaryDirectory() as folder:
        files = asfh.write_mock_files(
            galaxy, folder, _SEED, ebv=_EBV, shared_systematics=True,
            neighbour_share=_NEIGHBOUR_SHARE,
        )  # fmt: skip
        in_memory_observation = in_memory(galaxy, files)
        data = asfh.read_cube(
            files.cube,
            galaxy.shape.redshift,
            ebv=_EBV,
            hst=files.hst,
            options=asfh.CubeOptions(
                grid=model.instrument.grid,
                psf_fwhm_arcsec=_PSF,
                noise_growth=0.0,
            ),
        )
    rows = torch.from_numpy(np.flatnonzero(data.row.ravel() >= 0))
    pair = [
        asfh.infer(model, observation, options.draws, seed=_SEED).theta
        for observation in (data.observation, in_memory_observation[rows])
    ]
    table = compare(model, *pair)
    print_table(f"{len(rows)} spaxels, files / memory", ("parameter", "shift", "width"), table)
    shift, width = (float(np.median([row[k] for row in table])) for k in (1, 2))
    print(f"\nmedian over parameters: shift {shift:.4f} sigma, width ratio {width:.4f}")
    reached = shift <= _MAX_SHIFT and _WIDTH_RATIO[0] <= width <= _WIDTH_RATIO[1]
    print(f"goal (shift <= {_MAX_SHIFT}, width {_WIDTH_RATIO}): {reached}")
    results = {"spaxels": len(rows), "shift": shift, "width_ratio": width, "parameters": table}
    options.out.write_text(json.dumps(results, indent=1) + "\n")


def far_galaxy(n_side: int) -> GalaxyShape:
    """Move NGC 3627 away until its field has so many spaxels of MUSE on each side."""
    near = GalaxyShape()
    field = n_side * _SPAXEL_ARCSEC
    distance = near.distance_mpc * near.field_arcsec / field
    return replace(near, field_arcsec=field, distance_mpc=distance)


def compare(
    model: asfh.PosteriorModel, one: torch.Tensor, other: torch.Tensor
) -> list[tuple[str, float, float]]:
    """Compare draws of the same spaxels, each of shape (n_spaxel, n_draws, n_param).

    Gives the name of each parameter with the medians over spaxels of |difference of means| / sigma
    and of the ratio of widths.
    """
    shift = (one.mean(1) - other.mean(1)).abs() / other.std(1)
    ratio = one.std(1) / other.std(1)
    names = model.space.names
    medians = zip(names, shift.median(0).values, ratio.median(0).values, strict=True)
    return [(name, round(float(a), 4), round(float(b), 4)) for name, a, b in medians]


def in_memory(galaxy: MockGalaxy, files: asfh.MockFiles) -> asfh.Observation:
    """Bring the noisy numbers of the files to the grid of the model, without cube and WCS.

    Spectra are resampled with the overlap weights of training, images by plain convolution. Adds
    unresolved sources to the result and to the files.
    """
    instrument = galaxy.generative.instrument
    seen = observe_native(galaxy, _SEED, shared_systematics=True, neighbour_share=_NEIGHBOUR_SHARE)
    bands = [_band(galaxy, files, band) for band in instrument.bands]
    sources = UnresolvedSources.scattered(galaxy.n_side, _SEED)
    added = add_sources(galaxy, files, sources, (_PSF, _HST_PSF), _EBV)
    stretch = 1.0 + galaxy.shape.redshift
    redshift = torch.full((len(seen.flux),), galaxy.shape.redshift)
    index, weight = (part[0] for part in overlap_taps(instrument, redshift[:1]))
    first = instrument.pixels.position(seen.wave_aa[:1] / stretch, redshift[:1].double())
    taps = index[:, None] + torch.arange(weight.shape[-1]) - round(float(first))
    flux = ((seen.flux + added.flux)[:, taps] * weight).sum(-1) * stretch
    sigma = (seen.sigma[:, taps].square() * weight.square()).sum(-1).sqrt() * stretch
    phot, phot_sigma = (torch.stack(part, dim=1) * stretch for part in zip(*bands, strict=True))
    phot = phot + added.phot * stretch
    full = torch.ones(flux.shape, dtype=torch.bool)
    return asfh.Observation(
        flux, sigma, full, phot, phot_sigma, torch.ones(phot.shape, dtype=torch.bool), redshift,
        unit_cgs=UNIT_CGS,
    )  # fmt: skip


def _band(
    galaxy: MockGalaxy, files: asfh.MockFiles, band: str
) -> tuple[torch.Tensor, torch.Tensor]:
    """Measure flux and error of every spaxel in a band from the pixels of the image."""
    with fits.open(files.hst[band]) as hdus:
        scale = hdus["SCI"].header["PHOTFLAM"] / UNIT_CGS
        image, error = (hdus[n].data.astype(np.float64) * scale for n in ("SCI", "ERR"))
    pixel = galaxy.spaxel_arcsec / HST_PIXELS_PER_SPAXEL
    width = np.sqrt(_PSF**2 - _HST_PSF**2) / FWHM_PER_SIGMA / pixel
    smooth = gaussian_filter(image, width, mode="constant")
    # a spaxel is a box of the smoothed image: its weight of every pixel
    reach = int(4 * width) + HST_PIXELS_PER_SPAXEL
    box = np.zeros((2 * reach + HST_PIXELS_PER_SPAXEL, 2 * reach + HST_PIXELS_PER_SPAXEL))
    box[reach : reach + HST_PIXELS_PER_SPAXEL, reach : reach + HST_PIXELS_PER_SPAXEL] = 1.0
    kernel = gaussian_filter(box, width, mode="constant")
    variance = convolve(
        error**2, kernel**2, mode="constant", origin=-(HST_PIXELS_PER_SPAXEL % 2 == 0)
    )
    corner = (len(image) - galaxy.n_side * HST_PIXELS_PER_SPAXEL) // 2
    inner = slice(corner, corner + galaxy.n_side * HST_PIXELS_PER_SPAXEL)
    blocks = smooth[inner, inner].reshape(
        galaxy.n_side, HST_PIXELS_PER_SPAXEL, galaxy.n_side, HST_PIXELS_PER_SPAXEL
    )
    middle = slice(
        corner + HST_PIXELS_PER_SPAXEL // 2,
        corner + HST_PIXELS_PER_SPAXEL // 2 + galaxy.n_side * HST_PIXELS_PER_SPAXEL,
        HST_PIXELS_PER_SPAXEL,
    )
    factor = 10.0 ** (0.4 * band_extinction_mag(band, _EBV))
    flux = blocks.sum(axis=(1, 3)) * factor
    sigma = np.sqrt(variance[middle, middle]) * factor
    return torch.from_numpy(flux.ravel()).float(), torch.from_numpy(sigma.ravel()).float()


if __name__ == "__main__":
    main()
