"""Correlation of pixel noise after spectra are resampled from the observed to the rest frame.

An output pixel is the overlap-weighted mean of two or three observed pixels (more where it is more
than twice as wide), so neighbours share noise: the correlation matrix is banded, with two side
diagonals. Its Cholesky factor is banded too and is computed by a recursion over pixels, for all
observations at once.
"""

from __future__ import annotations

import torch
from torch import Tensor

from simulators.instrument import Instrument

N_SIDE = 2
_MIN_TAPS = 3
_ROUNDING = 1e-6


def overlap_taps(instrument: Instrument, redshift: Tensor) -> tuple[Tensor, Tensor]:
    """Which observed pixels form each rest-frame pixel.

    Parameters
    ----------
    instrument
        Rest-frame grid and observed pixels.
    redshift
        Shape (n,).

    Returns
    -------
    index : Tensor
        First observed pixel of each output pixel, int64, shape (n, n_pix); it may be negative.
    weight : Tensor
        Weights of it and the next ones, summing to 1, shape (n, n_pix, n_tap); n_tap is 3 as long
        as no output pixel is more than two observed ones wide.
    """
    edges = torch.as_tensor(instrument.grid.edges_aa, device=redshift.device).double()
    position = instrument.native_position(edges, redshift.double()) + 0.5
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


def banded_correlation(index: Tensor, weight: Tensor, valid: Tensor) -> Tensor:
    """Covariance of resampled white noise of unit variance.

    Parameters
    ----------
    index, weight
        From `overlap_taps`.
    valid
        Pixels used, bool, shape (n, n_pix). The others are decoupled, with unit variance.

    Returns
    -------
    Tensor
        Diagonal and two side diagonals, float64, shape (n, 3, n_pix); entry [:, k, i] couples
        pixels i and i - k.
    """
    weight, n_tap = weight.double(), weight.shape[-1]
    bands = torch.zeros(weight.shape[0], N_SIDE + 1, weight.shape[1], dtype=torch.float64)
    bands = bands.to(weight.device)
    for lag in range(N_SIDE + 1):
        later, earlier = weight[:, lag:], weight[:, : weight.shape[1] - lag]
        offset = index[:, lag:] - index[:, : index.shape[1] - lag]
        total = torch.zeros_like(later[..., 0])
        for shift in range(n_tap):
            shared = (earlier[..., shift:] * later[..., : n_tap - shift]).sum(-1)
            total = total + torch.where(offset == shift, shared, 0.0)
        both = valid[:, lag:] & valid[:, : valid.shape[1] - lag]
        bands[:, lag, lag:] = torch.where(both, total, float(lag == 0))
    return bands


def banded_cholesky(bands: Tensor) -> Tensor:
    """Lower Cholesky factor of pentadiagonal matrices.

    Parameters
    ----------
    bands
        Shape (n, 3, n_pix), as `banded_correlation` returns it.

    Returns
    -------
    Tensor
        Factor in the same layout, [:, k, i] = L[i, i - k].

    Raises
    ------
    ValueError
        If a matrix is not positive definite.
    """
    diagonal, first, second = bands.unbind(1)
    zero = torch.zeros_like(diagonal[:, 0])
    rows: list[tuple[Tensor, Tensor, Tensor]] = []
    above = above2 = (torch.ones_like(zero), zero, zero)
    for i in range(diagonal.shape[1]):
        low2 = second[:, i] / above2[0]
        low1 = (first[:, i] - low2 * above[1]) / above[0]
        rows.append(((diagonal[:, i] - low1**2 - low2**2).sqrt(), low1, low2))
        above2, above = above, rows[-1]
    factor = torch.stack([torch.stack(column, dim=1) for column in zip(*rows, strict=True)], dim=1)
    if not bool(torch.isfinite(factor).all()):
        raise ValueError("banded covariance is not positive definite: expected overlap weights")
    return factor


def whiten(factor: Tensor, values: Tensor) -> Tensor:
    """Solve L y = values.

    Parameters
    ----------
    factor
        From `banded_cholesky`, shape (n, 3, n_pix).
    values
        Shape (n, m, n_pix).

    Returns
    -------
    Tensor
        Shape (n, m, n_pix): independent and of unit variance if `values` had the covariance.
    """
    pixels = values.double().unbind(-1)
    diagonal, first, second = (factor[:, k, :, None].unbind(1) for k in range(N_SIDE + 1))
    before = before2 = torch.zeros_like(pixels[0])
    out = []
    for value, low0, low1, low2 in zip(pixels, diagonal, first, second, strict=True):
        out.append((value - low1 * before - low2 * before2) / low0)
        before2, before = before, out[-1]
    return torch.stack(out, dim=-1)
