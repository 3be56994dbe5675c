"""The request for the posterior of one spectrum, or of the rows of a file that holds many."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from amortized_sfh.requests.infer import PosteriorRequest
from simulators.constants import LINE_HALF_WIDTH_KMS


@dataclass(frozen=True, kw_only=True)
class InferSpectrumRequest(PosteriorRequest):
    """The posterior of spectra: what is read, how it is inferred and what is written.

    The fields of :class:`~amortized_sfh.requests.infer.PosteriorRequest` come before these.

    Parameters
    ----------
    spectrum
        File of one spectrum, or of rows of spectra.
    out
        Folder of products to write.
    redshift
        Redshift of the galaxy; that of the file by default.
    photometry
        ECSV or CSV table of band fluxes with the columns band, flux, error and unit, measured in
        the same aperture as the spectrum.
    medium
        Medium of the wavelengths, "air" or "vacuum"; as the file says by default.
    rows
        Rows of the file, from 0; all by default.
    line_half_width_kms
        Half width of the masks of emission lines in km/s; more for broad lines, never less than in
        training.
    measure_noise
        If true, error bars are enlarged to the scatter of the data around a first posterior.

    Raises
    ------
    ValueError
        If there are fewer than two draws, or the masks of lines are narrower than those of the
        training.
    """

    spectrum: Path
    out: Path
    redshift: float | None = None
    photometry: Path | None = None
    medium: Literal["air", "vacuum"] | None = None
    rows: tuple[int, ...] = ()
    line_half_width_kms: float = LINE_HALF_WIDTH_KMS
    measure_noise: bool = False

    def _check(self) -> None:
        from simulators.observations.masks import check_line_width

        super()._check()
        check_line_width(self.line_half_width_kms)
