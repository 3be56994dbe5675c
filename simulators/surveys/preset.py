"""Presets of surveys: TOML files that say what an instrument observes, and how well.

`read_preset` reads one that the package carries, or a file of your own; `SurveyPreset.generative`
gives what a network learns from. Copy a file from `simulators/surveys/presets` to write your own:
every key is explained there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import torch

from simulators.files.shipped import shipped_files
from simulators.files.toml_lines import parse_toml
from simulators.files.toml_table import fill, nearest
from simulators.generative import GenerativeModel, default_generative_model
from simulators.instruments.filters import filter_names
from simulators.instruments.instrument import Instrument
from simulators.noise.noise_model import NoiseConfig
from simulators.observations.conditions import ConditionsPrior
from simulators.observations.masks import survey_mask
from simulators.surveys.preset_tables import (
    ObservedFrameTable,
    RedshiftTable,
    ResolutionTable,
    RestFrameTable,
    check_noise_of_bands,
)

_TOLERANCE = 1e-3
_BLURRED = 1.5
_NAME = re.compile(r"\w[\w.-]*")
_FEWEST = 0.1
"""Share of the model's pixels that must be usable at every redshift of a survey."""


@dataclass(frozen=True, kw_only=True)
class SurveyPreset:
    """An instrument, the noise of its data and the circumstances under which they are taken.

    Parameters
    ----------
    name
        Short name of the survey, which the folder of a model gets.
    description
        One sentence that says what is observed; empty by default.
    references
        Sources of the numbers; none by default.
    bands
        Names of the photometric bands.
    n_spectra
        Training spectra with which a model of the default size is useful.
    rest_frame, observed_frame, resolution, redshift
        Tables that describe the instrument.
    noise
        Sizes of the errors that are not in the error bars.
    conditions
        Distribution of S/N, masks and bands of training spectra.

    Raises
    ------
    ValueError
        If the name is none, a band is unknown, noise or redshifts do not go with the bands, or the
        instrument could not observe the model's pixels.
    """

    name: str
    description: str = ""
    references: tuple[str, ...] = ()
    bands: tuple[str, ...]
    n_spectra: int
    rest_frame: RestFrameTable
    observed_frame: ObservedFrameTable
    resolution: ResolutionTable
    redshift: RedshiftTable
    noise: NoiseConfig = field(default_factory=NoiseConfig)
    conditions: ConditionsPrior = field(default_factory=ConditionsPrior)

    def __post_init__(self) -> None:
        if not self.bands and self.redshift.max_bands is not None:
            raise ValueError("[redshift]: max_bands is given, but bands is []: leave it out")
        check_noise_of_bands(self.noise, self.bands)
        instrument = self.instrument
        if not _NAME.fullmatch(self.name):
            raise ValueError(
                f"name is {self.name!r}; expected letters, digits, '-', '_' and '.', since the "
                "folder of the model is called so"
            )
        unknown = [band for band in instrument.bands if band not in filter_names()]
        if unknown:
            hint = nearest(unknown[0], filter_names())
            raise ValueError(f"there is no filter curve of band {unknown[0]!r}{hint}")
        if len(set(instrument.bands)) < len(instrument.bands):
            raise ValueError(f"bands are {instrument.bands}; expected each of them once")
        edges = instrument.grid.edges_aa
        observed = torch.cat([edges, edges * (1.0 + instrument.max_redshift)])
        narrowest = float(instrument.lsf.fwhm_aa(observed).min())
        if not narrowest > 0.0:
            raise ValueError(
                f"the resolution is {narrowest:.3g} Å FWHM somewhere; expected a positive width"
            )
        for redshift in (instrument.min_redshift, instrument.max_redshift):
            smallest, _ = instrument.pixel_ratio(redshift)
            if smallest < 1.0 - _TOLERANCE:
                raise ValueError(
                    f"a rest-frame pixel is {smallest:.3f} observed pixels wide at z = "
                    f"{redshift:g}; expected at least 1: widen the rest-frame step by "
                    f"{1.0 / smallest:.3f}, since no more pixels can be made than were observed"
                )
        _check_overlap(instrument)
        if self.n_spectra < 1:
            raise ValueError(f"n_spectra is {self.n_spectra}; expected at least 1")

    @cached_property
    def instrument(self) -> Instrument:
        """Wavelengths, pixels, resolution, bands and redshifts."""
        observed, redshift = self.observed_frame, self.redshift
        max_bands = redshift.max_bands if self.bands else redshift.max
        return Instrument(
            name=self.name,
            grid=self.rest_frame.grid(),
            bands=self.bands,
            lsf=self.resolution.lsf(),
            pixels=observed.pixels(),
            observed_range_aa=observed.range_aa,
            sky_ranges_aa=observed.sky_ranges_aa,
            min_redshift=redshift.min,
            max_redshift=redshift.max,
            max_redshift_bands=redshift.max if max_bands is None else max_bands,
        )

    def generative(
        self,
        library: str = "bc03-miles",
        mismatch: str | Path | None = None,
        noise_profile: str | Path | None = None,
    ) -> GenerativeModel:
        """Build all that simulates the survey, with the default prior.

        Parameters
        ----------
        library
            SSP library, by name or file.
        mismatch, noise_profile
            Measured parts of the noise model, by name or file, see `default_generative_model`;
            none by default.

        Returns
        -------
        GenerativeModel
            Prior, forward model, noise and conditions, on the CPU.

        Raises
        ------
        ValueError
            If the library does not cover the rest-frame wavelengths, or is so much coarser than
            the instrument that its spectra would look blurred.
        """
        model = default_generative_model(
            library, self.instrument, self.noise, mismatch=mismatch, noise_profile=noise_profile
        )
        _check_resolution(model, self.instrument)
        return replace(model, conditions=self.conditions)


