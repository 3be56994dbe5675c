"""How each quantity is called, drawn and coloured in every figure."""

from __future__ import annotations

from typing import NamedTuple


class Quantity(NamedTuple):
    """How a quantity is shown.

    Attributes
    ----------
    title
        In words, for rows and columns.
    label
        Symbol with its unit, for axes and colour bars.
    colour_map
        Name of a matplotlib colour map.
    symmetric
        Whether the colours are symmetric about zero.
    log
        Whether maps show log10 of it (and its uncertainty in dex).
    symbol
        Short name where it is not what stands before the unit in `label`.
    """

    title: str
    label: str
    colour_map: str = "viridis"
    symmetric: bool = False
    log: bool = False
    symbol: str = ""

    @property
    def error_label(self) -> str:
        """Label of its uncertainty: in dex where it is logarithmic, else in its own unit."""
        name, _, unit = self.label.partition(" (")
        if self.log or "log_{10}" in self.label:
            unit = "dex)"
        return f"1σ error of {self.symbol or name}" + (f" ({unit}" if unit else "")


_SSFR = r"$\log_{10}$(sSFR$_{%d}$ / yr$^{-1}$)"
_SIGMA_SFR = r"$\log_{10}$($\Sigma_{\mathrm{SFR},%d}$ / M$_\odot$ yr$^{-1}$ kpc$^{-2}$)"
_FORMED = r"$\log_{10}(M_\mathrm{formed}$ / M$_\odot)$"
_SIGMA_STAR = r"$\log_{10}$($\Sigma_*$ / M$_\odot$ kpc$^{-2}$)"

_SCALARS = {
    "LOGAGE_MW": Quantity(
        "Age, mass-weighted", r"$\log_{10}$(age$_M$ / yr)", "magma", symbol="age$_M$"
    ),
    "LOGAGE_LW": Quantity(
        "Age, light-weighted", r"$\log_{10}$(age$_L$ / yr)", "magma", symbol="age$_L$"
    ),
    "MH_MW": Quantity("[M/H], mass-weighted", r"[M/H]$_M$ (dex)"),
    "MH_LW": Quantity("[M/H], light-weighted", r"[M/H]$_L$ (dex)"),
    "T50": Quantity("Half of the mass formed", r"$t_{50}$ (Gyr)", "magma"),
    "T90": Quantity("90 % of the mass formed", r"$t_{90}$ (Gyr)", "magma"),
    "AV": Quantity("Dust", r"$A_V$ (mag)", "inferno"),
    "DELTA": Quantity("Slope of the dust law", r"$\delta$", "RdBu_r", symmetric=True),
    "V": Quantity("Velocity", r"$v$ (km s$^{-1}$)", "RdBu_r", symmetric=True),
    "SIGMA": Quantity("Velocity dispersion", r"$\sigma$ (km s$^{-1}$)", "cividis"),
    "LOGMASS": Quantity("Stellar mass", r"$\log_{10}(M_*$ / M$_\odot)$", "cividis", symbol="$M_*$"),
    "LOGMASS_PER_BIN": Quantity(
        "Stellar mass per bin", r"$\log_{10}(M_*$ per bin / M$_\odot)$", "cividis", symbol="$M_*$"
    ),
    "LOGMASS_FORMED": Quantity("Formed mass", _FORMED, "cividis", symbol=r"$M_\mathrm{formed}$"),
    "LOG_SSFR10": Quantity("sSFR, last 10 Myr", _SSFR % 10, "inferno", symbol="sSFR$_{10}$"),
    "LOG_SSFR100": Quantity("sSFR, last 100 Myr", _SSFR % 100, "inferno", symbol="sSFR$_{100}$"),
    "SIGMA_SFR10": Quantity(
        "SFR density, last 10 Myr",
        _SIGMA_SFR % 10,
        "inferno",
        log=True,
        symbol=r"$\Sigma_{\mathrm{SFR},10}$",
    ),
    "SIGMA_SFR100": Quantity(
        "SFR density, last 100 Myr",
        _SIGMA_SFR % 100,
        "inferno",
        log=True,
        symbol=r"$\Sigma_{\mathrm{SFR},100}$",
    ),
    "SIGMA_STAR": Quantity(
        "Stellar mass density", _SIGMA_STAR, "cividis", log=True, symbol=r"$\Sigma_*$"
    ),
    "ML_V": Quantity("Mass-to-light ratio", r"$M_*/L_V$ (solar)", "cividis"),
    "CHI2": Quantity("Fit", r"reduced $\chi^2$", "cividis"),
    "NOISE_SCALE": Quantity("Noise", "measured / stated noise", "cividis"),
    "ESS": Quantity("Draws kept", "effective sample size", "cividis", log=True),
    "SNR": Quantity("Signal to noise", "S/N per pixel", "cividis"),
}

_PER_BIN = {
    "MASSFRAC": Quantity(
        "Mass formed", r"$\log_{10}$ mass fraction", "magma", log=True, symbol="fraction"
    ),
    "SFR": Quantity(
        "SFR", r"$\log_{10}$(SFR / M$_\odot$ yr$^{-1}$)", "inferno", log=True, symbol="SFR"
    ),
    "MH": Quantity("[M/H]", "[M/H] (dex)"),
}

_PARAMETERS = {
    "velocity": _SCALARS["V"],
    "log_sigma": Quantity(
        "Velocity dispersion", r"$\log_{10}(\sigma$ / km s$^{-1})$", symbol=r"$\sigma$"
    ),
    "gas_log_u": Quantity("Ionisation of the gas", r"$\log U$"),
    "f_esc": Quantity("Ionising photons lost", r"$f_\mathrm{esc}$"),
    "log_age_mw": _SCALARS["LOGAGE_MW"],
    "log_age_lw": _SCALARS["LOGAGE_LW"],
    "log_ssfr_10": _SCALARS["LOG_SSFR10"],
    "log_ssfr_100": _SCALARS["LOG_SSFR100"],
}

QUANTITIES: dict[str, Quantity] = {
    **_SCALARS,
    **_PER_BIN,
    **{name.lower(): quantity for name, quantity in _SCALARS.items()},
    **_PARAMETERS,
}
"""Known quantities: map extensions (upper case), parameters and derived quantities (lower case)."""


def describe(name: str) -> Quantity:
    """How to show a quantity; an unknown one goes by its own name.

    Parameters
    ----------
    name : str
        Name of a map, a parameter or a derived quantity.

    Returns
    -------
    Quantity
        Its description.
    """
    return QUANTITIES.get(name, Quantity(name, name))


def age_label(low_gyr: float, high_gyr: float) -> str:
    """Name an age bin.

    Parameters
    ----------
    low_gyr, high_gyr : float
        Edges in Gyr.

    Returns
    -------
    str
        In Myr below 1 Gyr.

    Examples
    --------
    >>> age_label(0.0, 0.01), age_label(0.63, 1.0), age_label(10.5, 13.5)
    ('0–10 Myr', '0.63–1 Gyr', '10.5–13.5 Gyr')
    """
    if high_gyr < 1.0:
        return f"{1e3 * low_gyr:.3g}–{1e3 * high_gyr:.3g} Myr"
    return f"{low_gyr:.3g}–{high_gyr:.3g} Gyr"
