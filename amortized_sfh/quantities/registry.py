"""Every quantity that maps, tables and figures show, and the groups in which they are shown.

All other code takes names from here, one by one (`LOGMASS.name`) or in groups (`AVERAGES`): a
product is added or renamed in this file alone. :func:`evaluate` computes quantities from draws,
:func:`describe` tells figures how to show them, :func:`unit_of` tells files their units.
"""

from __future__ import annotations

from collections.abc import Iterable

from torch import Tensor

from amortized_sfh.quantities.quantity import Kind, Quantity, QuantityInputs
from amortized_sfh.quantities.statistics import STATISTICS

_SCALAR, _PER_BIN, _DENSITY, _PLANE, _FIGURE = Kind
_LOG_SUN = r"$\log_{10}(%s$ / M$_\odot)$"
_LOG_SSFR = r"$\log_{10}$(sSFR$_{%d}$ / yr$^{-1}$)"
_LOG_SFR_DENSITY = r"$\log_{10}$($\Sigma_{\mathrm{SFR},%d}$ / M$_\odot$ yr$^{-1}$ kpc$^{-2}$)"
_LOG_STAR_DENSITY = r"$\log_{10}$($\Sigma_*$ / M$_\odot$ kpc$^{-2}$)"
_SFR_DENSITY = r"$\Sigma_{\mathrm{SFR},%d}$"

# A table: one quantity a block, its columns name, kind, unit, title, label / description / formula
# and what differs from the defaults.
# fmt: off

# the history and its mass
LOGAGE_MW = Quantity(
    "LOGAGE_MW", _SCALAR, "dex(yr)", "Age, mass-weighted", r"$\log_{10}$(age$_M$ / yr)",
    "mass-weighted mean of log10(age / yr)",
    lambda x: x.derived.log_age_mw, key="log_age_mw", symbol="age$_M$", colour_map="magma")
LOGAGE_LW = Quantity(
    "LOGAGE_LW", _SCALAR, "dex(yr)", "Age, light-weighted", r"$\log_{10}$(age$_L$ / yr)",
    "mean of log10(age / yr), weighted by intrinsic V-band light",
    lambda x: x.derived.log_age_lw, key="log_age_lw", symbol="age$_L$", colour_map="magma")
MH_MW = Quantity(
    "MH_MW", _SCALAR, "dex", "[M/H], mass-weighted", r"[M/H]$_M$ (dex)",
    "mass-weighted mean [M/H]",
    lambda x: x.derived.mh_mw)
MH_LW = Quantity(
    "MH_LW", _SCALAR, "dex", "[M/H], light-weighted", r"[M/H]$_L$ (dex)",
    "mean [M/H], weighted by intrinsic V-band light",
    lambda x: x.derived.mh_lw)
T50 = Quantity(
    "T50", _SCALAR, "Gyr", "Half of the mass formed", r"$t_{50}$ (Gyr)",
    "lookback time at which 50 % of all stars ever formed had formed",
    lambda x: x.derived.t50, colour_map="magma")
T90 = Quantity(
    "T90", _SCALAR, "Gyr", "90 % of the mass formed", r"$t_{90}$ (Gyr)",
    "lookback time at which 90 % of all stars ever formed had formed",
    lambda x: x.derived.t90, colour_map="magma")
LOGMASS = Quantity(
    "LOGMASS", _SCALAR, "dex(solMass)", "Stellar mass", _LOG_SUN % "M_*",
    "log10 of the mass of living stars",
    lambda x: x.log_mass + x.log_alive, symbol="$M_*$", colour_map="cividis")
LOGMASS_FORMED = Quantity(
    "LOGMASS_FORMED", _SCALAR, "dex(solMass)", "Formed mass", _LOG_SUN % r"M_\mathrm{formed}",
    "log10 of the mass of all stars that ever formed",
    lambda x: x.log_mass, symbol=r"$M_\mathrm{formed}$", colour_map="cividis")
ML_V = Quantity(
    "ML_V", _SCALAR, "solMass/solLum", "Mass-to-light ratio", r"$M_*/L_V$ (solar)",
    "mass of living stars over their intrinsic V-band luminosity",
    lambda x: x.derived.ml_v, colour_map="cividis")
LOG_SSFR10 = Quantity(
    "LOG_SSFR10", _SCALAR, "dex(1/yr)", "sSFR, last 10 Myr", _LOG_SSFR % 10,
    "log10 of the mean star formation rate of the last 10 Myr per mass of living stars",
    lambda x: x.derived.log_ssfr_10 - x.log_alive,
    key="log_ssfr_10", symbol="sSFR$_{10}$", colour_map="inferno")
LOG_SSFR100 = Quantity(
    "LOG_SSFR100", _SCALAR, "dex(1/yr)", "sSFR, last 100 Myr", _LOG_SSFR % 100,
    "log10 of the mean star formation rate of the last 100 Myr per mass of living stars",
    lambda x: x.derived.log_ssfr_100 - x.log_alive,
    key="log_ssfr_100", symbol="sSFR$_{100}$", colour_map="inferno")

