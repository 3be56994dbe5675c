"""Priors of dust, kinematics and ionised gas."""

from __future__ import annotations

import math
from dataclasses import dataclass

from priors.marginals import Marginal, TruncatedExponential, TruncatedNormal, Uniform

GAS_LOG_U, ESCAPE_FRACTION = "gas_log_u", "f_esc"


@dataclass(frozen=True)
class Nuisance:
    """One parameter beside the history: its name, unit, label and independent prior.

    Parameters
    ----------
    name : str
        Name of the parameter, unique in a space.
    unit : str
        Unit in FITS notation, "" when dimensionless.
    label : str
        Label of the parameter in figures, may hold mathtext.
    marginal : Marginal
        Prior density of the parameter, which depends on no other.
    """

    name: str
    unit: str
    label: str
    marginal: Marginal


def default_nuisances() -> tuple[Nuisance, ...]:
    """List the default nuisance parameters, in the order of the columns of theta.

    Returns
    -------
    tuple of Nuisance
        Parameters of dust and kinematics (`stellar_nuisances`), then those of the gas
        (`gas_nuisances`).
    """
    return (*stellar_nuisances(), *gas_nuisances())


def gas_nuisances() -> tuple[Nuisance, ...]:
    """List the two parameters of the gas around young stars.

    Returns
    -------
    tuple of Nuisance
        ``gas_log_u`` (log10 of the ionisation parameter; H II regions lie around -3 [1]_) and
        ``f_esc``, the share of the ionising photons that make no light in the spaxel: they escape,
        or dust takes them, or their gas lies elsewhere.

    References
    ----------
    .. [1] Groves et al. 2023, MNRAS 520, 4902 (PHANGS-MUSE).
    """
    return (
        Nuisance(GAS_LOG_U, "", r"$\log U$", TruncatedNormal(-3.0, 0.4, low=-4.0, high=-2.0)),
        Nuisance(ESCAPE_FRACTION, "", r"$f_\mathrm{esc}$", Uniform(0.0, 1.0)),
    )


def stellar_nuisances() -> tuple[Nuisance, ...]:
    """List the parameters of dust and kinematics, in the order of the columns of theta.

    Returns
    -------
    tuple of Nuisance
        ``av`` (V-band attenuation, mag), ``delta`` (slope added to the Calzetti curve),
        ``velocity`` (km/s, relative to the systemic redshift), ``log_sigma`` (log10 of the
        velocity dispersion in km/s).
    """
    return (
        Nuisance("av", "mag", r"$A_V$", TruncatedExponential(scale=0.6, high=4.0)),
        Nuisance("delta", "", r"$\delta$", TruncatedNormal(0.0, 0.2, low=-0.7, high=0.4)),
        Nuisance("velocity", "km/s", r"$v$", TruncatedNormal(0.0, 150.0, low=-350.0, high=350.0)),
        Nuisance("log_sigma", "log10(km/s)", r"$\log\sigma$", Uniform(1.0, math.log10(350.0))),
    )
