"""Correlation of pixel noise after spectra are resampled from the observed to the rest frame.

An output pixel is the overlap-weighted mean of a few observed pixels, whose noise may be correlated
itself, so neighbours share noise: the correlation matrix is banded. So is its Cholesky factor.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from scipy.linalg import lapack
from torch import Tensor
from torch.autograd.function import once_differentiable

from simulators.instruments.instrument import Instrument

_MIN_TAPS = 3
_ROUNDING = 1e-6


def overlap_taps(instrument: Instrument, redshift: Tensor) -> tuple[Tensor, Tensor]:
    """Weights of the few observed pixels ("taps") that form each rest-frame pixel.

    Parameters
    ----------
    instrument
        Instrument that sets the rest-frame grid and the observed pixels.
    redshift
        Redshift of each galaxy, shape (n,).

    Returns
    -------
    index : Tensor
        First observed pixel of each output pixel, int64, shape (n, n_pix); it may be negative.
    weight : Tensor
        Weights of it and the next ones, summing to 1, shape (n, n_pix, n_tap); n_tap is 3 as long
        as no output pixel is more than two observed ones wide.
    """
    edges = torch.as_tensor(instrument.grid.edges_aa, device=redshift.device).double()
    position = instrument.pixels.position(edges, redshift.double()) + 0.5
    index = torch.floor(position[:, :-1])
    length = torch.diff(position, dim=1)
    n_tap = max(_MIN_TAPS, int(torch.ceil(length.max() - _ROUNDING)) + 1)
    taps = [torch.minimum(index + 1.0 - position[:, :-1], length)]
    left = length - taps[0]
    for _ in range(n_tap - 2):
        taps.append(left.clamp(0.0, 1.0))
        left = left - taps[-1]
    weight = torch.stack([*taps, left.clamp_min(0.0)], dim=-1) / length[..., None]
    return index.long(), weight.float()


def widen_taps(index: Tensor, weight: Tensor, kernel: Tensor) -> tuple[Tensor, Tensor]:
    """Taps on white noise, where observed pixels are white noise under a kernel.

    Parameters
    ----------
    index, weight
        First observed pixel and weights of each output pixel, as `overlap_taps` returns them.
    kernel
        Taps that make observed pixels of white noise: symmetric, odd in number, shape (n_kernel,).

    Returns
    -------
    index : Tensor
        First pixel of the white noise, int64, shape (n, n_pix).
    weight : Tensor
        Weights of it and the next ones, shape (n, n_pix, n_tap + n_kernel - 1).
    """
    reach = len(kernel) - 1
    padded = F.pad(weight, (reach, reach))
    wide = padded.unfold(-1, reach + 1, 1) @ kernel.to(weight).flip(0)
    return index - reach // 2, wide


def banded_correlation(index: Tensor, weight: Tensor, valid: Tensor) -> Tensor:
    """Covariance of resampled white noise of unit variance.

    Parameters
    ----------
    index, weight
        First pixel and weights on white noise, from `overlap_taps` or `widen_taps`.
    valid
        Pixels used, bool, shape (n, n_pix). The others are decoupled, with unit variance.

    Returns
    -------
    Tensor
        Diagonal and side diagonals, float64, shape (n, n_tap, n_pix); entry [:, k, i] couples
        pixels i and i - k.
    """
    weight = weight.double()
    n, n_pix, n_tap = weight.shape
    bands = torch.zeros(n, n_tap, n_pix, dtype=torch.float64, device=weight.device)
    for lag in range(n_tap):
        later, earlier = weight[:, lag:], weight[:, : n_pix - lag]
        offset = index[:, lag:] - index[:, : n_pix - lag]
        total = torch.zeros_like(later[..., 0])
        for shift in range(n_tap):
            shared = (earlier[..., shift:] * later[..., : n_tap - shift]).sum(-1)
            total = total + torch.where(offset == shift, shared, 0.0)
        both = valid[:, lag:] & valid[:, : n_pix - lag]
        bands[:, lag, lag:] = torch.where(both, total, 0.0)
    bands[:, 0] = torch.where(valid, bands[:, 0], 1.0)
    return bands


def banded_cholesky(bands: Tensor) -> Tensor:
    """Lower Cholesky factor of banded matrices.

    Parameters
    ----------
    bands
        Diagonal and side diagonals, shape (n, n_diagonal, n_pix), as `banded_correlation` returns
        them.

    Returns
    -------
    Tensor
        Factor L in the same layout, [:, k, i] = L[i, i - k], float64.

    Raises
    ------
    ValueError
        If a matrix is not positive definite.
    """
    factors = np.empty(tuple(bands.shape))
    for row, matrix in enumerate(_lapack_layout(bands.double())):
        factors[row], failed = lapack.dpbtrf(matrix, lower=1)
        if failed or not np.isfinite(factors[row, 0]).all():
            raise ValueError("banded covariance is not positive definite: expected overlap weights")
    below = torch.from_numpy(factors)
    for lag in range(1, below.shape[1]):
        below[:, lag] = below[:, lag].roll(lag, dims=1)
        below[:, lag, :lag] = 0.0
    return below.to(bands.device)


def whiten(factor: Tensor, values: Tensor) -> Tensor:
    """Solve L y = values.

    Parameters
    ----------
    factor
        Banded factor L from `banded_cholesky`, shape (n, n_diagonal, n_pix).
    values
        Several right-hand sides per matrix, shape (n, m, n_pix).

    Returns
    -------
    Tensor
        Solutions y, float64, shape (n, m, n_pix): independent and of unit variance if `values`
        had the covariance L L^T.
    """
    white: Tensor = _Whiten.apply(factor, values.double())
    return white


class _Whiten(torch.autograd.Function):
    """LAPACK's solver of triangular banded systems, on the CPU, and its gradient."""

    @staticmethod
    def forward(ctx: Any, factor: Tensor, values: Tensor) -> Tensor:
        ctx.factor = factor
        return _solve(factor, values, "N")

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[None, Tensor]:
        return None, _solve(ctx.factor, gradient, "T")


def _solve(factor: Tensor, values: Tensor, transposed: str) -> Tensor:
    """Solve L y = values, or with L transposed."""
    if values.numel() == 0:  # scipy's wrapper writes where it must not
        return values
    solved = np.empty(values.shape)
    pairs = zip(_lapack_layout(factor), values.detach().cpu().numpy(), strict=True)
    for row, (matrix, right) in enumerate(pairs):
        solution, failed = lapack.dtbtrs(matrix, right.T, uplo="L", trans=transposed)
        if failed:
            raise ValueError("banded factor is singular: expected the result of banded_cholesky")
        solved[row] = solution.T
    return torch.from_numpy(solved).to(values.device)


def _lapack_layout(bands: Tensor) -> np.ndarray:
    """Bands [:, k, i] that couple i and i - k as LAPACK has them, [:, k, j] with j = i - k."""
    shifted = [bands[:, lag].roll(-lag, dims=1) for lag in range(bands.shape[1])]
    return torch.stack(shifted, dim=1).detach().cpu().numpy()