# dust and kinematics
AV = Quantity(
    "AV", _SCALAR, "mag", "Dust", r"$A_V$ (mag)",
    "attenuation of the starlight in the V band",
    lambda x: x.parameters["av"], colour_map="inferno")
V = Quantity(
    "V", _SCALAR, "km/s", "Velocity", r"$v$ (km s$^{-1}$)",
    "velocity of the stars relative to the redshift that was given",
    lambda x: x.parameters["velocity"], key="velocity", colour_map="RdBu_r", symmetric=True)
SIGMA = Quantity(
    "SIGMA", _SCALAR, "km/s", "Velocity dispersion", r"$\sigma$ (km s$^{-1}$)",
    "velocity dispersion of the stars",
    lambda x: 10.0 ** x.parameters["log_sigma"], colour_map="cividis")

# surface densities, linear, so that they may be added over areas
SIGMA_SFR10 = Quantity(
    "SIGMA_SFR10", _DENSITY, "solMass/(yr kpc2)", "SFR density, last 10 Myr", _LOG_SFR_DENSITY % 10,
    "mean star formation rate of the last 10 Myr per area",
    lambda x: 10.0 ** (x.log_formed_per_kpc2 + x.derived.log_ssfr_10),
    symbol=_SFR_DENSITY % 10, colour_map="inferno", log=True)
SIGMA_SFR100 = Quantity(
    "SIGMA_SFR100", _DENSITY, "solMass/(yr kpc2)", "SFR density, last 100 Myr",
    _LOG_SFR_DENSITY % 100, "mean star formation rate of the last 100 Myr per area",
    lambda x: 10.0 ** (x.log_formed_per_kpc2 + x.derived.log_ssfr_100),
    symbol=_SFR_DENSITY % 100, colour_map="inferno", log=True)
SIGMA_STAR = Quantity(
    "SIGMA_STAR", _DENSITY, "solMass/kpc2", "Stellar mass density", _LOG_STAR_DENSITY,
    "mass of living stars per area",
    lambda x: 10.0 ** (x.log_formed_per_kpc2 + x.log_alive),
    symbol=r"$\Sigma_*$", colour_map="cividis", log=True)

# the history, age bin by age bin
MASSFRAC = Quantity(
    "MASSFRAC", _PER_BIN, "", "Mass formed", r"$\log_{10}$ mass fraction",
    "share of the formed mass that formed in the age bin",
    lambda x: x.derived.mass_fraction, symbol="fraction", colour_map="magma", log=True)
SFR = Quantity(
    "SFR", _PER_BIN, "solMass/yr", "SFR", r"$\log_{10}$(SFR / M$_\odot$ yr$^{-1}$)",
    "star formation rate in the age bin",
    lambda x: x.rates, symbol="SFR", colour_map="inferno", log=True)
MH = Quantity(
    "MH", _PER_BIN, "dex", "[M/H]", "[M/H] (dex)",
    "[M/H] of the stars of the age bin",
    lambda x: x.parameters["mh"])

# data and fit
CHI2 = Quantity(
    "CHI2", _PLANE, "", "Fit", r"reduced $\chi^2$",
    "reduced chi-square of the data about the mean of the posterior predictive",
    colour_map="cividis")
FLAG = Quantity(
    "FLAG", _PLANE, "", "Flags", "sum of bits",
    "bits that say why a spaxel is to be doubted or has no result; 0 is good")
ESS = Quantity(
    "ESS", _PLANE, "", "Draws kept", "effective sample size",
    "effective number of draws behind a spaxel whose kinematics were imposed",
    colour_map="cividis", log=True)
SNR = Quantity(
    "SNR", _PLANE, "", "Signal to noise", "S/N per pixel",
    "median signal-to-noise ratio per pixel of the spectrum",
    colour_map="cividis")
NOISE_SCALE = Quantity(
    "NOISE_SCALE", _PLANE, "", "Noise", "measured / stated noise",
    "error bars that were used over those that the file states",
    colour_map="cividis")
BINID = Quantity(
    "BINID", _PLANE, "", "Bins", "number of the bin",
    "number of the bin or aperture of the spaxel, -1 where there is none")

# names of figures alone
LOGMASS_PER_BIN = Quantity(
    "LOGMASS_PER_BIN", _FIGURE, "dex(solMass)", "Stellar mass per bin",
    r"$\log_{10}(M_*$ per bin / M$_\odot)$",
    "LOGMASS of bins of unequal sizes, where there are no areas",
    symbol="$M_*$", colour_map="cividis")
_PARAMETERS = (
    Quantity(
        "delta", _FIGURE, "", "Slope of the dust law", r"$\delta$",
        "power by which the attenuation law is tilted", colour_map="RdBu_r", symmetric=True),
    Quantity(
        "log_sigma", _FIGURE, "dex(km/s)", "Velocity dispersion",
        r"$\log_{10}(\sigma$ / km s$^{-1})$", "log10 of SIGMA", symbol=r"$\sigma$"),
    Quantity(
        "gas_log_u", _FIGURE, "", "Ionisation of the gas", r"$\log U$",
        "log10 of the ionisation parameter of the gas"),
    Quantity(
        "f_esc", _FIGURE, "", "Ionising photons lost", r"$f_\mathrm{esc}$",
        "share of the ionising photons that do not meet gas"),
)
# fmt: on


