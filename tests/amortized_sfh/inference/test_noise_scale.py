"""The measured noise scale finds what was put in."""

from __future__ import annotations

from dataclasses import replace

import torch

from amortized_sfh.inference.noise_scale import measure_noise_scale, residual_scale


def test_known_scale_is_found():
    generator = torch.Generator().manual_seed(0)
    true = torch.linspace(1.2, 3.0, 1761)
    smooth = 5.0 * torch.sin(torch.linspace(0.0, 9.0, 1761))
    residual = torch.randn(200, 1761, generator=generator) * true + smooth
    valid = torch.rand(200, 1761, generator=generator) > 0.05
    scale = residual_scale(residual, valid).mean(0)
    # flat beyond the centres of the outermost windows
    inner = slice(150, 1610)
    assert float((scale[inner] / true[inner] - 1.0).abs().max()) < 0.05


def test_never_below_one_and_one_without_data():
    generator = torch.Generator().manual_seed(1)
    quiet = residual_scale(0.3 * torch.randn(3, 1761, generator=generator), torch.ones(3, 1761) > 0)
    assert torch.equal(quiet, torch.ones(3, 1761))
    empty = residual_scale(torch.zeros(2, 1761), torch.zeros(2, 1761) > 0)
    assert torch.equal(empty, torch.ones(2, 1761))


def test_error_bars_grow(small_posterior, small_observation):
    small = replace(small_observation, sigma=small_observation.sigma / 4.0)
    enlarged, scale = measure_noise_scale(small_posterior, small)
    assert scale.shape == small.sigma.shape
    torch.testing.assert_close(enlarged.sigma, small.sigma * scale)
    faint = (small.flux.abs() / small.sigma).median(dim=1).values < 20.0
    assert float(scale[faint].median()) > 3.0
