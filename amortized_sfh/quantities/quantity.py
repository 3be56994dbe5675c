"""A quantity that products hold: its name, unit, label and formula."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import torch
from torch import Tensor

from amortized_sfh.quantities.derived import Derived
from priors.ages import AgeBins
from priors.space import ParameterSpace
from simulators.wavelengths.doppler import add_velocities


class Kind(StrEnum):
    """Shape of a quantity; quantities of one kind are stored in the same way."""

    SCALAR = "scalar"
    """One number per spectrum and draw."""
    PER_BIN = "per age bin"
    """One number per age bin, spectrum and draw."""
    DENSITY = "surface density"
    """A scalar that needs the area which the spectrum covers."""
    PLANE = "single plane"
    """One number per spectrum, without draws."""
    FIGURE = "figure"
    """No product of its own: a parameter of the model, or another name for a figure."""


@dataclass(frozen=True, kw_only=True)
class QuantityInputs:
    """Draws of histories that the formulas start from, all with the same leading shape.

    Parameters
    ----------
    derived
        Quantities per formed solar mass: scalars of shape (...), per bin (..., n_bins).
    log_mass
        log10 of the formed mass in M☉, shape (...); NaN without a distance.
    parameters
        Parameters of the model by name, see :func:`named_parameters`; needed by dust, kinematics
        and [M/H] per bin alone.
    area_kpc2
        Area of each spectrum in the plane of the galaxy, broadcast against `log_mass`; needed by
        surface densities alone.
    bins
        Age bins of the histories; needed by rates per bin alone.
    """

    derived: Derived
    log_mass: Tensor
    parameters: Mapping[str, Tensor] = field(default_factory=dict)
    area_kpc2: Tensor | None = None
    bins: AgeBins | None = None

    @property
    def log_alive(self) -> Tensor:
        """log10 of the surviving share of the formed mass, shape (...)."""
        return torch.log10(self.derived.alive)

    @property
    def log_formed_per_kpc2(self) -> Tensor:
        """log10 of the formed mass per kpc², shape (...)."""
        if self.area_kpc2 is None:
            raise ValueError("area_kpc2 is missing; surface densities need areas")
        return self.log_mass - torch.log10(self.area_kpc2)

    @property
    def rates(self) -> Tensor:
        """Star formation rate of every age bin in M☉/yr, shape (..., n_bins)."""
        if self.bins is None:
            raise ValueError("bins is missing; rates need the age bins of the histories")
        mass = 10.0 ** self.log_mass[..., None] * self.derived.mass_fraction
        return mass / self.bins.widths_yr.to(mass)


def named_parameters(
    theta: Tensor, space: ParameterSpace, frame_kms: Tensor | None = None
) -> dict[str, Tensor]:
    """Take parameters apart by name.

    Parameters
    ----------
    theta
        Parameters, shape (..., n_param).
    space
        Names and order of theta.
    frame_kms
        Velocity of the rest frame of theta relative to the galaxy in km/s, broadcast against (...);
        0 by default.

    Returns
    -------
    dict of str to Tensor
        Dust, kinematics and gas under their own names, shape (...), `velocity` relative to the
        galaxy; `mh` is [M/H] of all age bins, shape (..., n_bins).
    """
    single = {name: theta[..., space.index(name)] for name in space.names[space.nuisance]}
    if frame_kms is not None:
        velocity = single["velocity"]
        single["velocity"] = add_velocities(frame_kms.to(velocity), velocity)
    return {**single, "mh": theta[..., space.mh]}


@dataclass(frozen=True)
class Quantity:
    """A quantity as files store it and figures show it.

    Parameters
    ----------
    name
        Name of its FITS extension, of columns and in mappings.
    kind
        Shape, and with it the place in a file of maps.
    unit
        Unit as FITS writes it; empty for pure numbers.
    title
        Words for rows and columns of figures.
    label
        Symbol with its unit, for axes and colour bars.
    description
        Definition in one sentence, as it stands in the documentation.
    formula
        Function from draws of histories to values; None where there is no such function.
    key
        Name among derived quantities, parameters and fits; `name` in lower case by default.
    symbol
        Short name where it is not the text before the unit in `label`.
    colour_map
        Name of a matplotlib colour map.
    symmetric
        If true, colours are symmetric about zero.
    log
        If true, figures show log10 of the quantity, and its uncertainty in dex.
    """

    name: str
    kind: Kind
    unit: str
    title: str
    label: str
    description: str = ""
    formula: Callable[[QuantityInputs], Tensor] | None = None
    key: str = ""
    symbol: str = ""
    colour_map: str = "viridis"
    symmetric: bool = False
    log: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", self.key or self.name.lower())

    @property
    def error_label(self) -> str:
        """Label of its uncertainty: in dex where it is logarithmic, else in its own unit."""
        name, _, unit = self.label.partition(" (")
        if self.log or "log_{10}" in self.label:
            unit = "dex)"
        return f"1σ error of {self.symbol or name}" + (f" ({unit}" if unit else "")
