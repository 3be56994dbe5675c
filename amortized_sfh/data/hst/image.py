"""One HST image with all that its pixels mean."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from astropy.wcs import WCS
from astropy.wcs.utils import proj_plane_pixel_scales

from amortized_sfh.data.hst.background import SkyLevel
from amortized_sfh.data.hst.weight_map import WeightMap
from simulators.observations.observation import BANDS


@dataclass(frozen=True, repr=False)
class HstImage:
    """A drizzled image in one HST band, with HST's resolution and pixels.

    Parameters
    ----------
    band : str
        Name of one of the five bands, such as "F555W".
    data : ndarray
        Pixel values as in the file, shape (ny, nx); NaN or exactly 0 where there is no data (the
        drizzled frames around an image are 0). May be memory-mapped.
    flux_per_count : float
        f_λ, in units of 1e-20 erg/s/cm²/Å, of a pixel value of 1.
    wcs : WCS
        Celestial WCS of the pixels.
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
        Name of the file that the image was read from, for provenance.
    weight : WeightMap, optional
        Weight map of the image, from which the noise follows where there is no ``sigma``.
    missing : ndarray, optional
        Not 0 where a pixel must not be used (saturated, bad), same shape.
    noise_ratio : float
        Drizzle's R: noise of sums over that of independent pixels.
    background_sigma : float
        Uncertainty of the sky level, in pixel values; the same error in all spaxels.
    sky : SkyLevel, optional
        Sky level as measured in the image itself, which is not subtracted.
    camera : str
        Camera, such as ``WFC3/UVIS``; empty if unknown.
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

    def __repr__(self) -> str:
        ny, nx = self.data.shape
        return (
            f"HstImage({self.band}, {self.source or 'no file'}, {self.camera or 'unknown camera'}, "
            f"{ny} x {nx} pixels of {self.pixel_arcsec:.3g} arcsec, noise: {self.noise_source})"
        )

    @property
    def noise_source(self) -> str:
        """Source of the noise of the pixels, in words."""
        if self.sigma is not None:
            return "error map"
        if self.weight is None or self.weight.kind == "coverage":
            return "estimated"
        return f"{self.weight.kind} weights x {self.weight.noise_factor:.3f}"

    @property
    def pixel_arcsec(self) -> float:
        """Mean side of a pixel in arcsec."""
        return float(np.sqrt(np.prod(proj_plane_pixel_scales(self.wcs)))) * 3600.0

    def has_data(self, part: tuple[slice, slice]) -> np.ndarray:
        """Return True for the pixels of a part of the image that may be used, bool, (ny, nx)."""
        counts = np.asarray(self.data[part])
        seen = np.isfinite(counts) & (counts != 0)
        for plane in (self.sigma, None if self.weight is None else self.weight.values):
            if plane is not None:
                values = np.asarray(plane[part])
                seen &= np.isfinite(values) & (values > 0)
        if self.missing is not None:
            seen &= np.nan_to_num(np.asarray(self.missing[part], dtype=np.float32), nan=1.0) == 0
        return seen
