"""Emission-line-subtracted spectra of GIST and nGIST, bin by bin, as observations.

Posteriors from them stand beside the run's own results: the same bins, the same spectra. Rebinned
spectra are brought back to the pixels of MUSE and from there to the model's grid as a cube is, so
that the noise has the form that models know. Errors are those of the run, which leave out the
covariance of neighbouring spaxels: `--measure-noise` helps.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from amortized_sfh.data.ancillary.dap_maps import DapMaps
from amortized_sfh.data.ancillary.gist_products import (
    GistProducts,
    GistSpectra,
    read_gist_spectra,
)
from amortized_sfh.data.ancillary.spaxel_maps import read_velocity_map
from amortized_sfh.data.cube_files.cube_file import UNIT_CGS
from amortized_sfh.data.cubes.cube_data import CubeData
from amortized_sfh.data.cubes.spaxel_reader import to_own_frames
from amortized_sfh.data.files.fits_files import InputFileError
from amortized_sfh.data.foreground import foreground_factor
from amortized_sfh.quantities.flags import Flag, observation_flags
from simulators.instruments.instrument import Instrument
from simulators.instruments.observed_pixels import ObservedPixels
from simulators.observations.observation import BANDS, Observation, check_redshift
from simulators.wavelengths.air import to_medium
from simulators.wavelengths.doppler import shift_redshift
from simulators.wavelengths.resample import (
    Resampled,
    apply,
    apply_weights,
    edges_from_centres,
    resample_matrix,
)

_SAME_REDSHIFT = 1e-5
_LOG_WAVE = (math.log(2000.0), math.log(20_000.0))


def gas_cleaned_data(
    products: GistProducts,
    redshift: float,
    instrument: Instrument,
    *,
    ebv: float = 0.0,
    cube: CubeData | None = None,
) -> CubeData:
    """Bring the emission-line-subtracted spectra of a run to a model.

    Parameters
    ----------
    products : GistProducts
        Products of the run.
    redshift : float
        Redshift of the galaxy, that of the run.
    instrument : Instrument
        Instrument that the model was made for.
    ebv : float
        Galactic E(B-V) in mag, removed unless the run has done so.
    cube : CubeData, optional
        The cube in the bins of the run, which supplies the HST bands; without it there are none.

    Returns
    -------
    CubeData
        One row per bin, in the rest frame of the bin's stellar velocity.

    Raises
    ------
    InputFileError
        If the run has no such spectra.
    ValueError
        If the redshift is absurd or not that of the run.
    """
    z = check_redshift(redshift)
    if products.redshift is not None and abs(products.redshift - z) > _SAME_REDSHIFT:
        raise ValueError(
            f"redshift is {z:g} and that of the GIST run in {products.folder} "
            f"{products.redshift:g}; expected the same: the run's velocities are relative to it"
        )
    maps = products.maps
    label = np.unique(maps.bin_id[maps.bin_id >= 0]) if cube is None else cube.label
    frame = _bin_frames(maps)[label]
    z_rows = torch.as_tensor(shift_redshift(z, frame))
    spectra = _rest_spectra(products, label, (z, z_rows), instrument, ebv)
    provenance = {"GIST": products.run, "SPECTRA": "gas-cleaned", "REDSHIFT": z, "EBV": ebv}
    noise_scale, blank = np.ones(len(label)), torch.zeros(len(label), len(BANDS))
    bands = (blank, blank, blank.bool())
    if cube is not None:
        seen = cube.observation
        bands = (seen.phot, seen.phot_sigma, seen.phot_valid)
    observation = Observation(*spectra, *bands, z_rows.float(), unit_cgs=UNIT_CGS)
    flag = observation_flags(observation)
    if cube is not None:
        return replace(
            cube,
            observation=observation,
            flag=flag | (cube.flag & int(Flag.NO_WCS | Flag.BAND_MISSING)),
            noise_scale=noise_scale,
            provenance=cube.provenance | provenance,
            frame_kms=frame,
        )
    row = np.where(maps.bin_id >= 0, np.searchsorted(label, maps.bin_id), -1)
    no_wcs = 0 if len(products.header) else int(Flag.NO_WCS)
    return CubeData(
        observation,
        row,
        label,
        np.bincount(row[row >= 0], minlength=len(label)),
        flag | no_wcs,
        np.where(row < 0, int(Flag.NO_DATA), 0) | no_wcs,
        products.header,
        noise_scale,
        provenance,
        redshift=z,
        frame_kms=frame,
    )


def _rest_spectra(
    products: GistProducts,
    label: np.ndarray,
    redshifts: tuple[float, Tensor],
    instrument: Instrument,
    ebv: float,
) -> Resampled:
    """Spectra of bins on the model's grid; redshifts are the run's, and each bin's (n_obs,)."""
    spectra = read_gist_spectra(products)
    spectra = spectra._replace(flux=spectra.flux[label], sigma=spectra.sigma[label])
    dimmed_by = ebv if products.ebv is None else 0.0
    edges, native = _on_native_pixels(spectra, redshifts[0], instrument.pixels, dimmed_by)
    medium = instrument.pixels.medium
    rest = to_own_frames(edges, native, redshifts[1], instrument.grid, medium)
    return Resampled(rest.flux.float(), rest.sigma.float(), rest.valid)


def _bin_frames(maps: DapMaps) -> np.ndarray:
    """Velocity of every bin in km/s, that of the nearest for bins without one."""
    filled = read_velocity_map(maps.velocity_kms, maps.bin_id.shape).velocity_kms
    member = maps.bin_id >= 0
    number = maps.bin_id[member]
    return np.bincount(number, filled[member]) / np.maximum(np.bincount(number), 1)


def _on_native_pixels(
    spectra: GistSpectra, redshift: float, pixels: ObservedPixels, ebv: float
) -> tuple[Tensor, Resampled]:
    """Edges of the instrument's pixels that the spectra cover, and the spectra on them."""
    low, high = float(spectra.log_wave.min()), float(spectra.log_wave.max())
    if not _LOG_WAVE[0] < low < high < _LOG_WAVE[1]:
        raise InputFileError(
            f"LOGLAM of the spectra spans {low:.4g} to {high:.4g}; expected natural logarithms of "
            "wavelengths in Å"
        )
    observed = torch.exp(edges_from_centres(spectra.log_wave)) * (1.0 + redshift)
    observed = to_medium(observed, "air", pixels.medium)
    first = math.ceil(float(pixels.index(observed[0])) + 0.5)
    last = math.floor(float(pixels.index(observed[-1])) - 0.5)
    edges = pixels.wave_aa(torch.arange(first, last + 2, dtype=torch.float64) - 0.5)
    matrix = resample_matrix(observed, edges)
    flux, sigma = torch.as_tensor(spectra.flux), torch.as_tensor(spectra.sigma)
    usable = torch.isfinite(flux) & torch.isfinite(sigma) & (sigma > 0)
    out = apply(matrix, flux, sigma, usable)
    # errors are those of such pixels already: their variances are averaged, not propagated
    variance = apply_weights(matrix, torch.where(usable, sigma**2, 0.0))
    share = torch.where(out.valid, apply_weights(matrix, usable.double()), 1.0)
    error = torch.where(out.valid, variance / share, 0.0).sqrt()
    factor = torch.as_tensor(foreground_factor((0.5 * (edges[1:] + edges[:-1])).numpy(), ebv))
    return edges, Resampled(out.flux * factor, error * factor, out.valid)
