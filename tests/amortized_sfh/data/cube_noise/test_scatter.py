"""Kernels from correlations, and continua."""

from __future__ import annotations

import numpy as np
import pytest

from amortized_sfh.data.cube_noise.scatter import fit_kernel, measure_scatter, smooth_part
from amortized_sfh.data.cube_noise.sky_spaxels import SpaxelSpectra


def correlation(taps):
    full = np.correlate(taps, taps, "full")[len(taps) - 1 :]
    return np.pad(full / full[0], (0, 7 - len(taps)))


@pytest.mark.parametrize(
    ("side", "n_taps"), [((), 1), ((0.2,), 3), ((0.4, 0.1), 5), ((0.6, 0.3, 0.15), 7)]
)
def test_the_fewest_taps_that_explain_the_correlation(side, n_taps):
    rho = correlation(np.array([*side[::-1], 1.0, *side]))
    kernel = np.array(fit_kernel(rho))
    assert len(kernel) == n_taps
    assert (kernel**2).sum() == pytest.approx(1.0)
    assert correlation(kernel) == pytest.approx(rho, abs=0.01)


def test_correlation_that_no_kernel_has():
    with pytest.raises(ValueError, match=r"correlated by \[0\.9 .* which 7 taps miss by 0\.\d\d"):
        fit_kernel(np.array([1.0, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9]))


def test_continuum_without_lines_and_over_gaps():
    pixel = np.arange(500.0)
    line = 50.0 * np.exp(-0.5 * ((pixel - 230) / 3.0) ** 2)
    spectra = np.stack([10.0 + 0.02 * pixel + line, np.full(500, np.nan)])
    spectra[0, 300:380] = np.nan
    smooth = smooth_part(spectra)
    assert smooth[0, 30:470] == pytest.approx((10.0 + 0.02 * pixel)[30:470], abs=0.5)
    assert (smooth[1] == 0.0).all()


def test_too_few_wavelengths_and_too_few_pixels():
    y, x = (axis.ravel() for axis in np.mgrid[:10, :10])
    noise = np.random.default_rng(1).normal(size=(100, 60)).astype(np.float32)
    spectra = SpaxelSpectra(noise[:, :20], np.ones((100, 20), np.float32), y, x)
    with pytest.raises(ValueError, match="20 wavelength pixels are too few"):
        measure_scatter(spectra, np.ones(20, bool))
    spectra = SpaxelSpectra(noise, np.ones((100, 60), np.float32), y, x)
    with pytest.raises(ValueError, match="no window of wavelengths has enough"):
        measure_scatter(spectra, np.arange(60) < 10)
