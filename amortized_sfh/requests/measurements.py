"""Requests for measurements: the noise of a cube, and the mismatch of two stellar libraries."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from amortized_sfh.requests.checks import Request
from amortized_sfh.requests.generative import DEFAULT_LIBRARY, DEFAULT_PRESET
from simulators.constants import LINE_HALF_WIDTH_KMS


@dataclass(frozen=True, kw_only=True)
class MeasureNoiseRequest(Request):
    """The noise profile of a cube.

    Parameters
    ----------
    cube
        FITS file of the cube.
    out
        HDF5 file of the profile to write.
    name
        Name of the profile; that of the file by default.
    region
        Part of the cube, ``(x0, x1, y0, y1)`` in pixels from 0, ends excluded, with sky and, if
        there is one, the source; the whole cube by default.
    redshift
        Redshift of the galaxy, whose emission lines are then left out.
    line_half_width_kms
        Half width of what is left out around these lines in km/s.
    sky_fraction
        Share of faint spaxels that are taken as sky.
    plot
        PNG file of a figure to draw; none by default.
    overwrite
        If true, existing files are replaced.

    Raises
    ------
    ValueError
        If the redshift is absurd or the width of the lines is not positive.
    """

    cube: Path
    out: Path
    name: str | None = None
    region: tuple[int, int, int, int] | None = None
    redshift: float | None = None
    line_half_width_kms: float = LINE_HALF_WIDTH_KMS
    sky_fraction: float = 0.3
    plot: Path | None = None
    overwrite: bool = False

    def _check(self) -> None:
        from simulators.observations.observation import check_redshift

        if self.redshift is not None:
            check_redshift(self.redshift)
        if not self.line_half_width_kms > 0.0:
            width = self.line_half_width_kms
            raise ValueError(f"--line-width is {width:g} km/s; expected above 0")


@dataclass(frozen=True, kw_only=True)
class MismatchRequest(Request):
    """The difference of two stellar libraries over the prior.

    Parameters
    ----------
    other
        Name or file of the library to compare with.
    out
        HDF5 file of the mismatch to write.
    library
        Name or file of the library that models are made of.
    preset
        Survey: the name of a preset, or a TOML file.
    n
        Histories drawn from the prior.
    modes
        Modes of the difference to keep.
    seed
        Source of randomness of the histories.
    overwrite
        If true, an existing file is replaced.
    """

    other: str
    out: Path
    library: str = DEFAULT_LIBRARY
    preset: str = DEFAULT_PRESET
    n: int = 8000
    modes: int = 16
    seed: int = 0
    overwrite: bool = False
