"""A mock galaxy like NGC 3627 with known truth: parameters, mass, light and observations.

Use it to see whether an inference recovers a whole galaxy. :func:`mock_galaxy` makes it,
:meth:`MockGalaxy.observation` observes it in memory as the noise model does; its light on the
pixels of a cube is in :mod:`simulators.mock_galaxy.native_cube`, from which FITS files are written.
Its spaxels are no draws from the prior: coverage over them tells less than coverage over prior
draws.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor

from simulators.constants import CM_PER_MPC, SOLAR_LUMINOSITY_CGS
from simulators.forward.simulator import ModelSpectra, Simulator
from simulators.generative import GenerativeModel
from simulators.mock_galaxy.history import galaxy_theta
from simulators.mock_galaxy.structure import GalaxyShape, galaxy_structure
from simulators.observations.conditions import Conditions
from simulators.observations.masks import survey_mask
from simulators.observations.observation import Observation

UNIT_CGS = 1e-20
"""Unit of all fluxes of the galaxy, in erg/s/cm²/Å."""

_CHUNK = 512
_SPECTRUM_SNR = (100.0, 5.0)
_BAND_SNR = {
    "F275W": (60.0, 3.0),
    "F336W": (80.0, 5.0),
    "F438W": (90.0, 8.0),
    "F555W": (100.0, 12.0),
    "F814W": (100.0, 12.0),
}
_BRIGHT, _FAINT = 0.995, 0.02


@dataclass(frozen=True)
class MockGalaxy:
    """A galaxy whose every spaxel is known.

    Rows of spectra and observations are spaxels in row-major order, n_side**2 of them.

    Parameters
    ----------
    generative
        Model whose light and noise the galaxy has, on the CPU.
    shape
        Place, orientation and sizes of the galaxy.
    theta
        True parameters, shape (n_side, n_side, n_param).
    mass_msun
        True formed mass per spaxel, shape (n_side, n_side), float64.
    """

    generative: GenerativeModel
    shape: GalaxyShape
    theta: Tensor
    mass_msun: Tensor

    @property
    def n_side(self) -> int:
        """Spaxels per side."""
        return self.theta.shape[0]

    @property
    def spaxel_arcsec(self) -> float:
        """Side of a spaxel in arcsec."""
        return self.shape.field_arcsec / self.n_side

    @property
    def amplitude(self) -> Tensor:
        """Flux × (1 + z), in :data:`UNIT_CGS`, of 1 L☉/Å per formed M☉, shape (n_side**2,)."""
        sphere = 4.0 * math.pi * (self.shape.distance_mpc * CM_PER_MPC) ** 2
        return self.mass_msun.flatten() * (SOLAR_LUMINOSITY_CGS / sphere / UNIT_CGS)

    @cached_property
    def light(self) -> ModelSpectra:
        """Noise-free flux × (1 + z) on the model's rest-frame grid, in :data:`UNIT_CGS`."""
        return simulate(self.generative.simulator, self)

    @cached_property
    def snr(self) -> Tensor:
        """S/N per native spectral pixel, falling with brightness, shape (n_side**2,)."""
        return _snr(self.light.flux.mean(1), *_SPECTRUM_SNR)

    @cached_property
    def phot_snr(self) -> Tensor:
        """S/N of the bands, shape (n_side**2, n_band)."""
        bands = self.generative.instrument.bands
        limits = [_BAND_SNR.get(band, _SPECTRUM_SNR) for band in bands]
        columns = [_snr(p, *limit) for p, limit in zip(self.light.phot.T, limits, strict=True)]
        return torch.stack(columns, dim=1)

    def relative_noise(self, wave_rest_aa: Tensor) -> Tensor:
        """Noise relative to its mean over the spectrum, higher at both ends, above all in the blue.

        Parameters
        ----------
        wave_rest_aa
            Rest-frame wavelengths in Å, shape (n_wave,).

        Returns
        -------
        Tensor
            Noise over its mean, shape (n_wave,), float32.
        """
        grid = self.generative.instrument.grid

        def curve(wave: Tensor) -> Tensor:
            x = 2.0 * (wave - grid.start_aa) / (grid.end_aa - grid.start_aa) - 1.0
            return torch.exp(-0.15 * x + 0.1 * (x * x - 1.0 / 3.0))

        return (curve(wave_rest_aa) / curve(grid.centres_aa).mean()).float()

    def conditions(self) -> Conditions:
        """Circumstances of the observation of every spaxel: lines and sky masked, all bands."""
        instrument, n = self.generative.instrument, self.n_side**2
        redshift = torch.full((n,), self.shape.redshift)
        return Conditions(
            redshift=redshift,
            snr=self.snr,
            relative_noise=self.relative_noise(instrument.grid.centres_aa).expand(n, -1),
            valid=survey_mask(instrument, redshift),
            phot_snr=self.phot_snr,
            phot_valid=torch.ones_like(self.phot_snr, dtype=torch.bool),
        )

    def observation(self, seed: int) -> Observation:
        """Observe the galaxy in memory, with the errors that the noise model draws.

        Parameters
        ----------
        seed
            Seed of the random numbers of the noise.

        Returns
        -------
        Observation
            n_side**2 rows in :data:`UNIT_CGS`; multiplicative errors are drawn for each spaxel.
        """
        generator = torch.Generator().manual_seed(seed)
        seen = self.generative.noise.observe(self.light, self.conditions(), generator)
        level = self.light.flux.mean(dim=1, keepdim=True)
        scaled = {n: getattr(seen, n) * level for n in ("flux", "sigma", "phot", "phot_sigma")}
        return replace(seen, **scaled, unit_cgs=UNIT_CGS)


