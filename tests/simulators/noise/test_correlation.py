"""Pixel correlations: equal to the production resampler, and to dense linear algebra."""

from __future__ import annotations

import pytest
import torch

from simulators.instruments.instrument import Instrument
from simulators.instruments.observed_pixels import LinearObservedPixels, LogObservedPixels
from simulators.noise.correlation import (
    banded_cholesky,
    banded_correlation,
    overlap_taps,
    whiten,
    widen_taps,
)
from simulators.wavelengths.air import rest_air_edges
from simulators.wavelengths.resample import covariance_bands, resample_matrix
from simulators.wavelengths.rest_grid import LinearRestGrid, LogRestGrid

INSTRUMENT = Instrument(grid=LinearRestGrid(4900.0, 1.25, 90))
REDSHIFTS = [0.0, 0.00243, 0.013, 0.05, 0.1]
# float32 as everywhere: the taps and the reference see the same number
Z = torch.tensor(REDSHIFTS)


def _native_edges(redshift: float, n: int) -> torch.Tensor:
    start = INSTRUMENT.pixels.start_aa - 0.5 * INSTRUMENT.pixels.step_aa
    edges = start + INSTRUMENT.pixels.step_aa * torch.arange(n + 1, dtype=torch.float64)
    return edges / (1.0 + redshift)


def _dense_weights(index, weight, n_native):
    """Resampling matrix W of one observation, shape (n_pix, n_native)."""
    dense = torch.zeros(len(index), n_native, dtype=torch.float64)
    for k in range(3):
        dense[torch.arange(len(index)), index + k] += weight[:, k].double()
    return dense


def _dense_correlation(row=slice(None)):
    index, weight = overlap_taps(INSTRUMENT, Z)
    n_native = int(index.max()) + 3
    dense = [_dense_weights(i, w, n_native) for i, w in zip(index[row], weight[row], strict=True)]
    return torch.stack([w @ w.T for w in dense])


def _dense_from_bands(bands):
    n_pix = bands.shape[-1]
    lower = torch.zeros(bands.shape[0], n_pix, n_pix, dtype=bands.dtype)
    for k in range(3):
        rows = torch.arange(k, n_pix)
        lower[:, rows, rows - k] = bands[:, k, k:]
    return lower


def _valid(seed=0, share=1.0):
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(len(Z), 90, generator=generator) < share


@pytest.mark.parametrize("redshift", REDSHIFTS)
def test_taps_are_those_of_the_production_resampler(redshift):
    z = torch.tensor([redshift])
    index, weight = overlap_taps(INSTRUMENT, z)
    n_native = int(index.max()) + 3
    matrix = resample_matrix(_native_edges(float(z), n_native), INSTRUMENT.grid.edges_aa)
    expected = torch.zeros(90, n_native, dtype=torch.float64)
    expected.scatter_add_(1, matrix.index, matrix.weight)
    torch.testing.assert_close(
        _dense_weights(index[0], weight[0], n_native), expected, atol=2e-6, rtol=0
    )


def test_taps_sum_to_one_and_are_not_negative():
    _, weight = overlap_taps(Instrument(), Z)
    torch.testing.assert_close(weight.sum(-1), torch.ones(5, 1761))
    assert bool((weight >= 0).all())


def test_variance_scales_by_two_thirds_on_average():
    # the mean of (1 - f)^2 + f^2 over the fraction f of a pixel
    _, weight = overlap_taps(Instrument(), torch.linspace(0.001, 0.02, 40))
    assert float(weight.square().sum(-1).mean()) == pytest.approx(2 / 3, abs=0.02)


def test_bands_are_those_of_the_dense_matrix():
    bands = banded_correlation(*overlap_taps(INSTRUMENT, Z), _valid())
    dense = _dense_correlation()
    lower = _dense_from_bands(bands)
    torch.testing.assert_close(lower, dense.tril(), atol=1e-12, rtol=0)
    # nothing beyond the second side diagonal
    assert float(dense.tril(-3).abs().max()) == 0


def test_bands_agree_with_the_resamplers_own():
    z = Z[2]
    index, weight = overlap_taps(INSTRUMENT, z[None])
    bands = banded_correlation(index, weight, torch.ones(1, 90, dtype=torch.bool))[0]
    n_native = int(index.max()) + 3
    matrix = resample_matrix(_native_edges(float(z), n_native), INSTRUMENT.grid.edges_aa)
    upper = covariance_bands(matrix, torch.ones(n_native, dtype=torch.float64), n_off=2)
    for k in range(3):
        torch.testing.assert_close(bands[k, k:], upper[k, : 90 - k], atol=1e-5, rtol=0)


SURVEYS = {
    "log": Instrument(
        grid=LogRestGrid(4000.0, 1e-4, 90),
        pixels=LogObservedPixels(start_aa=3801.894, log_step=1e-4),
    ),
    "three native pixels and more": Instrument(
        grid=LinearRestGrid(4900.0, 3.9, 90),
        pixels=LinearObservedPixels(start_aa=4001.0, step_aa=1.25),
    ),
    "linear on log": Instrument(
        grid=LinearRestGrid(3700.0, 2.0, 90),
        pixels=LogObservedPixels(start_aa=3801.894, log_step=1e-4),
    ),
}


