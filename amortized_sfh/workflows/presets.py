"""The workflow of `amortized-sfh presets`: surveys described in words."""

from __future__ import annotations

from simulators.instruments.instrument import Instrument
from simulators.surveys.preset import preset_names, preset_text, read_preset


def describe_presets() -> str:
    """Return a paragraph on each preset that the package carries.

    Returns
    -------
    str
        Name, description, and what a model of it takes.
    """
    paragraphs = []
    for name in preset_names():
        preset = read_preset(name)
        paragraphs.append(f"{name}\n    {preset.description}\n    {_describe(preset.instrument)}")
    paragraphs.append(
        "Show one as a file to start from: amortized-sfh presets NAME > my_survey.toml\n"
        "Train for one: amortized-sfh train --preset NAME|FILE --out FOLDER"
    )
    return "\n\n".join(paragraphs)


def _describe(instrument: Instrument) -> str:
    """Rest-frame wavelengths, pixels, bands and redshifts of an instrument in one line."""
    grid = instrument.grid
    bands = ", ".join(instrument.bands) or "no bands"
    return (
        f"rest frame {grid.start_aa:.0f}-{grid.end_aa:.0f} Å in {grid.n_pix} pixels; {bands}; "
        f"z = {instrument.min_redshift:g} to {instrument.max_redshift:g}"
    )


def show_preset(name: str) -> str:
    """Return the text of a preset, after it has been checked.

    Parameters
    ----------
    name
        Name of a preset, or a TOML file.

    Returns
    -------
    str
        Text of a TOML file.

    Raises
    ------
    FileNotFoundError, ValueError
        If there is no such preset, or it cannot be used.
    """
    read_preset(name)
    return preset_text(name).rstrip()
