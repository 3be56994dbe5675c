"""Checks that data have the wavelengths and the pixels that a model was made for.

A network gives an answer to anything. Readers call `check_coverage`, and those of cubes also
`check_pixels`, so that data of another instrument end in an error that names what is expected.
"""

from __future__ import annotations

import torch
from torch import Tensor

from simulators.instruments.instrument import Instrument
from simulators.observations.conditions import MAX_TRIM
from simulators.observations.masks import observed_mask
from simulators.wavelengths.rest_grid import RestGrid

_WIDER = 1.05
"""Observed pixels this much wider than rest-frame ones are still taken as equally wide."""


def check_coverage(
    instrument: Instrument, rest_range_aa: tuple[float, float], redshift: float, what: str
) -> None:
    """Refuse data that lack more of the model's wavelengths than its training spectra did.

    Parameters
    ----------
    instrument
        Instrument that the model is made for.
    rest_range_aa
        First and last rest-frame air wavelength of the data, in Å.
    redshift
        Redshift of the galaxy.
    what
        Name of the data in the error message.

    Raises
    ------
    ValueError
        If less than 70 % of the pixels that the instrument sees at this redshift are covered.
    """
    low, high = rest_range_aa
    grid = instrument.grid
    seen = observed_mask(instrument, torch.tensor([redshift]))[0]
    inside = (grid.centres_aa >= low) & (grid.centres_aa <= high)
    share = float((inside & seen).sum()) / max(int(seen.sum()), 1)
    if share >= 1.0 - MAX_TRIM:
        return
    observed = ""
    if instrument.observed_range_aa is not None:
        observed = " (observed {:.0f}-{:.0f} Å)".format(*instrument.observed_range_aa)
    missing = round(100 * (1.0 - share))
    raise ValueError(
        f"{what} covers {low:.0f}-{high:.0f} Å in the rest frame at z = {redshift:g} and misses "
        f"{missing} % of the model's {grid.start_aa:.0f}-{grid.end_aa:.0f} Å{observed}: a model "
        f"for {instrument.name!r} expects at least {100 * (1 - MAX_TRIM):.0f} % of it; check the "
        f"redshift, or use a model made for these data{_other_unit(grid, low, high)}"
    )


def _other_unit(grid: RestGrid, low: float, high: float) -> str:
    """A hint where the wavelengths would fit in another unit than Å."""
    for unit, in_aa in (("nm", 10.0), ("µm", 1e4)):
        if high < grid.start_aa and low * in_aa < grid.end_aa and high * in_aa > grid.start_aa:
            return f"; these wavelengths look like {unit}: say so in the file, or convert them to Å"
    return ""


def check_pixels(instrument: Instrument, rest_edges_aa: Tensor, what: str) -> None:
    """Refuse data whose pixels are wider than those of the model.

    More pixels would be made than were observed, with a noise that no likelihood describes.

    Parameters
    ----------
    instrument
        Instrument that the model is made for.
    rest_edges_aa
        Rest-frame air edges of the pixels of the data, in Å, ascending, shape (n + 1,).
    what
        Name of the data in the error message.

    Raises
    ------
    ValueError
        If some pixel inside the model's range is more than 5 % wider than the model's.
    """
    rest, grid = rest_edges_aa.double(), instrument.grid
    middle, width = 0.5 * (rest[1:] + rest[:-1]), torch.diff(rest)
    inside = (middle > grid.start_aa) & (middle < grid.end_aa)
    ratio = torch.where(inside, width / grid.width_aa(middle), 0.0)
    worst = int(ratio.argmax())
    if float(ratio[worst]) > _WIDER:
        allowed = float(grid.width_aa(middle)[worst])
        raise ValueError(
            f"{what} has pixels of {float(width[worst]):.3g} Å (rest frame) at "
            f"{float(middle[worst]):.0f} Å, wider than the {allowed:.3g} Å of a model for "
            f"{instrument.name!r}: use a model made for these data"
        )
