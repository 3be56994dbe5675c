from __future__ import annotations

import numpy as np
import pytest
import torch

from simulators.wavelengths.resample import (
    apply,
    apply_weights,
    covariance_bands,
    edges_from_centres,
    resample_matrix,
    to_rest_frame,
)
from simulators.wavelengths.rest_grid import LinearRestGrid

GRID = LinearRestGrid(4800.0, 1.25, 400)
MUSE = 4749.89 + 1.25 * np.arange(700)
LOG = np.exp(np.linspace(np.log(4700.0), np.log(5700.0), 900))
FINE = 4750.0 + 0.3 * np.arange(3000)
COARSE = 4700.0 + 4.0 * np.arange(250)


def dense(matrix, n_in):
    full = torch.zeros(*matrix.index.shape[:-1], n_in, dtype=torch.float64)
    return full.scatter_add_(-1, matrix.index, matrix.weight)


def reference_overlaps(native, out):
    """Overlap of every pair of pixels, written the slow and obvious way."""
    weights = np.zeros((len(out) - 1, len(native) - 1))
    for j in range(len(out) - 1):
        for i in range(len(native) - 1):
            overlap = min(out[j + 1], native[i + 1]) - max(out[j], native[i])
            weights[j, i] = max(overlap, 0.0) / (out[j + 1] - out[j])
    return weights


@pytest.mark.parametrize("wave", [MUSE, LOG, FINE, COARSE], ids=["muse", "log", "fine", "coarse"])
def test_weights_are_the_overlaps(wave):
    native = edges_from_centres(wave[:60])
    out = native[10] + 1.25 * torch.arange(20, dtype=torch.float64)
    got = dense(resample_matrix(native, out), len(native) - 1)
    np.testing.assert_allclose(got, reference_overlaps(native.numpy(), out.numpy()), atol=1e-12)


@pytest.mark.parametrize("wave", [MUSE, LOG, FINE, COARSE], ids=["muse", "log", "fine", "coarse"])
@pytest.mark.parametrize("redshift", [0.0, 0.00243])
def test_flux_is_conserved(wave, redshift):
    z, edges = redshift, edges_from_centres(wave)
    centre = 5050.0 * (1 + z)
    line = np.exp(-0.5 * ((wave - centre) / 9.0) ** 2)[None]
    flux = torch.tensor(line, dtype=torch.float32)
    out = to_rest_frame(edges, (flux, torch.ones_like(flux), flux >= 0), z, GRID)
    emitted = float((flux[0].double() * torch.diff(edges)).sum())
    received = float(out.flux.double().sum() * GRID.step_aa)
    # The widths of pixels in air differ by 1e-7 from those in vacuum.
    assert received == pytest.approx(emitted, rel=1e-6)


def test_flat_spectrum_stays_flat_and_is_stretched():
    flux = torch.full((1, len(MUSE)), 3.0)
    out = to_rest_frame(
        edges_from_centres(MUSE),
        (flux, 0.1 * flux, flux > 0),
        0.01,
        LinearRestGrid(4800.0, 1.25, 300),
    )
    torch.testing.assert_close(out.flux, torch.full((1, 300), 3.03))
    assert bool(out.valid.all())


def test_errors_match_the_scatter_of_many_resampled_draws():
    edges = edges_from_centres(MUSE)
    matrix = resample_matrix(edges / 1.00243, GRID.edges_aa)
    generator = torch.Generator().manual_seed(1)
    sigma = 0.5 + torch.rand(len(MUSE), generator=generator)
    draws = sigma * torch.randn(20000, len(MUSE), generator=generator)
    part = apply(matrix, draws, sigma.expand_as(draws), torch.ones_like(draws, dtype=torch.bool))
    ratio = part.flux.std(dim=0) / part.sigma[0]
    assert float((ratio - 1).abs().max()) < 0.03
    bands = covariance_bands(matrix, sigma**2, n_off=2)
    neighbour = (part.flux[:, 1:] * part.flux[:, :-1]).mean(dim=0)
    torch.testing.assert_close(bands[0].sqrt(), part.sigma[0], rtol=1e-5, atol=0.0)
    assert float((neighbour - bands[1, :-1]).abs().max()) < 0.06
    assert float(bands[1, -1]) == 0.0
    assert float(bands[2].abs().max()) < 1e-3  # pixels two apart hardly share an input pixel


