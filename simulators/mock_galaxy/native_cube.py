"""A mock galaxy as a cube sees it: on the observed pixels ("native"), with noise drawn there.

The noise is that of the model's noise profile: white from pixel to pixel without one, which becomes
correlated only in the reader that resamples the cube to the rest frame, as with real data.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from simulators.forward.simulator import ModelSpectra, Simulator
from simulators.instruments.instrument import Instrument
from simulators.instruments.observed_pixels import LinearObservedPixels
from simulators.mock_galaxy.galaxy import MockGalaxy, simulate
from simulators.noise.noise_model import NoiseModel
from simulators.wavelengths.rest_grid import LinearRestGrid

_MARGIN_PIXELS = 2


class NativeCube(NamedTuple):
    """Spectra and bands of all spaxels as observed, in units of 1e-20 erg/s/cm²/Å.

    Attributes
    ----------
    wave_aa
        Observed air wavelengths of the pixel centres, shape (n_wave,), float64.
    flux, sigma
        f_λ and its standard deviation, shape (n_spaxel, n_wave).
    phot
        Photon-counting mean f_λ of the bands with calibration errors but without the noise of the
        pixels of an image, shape (n_spaxel, n_band).
    phot_sigma
        Standard deviation of a spaxel's band flux that this noise is to have, the same shape.
    """

    wave_aa: Tensor
    flux: Tensor
    sigma: Tensor
    phot: Tensor
    phot_sigma: Tensor


def native_instrument(instrument: Instrument, redshift: float) -> Instrument:
    """Return the instrument whose rest-frame grid is that of the observed pixels.

    Parameters
    ----------
    instrument
        Instrument of a model, on whose rest-frame grid spectra are resampled.
    redshift
        Redshift of the galaxy, for which the observed pixels are seen from the rest frame.

    Returns
    -------
    Instrument
        Its grid is the part of the observed pixels that covers the model's grid, seen from the rest
        frame; nothing is resampled, so nothing is blurred.

    Raises
    ------
    ValueError
        If the pixels are not uniform in air wavelength, as a cube's are.
    """
    pixels = instrument.pixels
    if not isinstance(pixels, LinearObservedPixels) or pixels.medium != "air":
        raise ValueError(
            f"instrument {instrument.name!r} observes {pixels}: a mock cube needs pixels of equal "
            "width in air, as those of MUSE"
        )
    stretch = 1.0 + redshift
    start, step = pixels.start_aa, pixels.step_aa
    edges = instrument.grid.edges_aa
    low, high = (float(edges[i]) * stretch for i in (0, -1))
    first = math.floor((low - start) / step + 0.5) - _MARGIN_PIXELS
    last = math.ceil((high - start) / step - 0.5) + _MARGIN_PIXELS
    grid = LinearRestGrid((start + first * step) / stretch, step / stretch, last - first + 1)
    return replace(instrument, grid=grid, pixels=replace(pixels, start_aa=start + first * step))


def native_light(galaxy: MockGalaxy) -> tuple[Tensor, ModelSpectra]:
    """Noise-free light on the observed pixels.

    Parameters
    ----------
    galaxy
        Galaxy to simulate; the basis that its model carries is enough, no library is read.

    Returns
    -------
    wave_aa : Tensor
        Observed air wavelengths, shape (n_wave,), float64.
    light : ModelSpectra
        f_λ as observed, `flux` (n_spaxel, n_wave) and `phot` (n_spaxel, n_band).
    """
    model, stretch = galaxy.generative.simulator, 1.0 + galaxy.shape.redshift
    instrument = native_instrument(model.instrument, galaxy.shape.redshift)
    simulator = Simulator(model.basis, model.space, model.bins, instrument)
    rest = simulate(simulator, galaxy)
    return simulator.wave_aa * stretch, ModelSpectra(rest.flux / stretch, rest.phot / stretch)


@torch.no_grad()
def observe_native(
    galaxy: MockGalaxy,
    seed: int,
    *,
    shared_systematics: bool = False,
    neighbour_share: float = 0.0,
) -> NativeCube:
    """Observe the galaxy on native pixels, with the errors of the model's noise model.

    Parameters
    ----------
    galaxy
        Galaxy to observe, with the noise model of its generative model.
    seed
        Seed of the random numbers of the noise.
    shared_systematics
        If true, draw the multiplicative errors (calibration, template mismatch, zero points) once
        for the whole cube, as in a real one; by default for each spaxel, as the noise model has
        them.
    neighbour_share
        Weight of each of the four neighbours in the noise of a spaxel relative to its own, as
        drizzling mixes them; 0.08 makes the noise of large bins grow as in MUSE cubes.

    Returns
    -------
    NativeCube
        Observed spectra and bands, the same ones for the same arguments.
    """
    generator = torch.Generator().manual_seed(seed << 32)
    wave, light = native_light(galaxy)
    redshift, noise = galaxy.shape.redshift, galaxy.generative.noise
    rest_wave = wave / (1.0 + redshift)
    n_errors = 1 if shared_systematics else len(light.flux)
    smooth, band_error = _multiplicative(noise, rest_wave, n_errors, generator)
    # the S/N refers to the mean of the spectrum on the model's grid, as in the noise model
    level = galaxy.light.flux.mean(dim=1) / (1.0 + redshift)
    sigma = (level / galaxy.snr)[:, None] * galaxy.relative_noise(rest_wave)
    position = noise.instrument.pixels.position(rest_wave, rest_wave.new_tensor([redshift]))[0]
    pixel = torch.round(position).long()
    unit = _unit_noise(noise, pixel, galaxy.n_side, neighbour_share, generator)
    return NativeCube(
        wave_aa=wave,
        flux=light.flux * (1.0 + smooth) + sigma * unit,
        sigma=sigma,
        phot=light.phot * (1.0 + band_error),
        phot_sigma=light.phot / galaxy.phot_snr,
    )


def _unit_noise(
    noise: NoiseModel,
    pixel: Tensor,
    n_side: int,
    neighbour_share: float,
    generator: torch.Generator,
) -> Tensor:
    """Noise of unit variance, and sky residuals, of native pixels, shape (n_side**2, n_wave)."""
    n, reach = n_side**2, len(noise.kernel) - 1
    white = torch.randn(n, len(pixel) + reach, generator=generator)
    native = white.unfold(1, reach + 1, 1) @ noise.kernel
    if neighbour_share:
        image = F.pad(native.T.reshape(1, -1, n_side, n_side), (1, 1, 1, 1), mode="circular")
        around = image[..., 2:, 1:-1] + image[..., :-2, 1:-1] + image[..., 1:-1, 2:]
        around = around + image[..., 1:-1, :-2]
        mixed = image[..., 1:-1, 1:-1] + neighbour_share * around
        native = mixed.reshape(-1, n).T / math.sqrt(1.0 + 4.0 * neighbour_share**2)
    if noise.n_sky:
        native = native + torch.randn(n, noise.n_sky, generator=generator) @ noise.sky_modes(pixel)
    return native


def _multiplicative(
    noise: NoiseModel, rest_wave_aa: Tensor, n: int, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Relative errors of spectra (n, n_wave) and bands (n, n_band)."""
    n_pix = noise.instrument.grid.n_pix
    modes, bands = noise.modes[:, :n_pix].numpy(), noise.modes[:, n_pix:]
    centres = noise.instrument.grid.centres_aa.numpy()
    rows = np.stack([np.interp(rest_wave_aa.numpy(), centres, mode) for mode in modes])
    draws = torch.randn(n, len(modes), generator=generator)
    return draws @ torch.from_numpy(rows).float(), draws @ bands
