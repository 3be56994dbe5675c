"""The request for the posterior of one spectrum, or of the rows of a file that holds many."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from amortized_sfh.requests.checks import DEFAULT_MODEL, LINE_HALF_WIDTH_KMS, check_draws

__all__ = ["InferSpectrumRequest"]


@dataclass(frozen=True, kw_only=True)
class InferSpectrumRequest:
    """The posterior of spectra: what is read, how it is inferred and what is written.

    Parameters
    ----------
    spectrum
        File of one spectrum, or of rows of spectra.
    out
        Folder of products to write.
    redshift
        Redshift of the galaxy; that of the file by default.
    ebv
        E(B-V) of the Milky Way in mag, on the scale of Schlafly & Finkbeiner (2011), which is
        removed from spectrum and bands.
    distance_mpc
        Luminosity distance in Mpc, for masses; from the redshift by default.
    photometry
        ECSV or CSV table of band fluxes with the columns band, flux, error and unit, measured in
        the same aperture as the spectrum.
    medium
        Medium of the wavelengths, "air" or "vacuum"; as the file says by default.
    rows
        Rows of the file, from 0; all by default.
    model
        Name of a model that the package carries, or the folder of one.
    draws
        Posterior draws per spectrum.
    seed
        Source of randomness; the same seed gives the same draws.
    device
        "auto" for a GPU where there is one, or a torch device such as "cpu" and "cuda".
    line_half_width_kms
        Half width of the masks of emission lines in km/s; more for broad lines, never less than in
        training.
    measure_noise
        If true, error bars are enlarged to the scatter of the data around a first posterior.
    plots
        If true, figures are drawn.
    overwrite
        If true, an existing folder of products is replaced.

    Raises
    ------
    ValueError
        If there are fewer than two draws, or the masks of lines are narrower than those of the
        training.
    """

    spectrum: Path
    out: Path
    redshift: float | None = None
    ebv: float = 0.0
    distance_mpc: float | None = None
    photometry: Path | None = None
    medium: Literal["air", "vacuum"] | None = None
    rows: tuple[int, ...] = ()
    model: str = DEFAULT_MODEL
    draws: int = 1000
    seed: int = 0
    device: str = "auto"
    line_half_width_kms: float = LINE_HALF_WIDTH_KMS
    measure_noise: bool = False
    plots: bool = True
    overwrite: bool = False

    def __post_init__(self) -> None:
        from simulators.observations.masks import check_line_width

        check_draws(self.draws)
        check_line_width(self.line_half_width_kms)
