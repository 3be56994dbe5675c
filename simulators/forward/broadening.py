"""Line-of-sight velocities and the line spread function, by one Fourier transform.

A velocity shift and a Gaussian broadening are products in Fourier space on a grid uniform in
ln(wavelength). The line spread function changes with wavelength: a convolution by a Gaussian of
variance s is a smooth function of s, so it is computed for four variances and interpolated
cubically in s at every pixel. The result goes to the output pixels through a cubic B-spline,
whose prefilter is one more factor in Fourier space.
"""

from __future__ import annotations

import itertools

import torch
from torch import Tensor

from priors.portable import Portable
from simulators.constants import FWHM_PER_SIGMA, SPEED_OF_LIGHT_KMS
from simulators.instruments.instrument import Instrument
from simulators.wavelengths.velocity_grid import VelocityGrid

_TAPER_PIXELS = 24
_ALIKE = 0.3
_N_REDSHIFT = 9


class VelocityBroadening(Portable):
    """Shifts and broadens spectra by stellar velocities and samples them as an instrument does.

    Parameters
    ----------
    velocity_grid
        Wavelengths of the input spectra, uniform in their logarithm.
    instrument
        Instrument that sets the output wavelengths and the line spread function.
    library_fwhm_aa
        Resolution (FWHM, Å) that the spectra already have, shape (velocity_grid.n_pix,). Where the
        library is coarser than the instrument, nothing is sharpened.
    """

    def __init__(
        self, velocity_grid: VelocityGrid, instrument: Instrument, library_fwhm_aa: Tensor
    ) -> None:
        self._instrument = instrument
        self._step_kms = velocity_grid.step * SPEED_OF_LIGHT_KMS
        self._n_pix = velocity_grid.n_pix
        wave = torch.from_numpy(velocity_grid.wave_aa)
        self._wave = wave.float()
        self._rest_position = instrument.grid.index(wave).float()
        self._rest_width_aa = instrument.grid.width_aa(wave).float()
        ratios = instrument.pixel_ratio(0.0)
        self._spaced_alike = max(abs(ratio - 1.0) for ratio in ratios) < _ALIKE
        self._pix_per_aa_sq = (1.0 / (velocity_grid.step * wave) ** 2).float()
        self._library_fwhm_sq = library_fwhm_aa.float() ** 2
        self._max_variance = self._largest_variance()
        omega = 2.0 * torch.pi * torch.arange(self._n_pix // 2 + 1).double() / self._n_pix
        self._omega = omega.float()
        prefilter = 3.0 / (2.0 + torch.cos(omega))
        nodes = [self._max_variance * k / 3.0 for k in range(4)]
        transfer = [(prefilter * torch.exp(-0.5 * s * omega**2)).float() for s in nodes]
        self._newton = _divided_differences(transfer)
        self._taper = _taper(self._n_pix)
        self._blocks = _bspline_blocks(velocity_grid.fractional_index(instrument.grid.centres_aa))

    def lsf_variance(self, redshift: Tensor) -> Tensor:
        """Variance that the library's spectra lack, in pixels**2 of the log grid.

        The line spread function is that of the observed pixels; resampling them to the rest frame
        by overlap blurs further. Where the two kinds of pixels are spaced alike this is a linear
        interpolation at a fraction f of a pixel, a blur of f (1 - f) pixels**2 that drifts slowly
        along the spectrum. Otherwise f changes from pixel to pixel, and its mean is taken: the mean
        over L observed pixels blurs by (1 + L**2) / 12 pixels**2.

        Parameters
        ----------
        redshift
            Redshift of each galaxy, which sets the part of the line spread function that is seen,
            shape (n,).

        Returns
        -------
        Tensor
            Variances, shape (n, velocity_grid.n_pix), at least 0: the library is never sharpened.
        """
        pixel = self._observed_pixel_aa(redshift)
        if self._spaced_alike:
            # the offset of the two pixel grids drifts slowly, so it is smooth between pixels too
            offset = self._instrument.pixels.position(self._wave, redshift) - self._rest_position
            fraction = offset - torch.floor(offset)
            blur = fraction * (1.0 - fraction) * pixel**2
        else:
            blur = (pixel**2 + self._rest_width_aa**2) / 12.0
        return (self._lsf_variance_aa(redshift) + blur) * self._pix_per_aa_sq

    def _observed_pixel_aa(self, redshift: Tensor) -> Tensor:
        """Width of the observed pixels in Å of the rest frame, shape (n, velocity_grid.n_pix)."""
        stretch = 1.0 + redshift[:, None]
        return self._instrument.pixels.width_aa(self._wave * stretch) / stretch

    def _largest_variance(self) -> float:
        """Bound of `lsf_variance` over wavelengths and redshifts."""
        limits = self._instrument.min_redshift, self._instrument.max_redshift
        redshift = torch.linspace(*limits, _N_REDSHIFT)
        pixel_sq = self._observed_pixel_aa(redshift) ** 2
        blur = torch.maximum(0.25 * pixel_sq, (pixel_sq + self._rest_width_aa**2) / 12.0)
        largest = (self._lsf_variance_aa(redshift) + blur) * self._pix_per_aa_sq
        return float(largest.max())

    def _lsf_variance_aa(self, redshift: Tensor) -> Tensor:
        """Instrument minus library, in quadrature, Å**2 of the rest frame."""
        stretch = 1.0 + redshift[:, None]
        fwhm_rest = self._instrument.lsf.fwhm_aa(self._wave * stretch) / stretch
        return (fwhm_rest**2 - self._library_fwhm_sq).clamp_min(0.0) / FWHM_PER_SIGMA**2

    def __call__(self, flux: Tensor, velocity: Tensor, sigma: Tensor, redshift: Tensor) -> Tensor:
        """Shift and broaden spectra, and sample them on the instrument's pixels.

        Parameters
        ----------
        flux
            Spectra on the log grid in any unit per Å, shape (n, velocity_grid.n_pix).
        velocity
            Velocity in km/s, positive away from us, shape (n,).
        sigma
            Velocity dispersion in km/s, shape (n,).
        redshift
            Redshift of each galaxy, which sets the part of the line spread function that is seen,
            shape (n,).

        Returns
        -------
        Tensor
            Spectra on the instrument's rest-frame grid in the unit of `flux`, shape (n, n_pix).
        """
        # ln(1 + v/c), so that a shift is exactly lambda (1 + v/c)
        shift = torch.log1p(velocity / SPEED_OF_LIGHT_KMS) * (SPEED_OF_LIGHT_KMS / self._step_kms)
        width = sigma / self._step_kms
        spectrum = torch.fft.rfft(flux * self._taper)
        damping = torch.exp(-0.5 * (width[:, None] * self._omega) ** 2)
        spectrum = spectrum * torch.polar(damping, -shift[:, None] * self._omega)
        # Lagrange interpolation in the variance, in Newton's form: the divided differences of the
        # transfer functions are taken before the transform back
        s = self.lsf_variance(redshift) * (3.0 / self._max_variance)
        terms = [torch.fft.irfft(spectrum * t, n=self._n_pix) for t in self._newton]
        blended = terms[3]
        for k in (2, 1, 0):
            blended = torch.addcmul(terms[k], blended, s - float(k))
        return torch.cat([blended[:, cut] @ weight for cut, weight in self._blocks], dim=1)


def _taper(n_pix: int) -> Tensor:
    """Window that brings both ends to zero, so that the periodic transform sees no jump."""
    ramp = torch.sin(0.5 * torch.pi * (torch.arange(_TAPER_PIXELS) + 0.5) / _TAPER_PIXELS) ** 2
    window = torch.ones(n_pix)
    window[:_TAPER_PIXELS] = ramp
    window[-_TAPER_PIXELS:] = ramp.flip(0)
    return window


def _divided_differences(values: list[Tensor]) -> list[Tensor]:
    """Newton's coefficients of the polynomial through values at 0, 1, 2, ..."""
    coefficients, row = [values[0]], values
    for order in range(1, len(values)):
        row = [(b - a) / order for a, b in itertools.pairwise(row)]
        coefficients.append(row[0])
    return coefficients


def _bspline_blocks(position: Tensor, size: int = 96) -> list[tuple[slice, Tensor]]:
    """Cubic B-spline at fractional positions, as small dense blocks (input slice, matrix)."""
    base = torch.floor(position)
    t = position - base
    weight = torch.stack(
        [
            (1 - t) ** 3 / 6,
            (3 * t**3 - 6 * t**2 + 4) / 6,
            (-3 * t**3 + 3 * t**2 + 3 * t + 1) / 6,
            t**3 / 6,
        ],
        dim=1,
    )
    index = base.long()[:, None] + torch.arange(-1, 3)
    blocks = []
    for rows, weights in zip(index.split(size), weight.split(size), strict=True):
        low, high = int(rows.min()), int(rows.max())
        matrix = torch.zeros(len(rows), high - low + 1, dtype=torch.float64)
        matrix.scatter_(1, rows - low, weights)
        blocks.append((slice(low, high + 1), matrix.T.contiguous().float()))
    return blocks
