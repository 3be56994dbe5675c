"""One HST image with all that its pixels mean."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from astropy.wcs import WCS
from astropy.wcs.utils import proj_plane_pixel_scales

from amortized_sfh.data.hst.sky_level import SkyLevel
from amortized_sfh.data.hst.weight import WeightMap
from simulators.observations.observation import BANDS

__all__ = ["HstImage"]


@dataclass(frozen=True)
class HstImage:
    """An image in one HST band.

    Parameters
    ----------
    band : str
        One of the five bands.
    data : ndarray
        Pixel values as in the file, shape (ny, nx); NaN or exactly 0 where there is no data (the
        drizzled frames around an image are 0). May be memory-mapped.
    flux_per_count : float
        f_λ, in units of 1e-20 erg/s/cm²/Å, of a pixel value of 1.
    wcs : WCS
        Celestial WCS.
    sigma : ndarray, optional
        Standard deviation of ``data``, same shape, such that its squares add up in sums; from the
        weights, or estimated from the image, if it is missing.
    electrons_per_count : float
        Detected electrons behind a pixel value of 1; 0 if unknown. Sets the photon noise.
    background : float
        Sky level left in the image, in pixel values, which is subtracted; drizzled images of WFC3
        have it removed.
    fwhm_arcsec : float
        FWHM of the image's PSF.
    source : str
        File name, for provenance.
    weight : WeightMap, optional
        Weights of the pixels.
    missing : ndarray, optional
        Not 0 where a pixel must not be used (saturated, bad), same shape.
    noise_ratio : float
        Drizzle's R: noise of sums over that of independent pixels.
    background_sigma : float
        Uncertainty of the sky level, in pixel values; the same error in all spaxels.
    sky : SkyLevel, optional
        What the image itself shows of its sky.
    camera : str
        Such as ``WFC3/UVIS``; empty if unknown.
    """

    band: str
    data: np.ndarray
    flux_per_count: float
    wcs: WCS
    sigma: np.ndarray | None = None
    electrons_per_count: float = 0.0
    background: float = 0.0
    fwhm_arcsec: float = 0.08
    source: str = ""
    weight: WeightMap | None = None
    missing: np.ndarray | None = None
    noise_ratio: float = 1.0
    background_sigma: float = 0.0
    sky: SkyLevel | None = None
    camera: str = ""

    def __post_init__(self) -> None:
        if self.band not in BANDS:
            raise ValueError(f"unknown band {self.band!r}; expected one of {', '.join(BANDS)}")
        if self.data.ndim != 2:
            raise ValueError(f"{self.source}: data has shape {self.data.shape}; expected (ny, nx)")
        weights = None if self.weight is None else self.weight.values
        maps = {"error map": self.sigma, "weight map": weights, "mask": self.missing}
        for name, values in maps.items():
            if values is not None and values.shape != self.data.shape:
                raise ValueError(
                    f"{self.source}: the {name} has shape {values.shape}; "
                    f"expected the image's {self.data.shape}"
                )
        if not (np.isfinite(self.background) and self.background_sigma >= 0):
            raise ValueError(
                f"{self.source}: the sky is {self.background} +- {self.background_sigma}; "
                "expected a finite level and an uncertainty of at least 0"
            )

    @property
    def pixel_arcsec(self) -> float:
        """Mean pixel scale."""
        return float(np.sqrt(np.prod(proj_plane_pixel_scales(self.wcs)))) * 3600.0

    def seen(self, part: tuple[slice, slice]) -> np.ndarray:
        """Return where a part of the image has data that may be used, bool."""
        counts = np.asarray(self.data[part])
        seen = np.isfinite(counts) & (counts != 0)
        if self.sigma is not None:
            sigma = np.asarray(self.sigma[part])
            seen &= np.isfinite(sigma) & (sigma > 0)
        if self.weight is not None:
            seen &= self.weight.positive(part)
        if self.missing is not None:
            seen &= np.nan_to_num(np.asarray(self.missing[part], dtype=np.float32), nan=1.0) == 0
        return seen
