"""From the error bars of a cube to those used: scale, growth of bins, residuals of the sky.

A bin of N spaxels has √(Σσ²) × scale × (1 + growth × log10 N); the residuals of sky subtraction
come on top in quadrature and are N times those of one spaxel, because neighbours share them. A
model whose noise has such residuals knows those of a single spaxel; bins have more.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from amortized_sfh.data.cube_files.cube_file import CubeFile
from amortized_sfh.data.cube_noise.sky_spaxels import SKY_FRACTION, row_medians
from simulators.noise.growth import noise_growth_factor
from simulators.noise.profile import NoiseProfile

_ROWS = 24


@dataclass(frozen=True, kw_only=True)
class CubeNoise:
    """Factors and residuals of the sky by which error bars are enlarged when a cube is read.

    Parameters
    ----------
    growth : float
        Growth of the noise of bins per decade of spaxels.
    scale : Tensor, optional
        Factor on the error bars of every plane, shape (n_plane,); 1 without it.
    sky : Tensor, optional
        Residual of the sky in one spaxel, standard deviation in the unit of the cube, shape
        (n_plane,); 0 without it.
    sky_modelled : bool
        If true, leave out the share of the residuals that the model itself has: as large, relative
        to the noise, as in one spaxel.
    """

    growth: float
    scale: Tensor | None = None
    sky: Tensor | None = None
    sky_modelled: bool = False

    def enlarge(self, sigma: Tensor, n_spaxels: np.ndarray) -> tuple[Tensor, np.ndarray]:
        """Return the errors of spaxels or bins, and by how much they were enlarged.

        Parameters
        ----------
        sigma : Tensor
            Errors from STAT, propagated as for independent spaxels, shape (n, n_plane).
        n_spaxels : ndarray
            Number of spaxels in each, shape (n,); 1 for single ones.

        Returns
        -------
        enlarged : Tensor
            Errors to use, shape (n, n_plane); 0 stays 0.
        factor : ndarray
            Errors over those given, median over wavelength, shape (n,).
        """
        growth = noise_growth_factor(n_spaxels, self.growth)
        out = sigma * torch.as_tensor(growth).float()[:, None]
        if self.scale is None and self.sky is None:
            return out, growth
        if self.scale is not None:
            out = out * self.scale
        if self.sky is not None:
            number = torch.as_tensor(n_spaxels).float()
            shared = (number * (number - 1.0 if self.sky_modelled else number)).sqrt()
            shared = shared[:, None] * self.sky
            out = torch.where(sigma > 0.0, torch.hypot(out, shared), out)
        ratio = torch.where(sigma > 0.0, out / sigma, torch.nan).nanmedian(dim=1).values.numpy()
        return out, np.where(np.isfinite(ratio), ratio, growth)


def profile_noise(
    profile: NoiseProfile,
    cube: CubeFile,
    planes: slice,
    growth: float,
    sky_modelled: bool,
) -> CubeNoise:
    """Apply a profile to a cube.

    Parameters
    ----------
    profile : NoiseProfile
        Measured from this cube or from one like it.
    cube : CubeFile
        The cube, whose faintest spaxels set the size of the residuals of the sky.
    planes : slice
        Wavelength pixels that are read.
    growth : float
        Growth of the noise of bins, that of the profile or another.
    sky_modelled : bool
        If true, the model itself has the residuals of single spaxels, see :class:`CubeNoise`.

    Returns
    -------
    CubeNoise
        Factors and residuals of the sky at the wavelengths of the cube.

    Raises
    ------
    ValueError
        If the profile does not cover the wavelengths.
    """
    wave = cube.air_centres_aa(planes)
    scale = profile.scale_at(wave)
    sky = None
    if len(profile.sky_modes):
        rms = np.sqrt((profile.sky_modes_at(wave) ** 2).sum(axis=0))
        sky = torch.as_tensor(rms * scale * _sky_sigma(cube, planes)).float()
    return CubeNoise(
        growth=growth,
        scale=torch.as_tensor(scale).float(),
        sky=sky,
        sky_modelled=sky_modelled,
    )


def _sky_sigma(cube: CubeFile, planes: slice) -> np.ndarray:
    """Error bar of the faintest spaxels of some rows of the whole cube, shape (n_plane,)."""
    _, ny, nx = cube.shape
    light, sigma = [], []
    for y in np.unique(np.linspace(0, ny - 1, _ROWS).round().astype(int)):
        for chunk in cube.chunks((slice(int(y), int(y) + 1), slice(0, nx)), planes):
            some = chunk.valid.any(dim=1)
            values = chunk.flux[some], chunk.variance[some].sqrt()
            flux, error = (v.masked_fill(~chunk.valid[some], torch.nan).numpy() for v in values)
            light.append(np.nanmedian(flux, axis=1))
            sigma.append(error)
    brightness = np.concatenate(light)
    if brightness.size == 0:
        raise ValueError(
            f"{cube.path} has no valid spaxel in {_ROWS} rows across it; the residuals of the sky "
            "in the noise profile need the errors of some: check DATA and STAT"
        )
    faint = np.concatenate(sigma)[brightness <= np.quantile(brightness, SKY_FRACTION)]
    return np.nan_to_num(row_medians(faint.T))