def test_bands_are_those_of_the_dense_covariance():
    edges = edges_from_centres(FINE)
    matrix = resample_matrix(edges, GRID.edges_aa)
    variance = torch.linspace(1.0, 2.0, len(FINE), dtype=torch.float64)
    full = dense(matrix, len(FINE))
    covariance = full @ torch.diag(variance) @ full.T
    bands = covariance_bands(matrix, variance, n_off=1)
    torch.testing.assert_close(bands[0], torch.diagonal(covariance))
    torch.testing.assert_close(bands[1, :-1], torch.diagonal(covariance, offset=1))


def test_bad_pixels_never_leak():
    flux = torch.ones(4, len(MUSE))
    sigma = torch.ones_like(flux)
    flux[0, 200], flux[1, 200], sigma[2, 200], sigma[3, 200] = (
        float("nan"),
        float("inf"),
        0.0,
        -1.0,
    )
    matrix = resample_matrix(edges_from_centres(MUSE), GRID.edges_aa)
    out = apply(matrix, flux, sigma, torch.ones_like(flux, dtype=torch.bool))
    assert bool(torch.isfinite(out.flux).all())
    assert bool(torch.isfinite(out.sigma).all())
    lost = (~out.valid).sum(dim=1)
    assert lost.tolist() == [2, 2, 2, 2]
    assert bool((out.flux[out.valid] == 1.0).all())
    assert bool((out.flux[~out.valid] == 0.0).all())


def test_a_sliver_of_a_bad_pixel_is_forgiven_but_not_more():
    native = torch.tensor([0.0, 1.0, 2.0, 3.0], dtype=torch.float64)
    flux, sigma = torch.tensor([[5.0, 2.0, 2.0]]), torch.ones(1, 3)
    valid = torch.tensor([[False, True, True]])
    for start, kept in ((0.99, True), (0.95, False)):
        edges = torch.tensor([start, start + 1.0], dtype=torch.float64)
        out = apply(resample_matrix(native, edges), flux, sigma, valid)
        assert bool(out.valid) is kept
        assert float(out.flux) == (2.0 if kept else 0.0)


def test_uncovered_pixels_are_not_valid():
    wave = MUSE[(MUSE > 4900) & (MUSE < 5100)]
    flux = torch.ones(1, len(wave))
    matrix = resample_matrix(edges_from_centres(wave), GRID.edges_aa)
    out = apply(matrix, flux, flux, flux > 0)
    centres = GRID.centres_aa
    assert not bool(out.valid[0, centres < 4898].any())
    assert not bool(out.valid[0, centres > 5102].any())
    assert bool(out.valid[0, (centres > 4902) & (centres < 5098)].all())


def test_batch_of_redshifts_equals_one_by_one():
    generator = torch.Generator().manual_seed(3)
    flux = torch.rand(3, len(MUSE), generator=generator)
    spectra = (flux, flux + 0.1, flux > 0.01)
    z = torch.tensor([0.0, 0.00243, 0.01], dtype=torch.float64)
    edges = edges_from_centres(MUSE)
    together = to_rest_frame(edges, spectra, z, GRID)
    for i in range(3):
        alone = to_rest_frame(edges, tuple(s[i : i + 1] for s in spectra), float(z[i]), GRID)
        torch.testing.assert_close(together.flux[i : i + 1], alone.flux)
        torch.testing.assert_close(together.sigma[i : i + 1], alone.sigma)
        assert torch.equal(together.valid[i : i + 1], alone.valid)


def test_apply_weights_is_linear_and_differentiable():
    matrix = resample_matrix(edges_from_centres(MUSE), GRID.edges_aa)
    values = torch.rand(2, len(MUSE), dtype=torch.float64, requires_grad=True)
    out = apply_weights(matrix, values)
    torch.testing.assert_close(out, values @ dense(matrix, len(MUSE)).T)
    out.sum().backward()
    torch.testing.assert_close(values.grad[0], dense(matrix, len(MUSE)).sum(dim=0))


@pytest.mark.parametrize(
    "wave", [np.array([5000.0]), np.array([5000.0, 4999.0]), np.array([1.0, np.nan, 3.0])]
)
def test_unusable_wavelengths(wave):
    with pytest.raises(ValueError, match="wavelengths"):
        edges_from_centres(wave)