def preset_names() -> tuple[str, ...]:
    """Return the names of the presets that the package carries.

    Examples
    --------
    >>> preset_names()
    ('manga', 'phangs-muse-hst', 'sdss')
    """
    return tuple(_shipped())


def _shipped() -> dict[str, Path]:
    """Files of the presets that the package carries, by their names."""
    return shipped_files("simulators.surveys", "presets", ".toml")


def preset_text(name: str | Path) -> str:
    """Return the text of a preset: a file to start from for one's own.

    Parameters
    ----------
    name
        A name of `preset_names`, or a TOML file.

    Returns
    -------
    str
        Content of the TOML file, comments included.

    Raises
    ------
    FileNotFoundError
        If there is no such preset or file.
    """
    path = _shipped().get(str(name), Path(name))
    if path.is_file():
        return path.read_text("utf-8")
    hint = nearest(str(name), preset_names())
    raise FileNotFoundError(f"no preset and no file {str(name)!r}{hint}, or a TOML file")


def read_preset(name: str | Path = "phangs-muse-hst") -> SurveyPreset:
    """Read a preset.

    Parameters
    ----------
    name
        A name of `preset_names`, or a TOML file.

    Returns
    -------
    SurveyPreset
        Instrument, noise and conditions of the survey. The default preset describes MUSE with five
        HST bands, as :class:`Instrument` does.

    Raises
    ------
    FileNotFoundError
        If there is no such preset or file.
    ValueError
        If the file is no TOML, has an unknown key (the message has the nearest known one), lacks
        one, or holds a value that makes no sense.

    Examples
    --------
    >>> read_preset("manga").instrument.grid.n_pix
    3040
    """
    table, lines = parse_toml(preset_text(name), str(name))
    return fill(SurveyPreset, table, str(name), lines)


def _check_overlap(instrument: Instrument) -> None:
    """Refuse an observed frame that misses the rest frame: nothing could be learned there."""
    redshift = torch.linspace(instrument.min_redshift, instrument.max_redshift, 9)
    share = survey_mask(instrument, redshift).float().mean(dim=1)
    worst = int(share.argmin())
    if float(share[worst]) < _FEWEST:
        grid, z = instrument.grid, float(redshift[worst])
        raise ValueError(
            f"at z = {z:g} only {100 * float(share[worst]):.0f} % of the model's pixels "
            f"({grid.start_aa * (1 + z):.0f}-{grid.end_aa * (1 + z):.0f} Å observed) are inside "
            "range_aa and outside sky_ranges_aa and the masks of emission lines; expected at "
            f"least {100 * _FEWEST:.0f} %: change [rest_frame], [observed_frame] or [redshift]"
        )


def _check_resolution(model: GenerativeModel, instrument: Instrument) -> None:
    """Compare the library with the instrument inside the rest-frame range."""
    basis, grid = model.simulator.basis, instrument.grid
    wave = torch.from_numpy(basis.velocity_grid.wave_aa).float()
    stretch = 1.0 + torch.tensor([instrument.min_redshift, instrument.max_redshift])[:, None]
    own = (instrument.lsf.fwhm_aa(wave * stretch) / stretch).max(0).values
    inside = (wave >= grid.start_aa) & (wave <= grid.end_aa)
    ratio = torch.where(inside, basis.fwhm_aa / own, 0.0)
    worst = int(ratio.argmax())
    if float(ratio[worst]) > _BLURRED:
        raise ValueError(
            f"library {basis.library!r} has a resolution of {float(basis.fwhm_aa[worst]):.1f} Å "
            f"FWHM at {float(wave[worst]):.0f} Å, instrument {instrument.name!r} one of "
            f"{float(own[worst]):.1f} Å (rest frame): narrow [rest_frame] or take another library"
        )
