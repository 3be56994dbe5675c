"""How a spectrum is inferred: the options of `infer-spectrum`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from amortized_sfh.inference.samples import check_draws
from simulators.observations.masks import LINE_HALF_WIDTH_KMS, check_line_width

__all__ = ["SpectrumRun"]


@dataclass(frozen=True, kw_only=True)
class SpectrumRun:
    """How a spectrum is inferred and what is written.

    Parameters
    ----------
    redshift
        Of the galaxy; that of the file by default.
    draws
        Posterior draws.
    seed
        The same seed gives the same draws.
    ebv
        E(B-V) of the Milky Way in mag, removed from spectrum and bands.
    distance_mpc
        Luminosity distance in Mpc; from the redshift where it is not given.
    photometry
        Band name to (f_λ, sigma) as observed, in the unit of the spectrum.
    photometry_file
        Table of band fluxes with units instead, see `amortized_sfh.data.spectra.photometry`.
    medium
        Medium of the wavelengths, "air" or "vacuum"; as the file says by default.
    line_half_width_kms
        Half width of the masks of emission lines; wider than the default for broad lines.
    measure_noise
        Enlarge the errors to the scatter of the data first, see `measure_noise_scale`.
    plots
        Draw pictures.
    overwrite
        Replace an existing folder of products.

    Raises
    ------
    ValueError
        If photometry is given twice, there are fewer than two draws, or the masks of lines are
        narrower than those of the training.
    """

    redshift: float | None = None
    draws: int = 1000
    seed: int = 0
    ebv: float = 0.0
    distance_mpc: float | None = None
    photometry: Mapping[str, tuple[float, float]] | None = None
    photometry_file: Path | None = None
    medium: str | None = None
    line_half_width_kms: float = LINE_HALF_WIDTH_KMS
    measure_noise: bool = False
    plots: bool = True
    overwrite: bool = False

    def __post_init__(self) -> None:
        check_draws(self.draws)
        check_line_width(self.line_half_width_kms)
        if self.photometry is not None and self.photometry_file is not None:
            raise ValueError(
                f"photometry is given, and also in {self.photometry_file}: expected one of them"
            )