@pytest.mark.parametrize("name", SURVEYS)
@pytest.mark.parametrize("redshift", [0.0, 0.0237, 0.1])
def test_other_pixels_are_those_of_the_production_resampler(name, redshift):
    instrument, z = SURVEYS[name], torch.tensor([redshift])
    index, weight = overlap_taps(instrument, z)
    first, n_native = int(index.min()), int(index.max() - index.min()) + weight.shape[-1]
    native = instrument.pixels.wave_aa(first - 0.5 + torch.arange(n_native + 1))
    medium = instrument.pixels.medium
    # pixels uniform in air are shifted in air, as they are known to the noise model
    rest = rest_air_edges(native, float(z), medium) if medium == "vacuum" else native / (1 + z)
    matrix = resample_matrix(rest, instrument.grid.edges_aa)
    expected = torch.zeros(90, n_native, dtype=torch.float64)
    expected.scatter_add_(1, matrix.index, matrix.weight)
    found = torch.zeros(90, n_native, dtype=torch.float64)
    found.scatter_add_(
        1, index[0, :, None] - first + torch.arange(weight.shape[-1]), weight[0].double()
    )
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=0)
    torch.testing.assert_close(weight.sum(-1), torch.ones(1, 90))
    # and the banded covariance is that of these weights
    bands = banded_correlation(index, weight, torch.ones(1, 90, dtype=torch.bool))
    lower = (found @ found.T).tril()
    torch.testing.assert_close(_dense_from_bands(bands)[0], lower, atol=1e-6, rtol=0)
    assert float(banded_cholesky(bands)[:, 0].min()) > 0


KERNELS = [[1.0], [0.2, 0.9, 0.2], [0.1, 0.3, 0.85, 0.3, 0.1]]


def _wide(kernel):
    """Taps on white noise, and the matrix from it to the pixels by dense products."""
    index, weight = overlap_taps(INSTRUMENT, Z)
    reach = len(kernel) // 2
    n_native = int(index.max()) - int(index.min()) + 3
    n_white = n_native + 2 * reach
    smear = torch.zeros(n_native, n_white, dtype=torch.float64)
    for lag, tap in enumerate(kernel):
        smear.diagonal(lag)[:n_native].add_(tap)
    start = int(index.min())
    dense = [
        _dense_weights(i - start, w, n_native) @ smear for i, w in zip(index, weight, strict=True)
    ]
    return widen_taps(index, weight, torch.tensor(kernel)), torch.stack(dense), start - reach


@pytest.mark.parametrize("kernel", KERNELS)
def test_widened_taps_are_resampling_of_smeared_noise(kernel):
    (index, weight), expected, start = _wide(kernel)
    assert weight.shape == (len(Z), 90, 3 + len(kernel) - 1)
    found = torch.zeros_like(expected)
    columns = index[..., None] - start + torch.arange(weight.shape[-1])
    found.scatter_add_(2, columns, weight.double())
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=0)


@pytest.mark.parametrize("kernel", KERNELS)
def test_covariance_of_smeared_noise_is_that_of_the_dense_matrix(kernel):
    (index, weight), dense, _ = _wide(kernel)
    bands = banded_correlation(index, weight, _valid())
    assert bands.shape[1] == 3 + len(kernel) - 1
    expected = dense @ dense.transpose(1, 2)
    for lag in range(bands.shape[1]):
        diagonal = expected.diagonal(-lag, 1, 2)
        torch.testing.assert_close(bands[:, lag, lag:], diagonal, atol=1e-6, rtol=0)
    assert float(expected.tril(-bands.shape[1]).abs().max()) < 1e-12
    # the factor of the wide band is that of dense algebra
    factor, cholesky = banded_cholesky(bands), torch.linalg.cholesky(expected)
    for lag in range(bands.shape[1]):
        diagonal = cholesky.diagonal(-lag, 1, 2)
        torch.testing.assert_close(factor[:, lag, lag:], diagonal, atol=1e-5, rtol=0)


def test_a_kernel_of_one_tap_changes_nothing():
    index, weight = overlap_taps(INSTRUMENT, Z)
    same_index, same_weight = widen_taps(index, weight, torch.ones(1))
    assert torch.equal(index, same_index)
    torch.testing.assert_close(weight, same_weight, rtol=0, atol=0)


def test_masked_pixels_are_decoupled():
    valid = _valid(share=0.8)
    dense = _dense_correlation()
    both = valid[:, :, None] & valid[:, None, :]
    expected = torch.where(both, dense, torch.eye(90, dtype=torch.float64))
    bands = banded_correlation(*overlap_taps(INSTRUMENT, Z), valid)
    torch.testing.assert_close(_dense_from_bands(bands), expected.tril(), atol=1e-12, rtol=0)


@pytest.mark.parametrize("share", [1.0, 0.8])
def test_cholesky_and_whitening_match_dense_algebra(share):
    bands = banded_correlation(*overlap_taps(INSTRUMENT, Z), _valid(share=share))
    lower = _dense_from_bands(bands)
    dense = lower + lower.tril(-1).transpose(1, 2)
    factor = banded_cholesky(bands)
    expected = torch.linalg.cholesky(dense)
    torch.testing.assert_close(_dense_from_bands(factor), expected, atol=1e-8, rtol=1e-7)
    values = torch.randn(
        len(Z), 4, 90, generator=torch.Generator().manual_seed(1), dtype=torch.float64
    )
    solved = torch.linalg.solve_triangular(expected, values.transpose(1, 2), upper=False)
    torch.testing.assert_close(whiten(factor, values), solved.transpose(1, 2), rtol=1e-6, atol=1e-6)


def test_full_grid_stays_positive_definite_at_every_redshift():
    instrument, z = Instrument(), torch.linspace(0, 0.1, 33)
    bands = banded_correlation(*overlap_taps(instrument, z), torch.ones(33, 1761, dtype=torch.bool))
    factor = banded_cholesky(bands)
    assert float(factor[:, 0].min()) > 0


def test_matrices_that_are_none_are_refused():
    bands = torch.ones(1, 3, 20, dtype=torch.float64)
    with pytest.raises(ValueError, match="not positive definite"):
        banded_cholesky(bands)
