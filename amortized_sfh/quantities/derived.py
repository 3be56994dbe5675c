"""Quantities that astronomers read, computed from histories."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from priors.ages import AgeBins
from simulators.constants import CM_PER_MPC, SOLAR_LUMINOSITY_CGS
from simulators.forward.simulator import Simulator

#: V-band luminosity of the Sun per Å over its bolometric one (M_V = 4.81 mag, Vega; zero point
#: 3.63e-9 erg/s/cm2/Å; Willmer 2018, ApJS 236, 47; Bessell & Murphy 2012, PASP 124, 140).
SOLAR_V_PER_AA = (
    3.63e-9 * 10.0 ** (-0.4 * 4.81) * 4.0 * math.pi * (CM_PER_MPC / 1e5) ** 2 / SOLAR_LUMINOSITY_CGS
)

_RECENT_YR = (1e7, 1e8)


class Derived(NamedTuple):
    """Quantities of n histories, per formed solar mass; light is intrinsic V-band light.

    Attributes
    ----------
    mass_fraction
        Share of the formed mass per bin, shape (n, n_bins).
    log_age_mw, log_age_lw
        Mass- and light-weighted mean of log10(age / yr), shape (n,).
    mh_mw, mh_lw
        Mass- and light-weighted mean [M/H], shape (n,).
    t50, t90
        Lookback times in Gyr when 50 and 90 % of the mass had formed, shape (n,).
    ml_v
        Surviving mass over V-band luminosity, solar units, shape (n,).
    alive
        Surviving share of the formed mass, shape (n,).
    log_ssfr_10, log_ssfr_100
        log10 of the mean SFR of the last 10 and 100 Myr per formed mass, 1/yr, shape (n,).
    """

    mass_fraction: Tensor
    log_age_mw: Tensor
    log_age_lw: Tensor
    mh_mw: Tensor
    mh_lw: Tensor
    t50: Tensor
    t90: Tensor
    ml_v: Tensor
    alive: Tensor
    log_ssfr_10: Tensor
    log_ssfr_100: Tensor


class Composite(NamedTuple):
    """Stars of n histories, or of n mixtures of histories, bin by bin; each of shape (n, n_bins).

    Attributes
    ----------
    mass_fraction
        Share of the formed mass.
    light
        V-band light, L☉/Å per formed M☉ of the whole.
    alive
        Surviving mass per formed mass of the whole.
    mh_by_mass, mh_by_light
        [M/H] of the bin, mass- and light-weighted; the same for a single history.
    """

    mass_fraction: Tensor
    light: Tensor
    alive: Tensor
    mh_by_mass: Tensor
    mh_by_light: Tensor


def derive(simulator: Simulator, theta: Tensor) -> Derived:
    """Compute the derived quantities of histories.

    Parameters
    ----------
    simulator
        Simulator that supplies luminosity and surviving mass of the populations.
    theta
        Bounded parameters, shape (n, n_param).

    Returns
    -------
    Derived
        Quantities of n histories, on the device of `theta`.
    """
    populations = simulator.populations(theta)
    mass, mh = populations.mass_fraction, theta[:, simulator.space.mh]
    light, alive = mass * populations.lum_v, mass * populations.mass_alive
    return derive_composite(Composite(mass, light, alive, mh, mh), simulator.bins)


def derive_composite(stars: Composite, bins: AgeBins) -> Derived:
    """Compute the derived quantities of mixtures of histories.

    Parameters
    ----------
    stars
        Mass, light and metallicity of the stars in each age bin, n mixtures.
    bins
        Age bins of the mixtures.

    Returns
    -------
    Derived
        Quantities of n mixtures, on the device of the stars.
    """
    mass, light = stars.mass_fraction, stars.light
    total_light = light.sum(1)
    log_age = bins.log_age_yr.to(mass)
    alive = stars.alive.sum(1)
    edges_yr = torch.tensor(bins.edges_gyr, dtype=mass.dtype, device=mass.device) * 1e9
    t50, t90 = (_lookback(mass, edges_yr, share) for share in (0.5, 0.9))
    ssfr = [torch.log10(_formed_since(mass, edges_yr, t) / t) for t in _RECENT_YR]
    return Derived(
        mass_fraction=mass,
        log_age_mw=mass @ log_age,
        log_age_lw=(light @ log_age) / total_light,
        mh_mw=(mass * stars.mh_by_mass).sum(1),
        mh_lw=(light * stars.mh_by_light).sum(1) / total_light,
        t50=t50,
        t90=t90,
        ml_v=alive / (total_light / SOLAR_V_PER_AA),
        alive=alive,
        log_ssfr_10=ssfr[0],
        log_ssfr_100=ssfr[1],
    )


def _lookback(mass: Tensor, edges_yr: Tensor, share: float) -> Tensor:
    """Lookback time in Gyr at which a share of the mass had formed (SFR constant in a bin)."""
    # mass formed since the younger edge of each bin, youngest first
    since = torch.cat([torch.zeros_like(mass[:, :1]), mass.cumsum(1)], dim=1)
    target = 1.0 - share
    index = (since[:, 1:-1] < target).sum(1)
    rows = torch.arange(len(mass), device=mass.device)
    part = ((target - since[rows, index]) / mass[rows, index].clamp_min(1e-30)).clamp(0.0, 1.0)
    width = edges_yr[index + 1] - edges_yr[index]
    return (edges_yr[index] + part * width) / 1e9


def _formed_since(mass: Tensor, edges_yr: Tensor, time_yr: float) -> Tensor:
    """Share of the mass formed in the last `time_yr` years."""
    overlap = (edges_yr[1:].clamp_max(time_yr) - edges_yr[:-1]).clamp_min(0.0)
    return (mass * (overlap / torch.diff(edges_yr))).sum(1).clamp_min(1e-30)
