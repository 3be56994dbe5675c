"""Flux-conserving resampling of spectra, the only one in production.

Real spectra (MUSE cubes, log-sampled long-slit spectra) and simulated noise both pass through
:func:`resample_matrix` and :func:`apply`, so that the noise a network was trained on has the same
scaling and the same correlations as the noise of a resampled cube.

A spectrum is a mean flux density per pixel. The resampled value is the mean of the input weighted
by the overlap of the pixels, which conserves the integral; variances follow from the same weights.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from priors.portable import Portable
from simulators.wavelengths.air import rest_air_edges
from simulators.wavelengths.rest_grid import REST_GRID, RestGrid

_MIN_WEIGHT = 0.02
"""An unusable input pixel with at most this share of an output pixel does not spoil it."""


@dataclass(frozen=True)
class ResampleMatrix(Portable):
    """Sparse rows of a resampling matrix.

    Parameters
    ----------
    index : Tensor
        Input pixels that overlap each output pixel, shape (..., n_out, k), int64.
    weight : Tensor
        Share of the output pixel that each of them covers, shape (..., n_out, k), float64. A row
        sums to the covered share of the output pixel: 1, or less at the ends of the spectrum.
    """

    index: Tensor
    weight: Tensor


class Resampled(NamedTuple):
    """Spectra on the output grid: flux, sigma (..., n_out) and valid (..., n_out), True = use."""

    flux: Tensor
    sigma: Tensor
    valid: Tensor


def edges_from_centres(centres_aa: Tensor | np.ndarray) -> Tensor:
    """Return pixel edges half-way between neighbouring centres.

    Parameters
    ----------
    centres_aa : Tensor or ndarray
        Ascending pixel centres, shape (n,), in Å; linear or logarithmic sampling.

    Returns
    -------
    Tensor
        Edges, shape (n + 1,), float64, in Å.

    Raises
    ------
    ValueError
        If there are fewer than two centres, or if they do not ascend.
    """
    centres = torch.as_tensor(np.asarray(centres_aa, dtype=np.float64))
    if centres.ndim != 1 or centres.numel() < 2:
        raise ValueError(
            f"wavelengths have shape {tuple(centres.shape)}; expected (n,) with at least two pixels"
        )
    step = torch.diff(centres)
    if not bool(torch.isfinite(centres).all()) or not bool((step > 0).all()):
        raise ValueError("wavelengths must be finite and ascending; sort the spectrum first")
    return torch.cat([centres[:1] - 0.5 * step[:1], centres + 0.5 * torch.cat([step, step[-1:]])])


def resample_matrix(native_edges: Tensor, rest_edges: Tensor) -> ResampleMatrix:
    """Return the overlaps of every output pixel with the input pixels.

    Parameters
    ----------
    native_edges : Tensor
        Ascending edges of the input pixels, shape (n_in + 1,) or (n_obs, n_in + 1), float64, in Å,
        in the same frame as ``rest_edges``.
    rest_edges : Tensor
        Ascending edges of the output pixels, shape (n_out + 1,), float64, in Å.

    Returns
    -------
    ResampleMatrix
        ``index`` and ``weight``, shape (n_out, k) or (n_obs, n_out, k), where k is the largest
        number of input pixels in one output pixel.
    """
    native = native_edges.to(torch.float64).contiguous()
    edges = rest_edges.to(native)
    n_in = native.shape[-1] - 1
    low, high = edges[:-1], edges[1:]
    shape = (*native.shape[:-1], low.numel())
    first = torch.searchsorted(native, low.expand(shape).contiguous(), right=True) - 1
    last = torch.searchsorted(native, high.expand(shape).contiguous()) - 1
    first, last = first.clamp(0, n_in - 1), last.clamp(0, n_in - 1)
    k = int((last - first).max()) + 1
    wanted = first[..., None] + torch.arange(k, device=native.device)
    index = wanted.clamp(max=n_in - 1)
    flat = index.reshape(*native.shape[:-1], -1)
    left = torch.gather(native, -1, flat).reshape(index.shape)
    right = torch.gather(native, -1, flat + 1).reshape(index.shape)
    overlap = torch.minimum(right, high[:, None]) - torch.maximum(left, low[:, None])
    overlap = torch.where(wanted <= last[..., None], overlap.clamp(min=0.0), 0.0)
    return ResampleMatrix(index, overlap / (high - low)[:, None])


def apply_weights(matrix: ResampleMatrix, values: Tensor) -> Tensor:
    """Return the overlap-weighted sums of the input, without any mask.

    Parameters
    ----------
    matrix : ResampleMatrix
        Rows without or with a batch dimension.
    values : Tensor
        Values of the input pixels, shape (..., n_in), finite; the batch dimension must match that
        of the rows, if any.

    Returns
    -------
    Tensor
        Weighted sums, in the unit of the input, shape (..., n_out).
    """
    weight = matrix.weight.to(values.dtype)
    total = _take(values, matrix.index[..., 0]) * weight[..., 0]
    for j in range(1, weight.shape[-1]):
        total = total + _take(values, matrix.index[..., j]) * weight[..., j]
    return total


def _take(values: Tensor, index: Tensor) -> Tensor:
    """Values at one input pixel for every output pixel, shape (..., n_out)."""
    if index.ndim == 1:
        return values.index_select(-1, index)
    return torch.gather(values, -1, index.expand(*values.shape[:-1], index.shape[-1]))


def apply(matrix: ResampleMatrix, flux: Tensor, sigma: Tensor, valid: Tensor) -> Resampled:
    """Resample spectra with their errors and masks.

    Unusable input pixels never leak into the output. An output pixel is valid if the spectrum
    covers it and every input pixel with more than 2 % of it is usable.

    Parameters
    ----------
    matrix : ResampleMatrix
        Rows without or with a batch dimension.
    flux, sigma : Tensor
        Mean flux density per pixel and its standard deviation, shape (..., n_in), same unit.
    valid : Tensor
        True where a pixel may be used, shape (..., n_in), bool.

    Returns
    -------
    Resampled
        ``flux, sigma, valid``, shape (..., n_out); flux and sigma are 0 where not valid. Errors
        of neighbouring output pixels are correlated, see :func:`covariance_bands`.
    """
    usable = valid & torch.isfinite(flux) & torch.isfinite(sigma) & (sigma > 0)
    share = apply_weights(matrix, usable.to(flux.dtype))
    ok = (share >= 1.0 - _MIN_WEIGHT) & ~_loses_a_pixel(matrix, usable)
    safe = torch.where(ok, share, 1.0)
    mean = apply_weights(matrix, torch.where(usable, flux, 0.0)) / safe
    squared = ResampleMatrix(matrix.index, matrix.weight**2)
    variance = apply_weights(squared, torch.where(usable, sigma, 0.0) ** 2) / safe**2
    return Resampled(torch.where(ok, mean, 0.0), torch.where(ok, variance.sqrt(), 0.0), ok)


def _loses_a_pixel(matrix: ResampleMatrix, usable: Tensor) -> Tensor:
    """True where an unusable input pixel has more than `min_weight` of an output pixel."""
    counts = ResampleMatrix(matrix.index, (matrix.weight > _MIN_WEIGHT).to(torch.float32))
    return apply_weights(counts, (~usable).to(torch.float32)) > 0.5


def covariance_bands(matrix: ResampleMatrix, variance: Tensor, n_off: int = 1) -> Tensor:
    """Return the diagonal and the upper bands of the covariance of resampled white noise.

    Parameters
    ----------
    matrix : ResampleMatrix
        Rows without a batch dimension, shape (n_out, k).
    variance : Tensor
        Variance of the independent input pixels, shape (..., n_in).
    n_off : int
        Number of bands beside the diagonal.

    Returns
    -------
    Tensor
        Covariances, shape (..., n_off + 1, n_out): entry (b, j) is Cov(output j, output j + b), 0
        past the end.
    """
    index, weight = matrix.index, matrix.weight.to(variance.dtype)
    n_out, k = index.shape
    bands = []
    for offset in range(n_off + 1):
        band = torch.zeros(*variance.shape[:-1], n_out, dtype=variance.dtype, device=weight.device)
        rows = slice(0, n_out - offset)
        shifted = slice(offset, n_out)
        for i in range(k):
            same = index[rows, i, None] == index[shifted]
            pair = weight[rows, i] * (same * weight[shifted]).sum(-1)
            band[..., rows] += variance[..., index[rows, i]] * pair
        bands.append(band)
    return torch.stack(bands, dim=-2)


def to_rest_frame(
    edges_aa: Tensor,
    spectra: tuple[Tensor, Tensor, Tensor],
    redshift: Tensor | float,
    grid: RestGrid = REST_GRID,
    medium: str = "air",
) -> Resampled:
    """Bring observed spectra to the rest-frame grid of a model.

    Parameters
    ----------
    edges_aa : Tensor
        Observed pixel edges, shape (n_in + 1,), in Å.
    spectra : tuple of Tensor
        ``flux, sigma, valid``, each (n_obs, n_in); flux is f_λ as observed.
    redshift : Tensor or float
        Redshift of the galaxy: one for all spectra (fast), or shape (n_obs,).
    grid : LinearRestGrid or LogRestGrid
        Rest-frame pixels of the model; by default those of MUSE models.
    medium : {"air", "vacuum"}
        Medium in which ``edges_aa`` are given; air by default.

    Returns
    -------
    Resampled
        ``flux`` and ``sigma`` are f_λ × (1 + z), shape (n_obs, grid.n_pix).
    """
    flux, sigma, valid = spectra
    edges = rest_air_edges(edges_aa.to(torch.float64), redshift, medium)
    matrix = resample_matrix(edges, grid.edges_aa).to(flux.device)
    out = apply(matrix, flux, sigma, valid)
    stretch: Tensor | float = 1.0 + redshift
    if isinstance(stretch, Tensor) and stretch.ndim > 0:
        stretch = stretch.to(flux)[:, None]
    return Resampled(out.flux * stretch, out.sigma * stretch, out.valid)