def _names(*quantities: Quantity) -> tuple[str, ...]:
    return tuple(quantity.name for quantity in quantities)


AVERAGES = _names(LOGAGE_MW, LOGAGE_LW, MH_MW, MH_LW)
"""Mean ages and metallicities of the stars."""
DUST_AND_KINEMATICS = _names(AV, V, SIGMA)
"""Scalars that are parameters of the model, not of its histories."""
PRODUCT_PARAMETERS = ("av", "velocity", "log_sigma")
"""The parameters behind `DUST_AND_KINEMATICS`."""
MASSES = _names(LOGMASS, LOGMASS_FORMED)
"""Logarithms of quantities that add up over spaxels."""
FROM_HISTORY = (*AVERAGES, *_names(T50, T90), *MASSES, *_names(ML_V, LOG_SSFR10, LOG_SSFR100))
"""Scalars that follow from a history and its mass."""
SCALARS = (*FROM_HISTORY, *DUST_AND_KINEMATICS)
"""Scalars of every posterior, in the order of the file of maps."""
INTENSIVE = (*AVERAGES, *_names(T50, T90, ML_V), *DUST_AND_KINEMATICS)
"""Scalars that need no mass: known of mocks, and averaged over the members of a region."""
SURFACE_DENSITIES = _names(SIGMA_SFR10, SIGMA_SFR100, SIGMA_STAR)
"""Quantities per area, in the order of the file of maps."""
PER_BIN = _names(MASSFRAC, SFR, MH)
"""Quantities per age bin, in the order of the file of maps."""
CORNER = (*AVERAGES, *DUST_AND_KINEMATICS)
"""Scalars of a corner plot."""
RECOVERY = (*CORNER, LOGMASS.name)
"""Scalars that are compared with the truth of a mock galaxy."""
OVERVIEW = _names(LOGMASS, AV, V, SIGMA, T50, ML_V)
"""Maps of mass, dust and kinematics, drawn together."""
DENSITIES = _names(SIGMA_STAR, SIGMA_SFR10, SIGMA_SFR100, LOG_SSFR100)
"""Maps of mass and star formation per area, drawn together."""
PROFILE = (*AVERAGES, *_names(SIGMA_STAR, SIGMA_SFR100, LOG_SSFR100, AV))
"""Scalars of a figure of radial profiles."""

_ALL = (
    *(LOGAGE_MW, LOGAGE_LW, MH_MW, MH_LW, T50, T90, LOGMASS, LOGMASS_FORMED, ML_V),
    *(LOG_SSFR10, LOG_SSFR100, AV, V, SIGMA, SIGMA_SFR10, SIGMA_SFR100, SIGMA_STAR),
    *(MASSFRAC, SFR, MH, CHI2, FLAG, ESS, SNR, NOISE_SCALE, BINID),
)
PRODUCTS = {quantity.name: quantity for quantity in _ALL}
"""Quantities of files of maps, by name."""
QUANTITIES = {
    **PRODUCTS,
    LOGMASS_PER_BIN.name: LOGMASS_PER_BIN,
    **{quantity.key: quantity for quantity in (*_ALL, *_PARAMETERS)},
}
"""Quantities that figures know: products, and parameters and derived quantities by their keys."""


def evaluate(names: Iterable[str], inputs: QuantityInputs) -> dict[str, Tensor]:
    """Compute quantities from draws of histories.

    Parameters
    ----------
    names
        Names of products that have a formula, such as `SCALARS`.
    inputs
        Draws of histories, with what the formulas of these names need.

    Returns
    -------
    dict of str to Tensor
        Values in the order of the names, with the leading shape of the inputs.
    """
    formulas = ((name, PRODUCTS[name].formula) for name in names)
    return {name: formula(inputs) for name, formula in formulas if formula is not None}


def describe(name: str) -> Quantity:
    """Look up how a quantity is shown; an unknown one goes by its own name.

    Parameters
    ----------
    name
        Name of a product, a parameter or a derived quantity.

    Returns
    -------
    Quantity
        Title, label and colours of the quantity.

    Examples
    --------
    >>> describe("T50").label == describe("t50").label, describe("extra").label
    (True, 'extra')
    """
    return QUANTITIES.get(name) or Quantity(name, Kind.FIGURE, "", title=name, label=name)


def unit_of(name: str) -> str | None:
    """Unit of a FITS extension or table column.

    Parameters
    ----------
    name
        A product (`SFR`), or one of its statistics (`SFR_P16`).

    Returns
    -------
    str or None
        Unit as FITS writes it, empty for pure numbers; None for other names.

    Examples
    --------
    >>> unit_of("SFR_P16"), unit_of("MASSFRAC")
    ('solMass/yr', '')
    """
    product, _, statistic = name.rpartition("_")
    if statistic.lower() not in STATISTICS:
        product = name
    return PRODUCTS[product].unit if product in PRODUCTS else None