def mock_galaxy(
    generative: GenerativeModel,
    n_side: int = 48,
    seed: int = 0,
    shape: GalaxyShape | None = None,
) -> MockGalaxy:
    """Make a barred spiral like NGC 3627.

    Parameters
    ----------
    generative
        Model whose light and noise the galaxy has, on the CPU; its basis is enough, no library
        is read.
    n_side
        Number of spaxels on each side of the field, whose size stays the same.
    seed
        Seed of the random clumps and ripples.
    shape
        Place, orientation and sizes; those of NGC 3627 by default.

    Returns
    -------
    MockGalaxy
        Galaxy with known truth, the same one for the same arguments.

    Raises
    ------
    ValueError
        If `n_side` is too small to show anything, or the galaxy leaves the model's parameter
        space or redshifts.
    """
    if n_side < 4:
        raise ValueError(f"n_side is {n_side!r}; expected at least 4 spaxels per side")
    shape = shape or GalaxyShape()
    simulator = generative.simulator
    if not 0.0 <= shape.redshift <= simulator.instrument.max_redshift_bands:
        raise ValueError(
            f"redshift {shape.redshift!r} is outside the model's range with bands, 0 to "
            f"{simulator.instrument.max_redshift_bands}: choose another redshift or model"
        )
    structure = galaxy_structure(shape, n_side)
    generator = torch.Generator().manual_seed(seed)
    theta = galaxy_theta(shape, structure, simulator.space, simulator.bins, generator)
    mass = structure.disc + structure.bulge + structure.bar
    return MockGalaxy(generative, shape, theta, mass)


@torch.no_grad()
def simulate(simulator: Simulator, galaxy: MockGalaxy) -> ModelSpectra:
    """Noise-free light of a galaxy through any simulator of its parameter space.

    Parameters
    ----------
    simulator
        Forward model, which sets wavelengths and bands.
    galaxy
        Galaxy whose parameters, masses, distance and redshift are taken.

    Returns
    -------
    ModelSpectra
        Flux × (1 + z) in :data:`UNIT_CGS`, one row per spaxel.
    """
    theta = galaxy.theta.flatten(0, 1)
    redshift = torch.full((len(theta),), galaxy.shape.redshift)
    parts = [simulator(t, redshift[: len(t)]) for t in theta.split(_CHUNK)]
    amplitude = galaxy.amplitude.float()[:, None]
    return ModelSpectra(*(torch.cat(part) * amplitude for part in zip(*parts, strict=True)))


def _snr(brightness: Tensor, bright: float, faint: float) -> Tensor:
    """Power law of the brightness that gives `bright` and `faint` at its ends.

    The exponent comes out between those of photon noise (1/2) and of a bright sky (1) where the
    range of brightness allows it.
    """
    log_flux = torch.log(brightness)
    top, low = (torch.quantile(log_flux, q) for q in (_BRIGHT, _FAINT))
    slope = math.log(bright / faint) / (top - low).clamp_min(1e-3)
    return bright * torch.exp((slope * (log_flux - top)).clamp_max(0.0))
