"""The stars, dust and gas of a mock galaxy: from the maps of its structure to maps of theta.

Histories are delayed exponentials, early and short in the bulge, later and longer towards the
outside, with an episode a Gyr ago and the last few 10⁸ years set by bar and arms; metallicity rises
with time and falls outwards. Both carry ripples from bin to bin and from place to place. Where the
space has gas, its ionisation varies mildly about log U = -3, and fewer ionising photons are lost
where star formation is strong.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from priors.ages import AgeBins, log_sfr_to_steps
from priors.families.nuisance import ESCAPE_FRACTION, GAS_LOG_U
from priors.space import ParameterSpace
from simulators.mock_galaxy.structure import GalaxyShape, Structure, smooth_fields

_POINTS_PER_BIN = 32
_PEAK_SPEED_KMS = 200.0
_SFR_RIPPLE_DEX, _MH_RIPPLE_DEX = 0.08, 0.04
_NEEDED = ("av", "delta", "velocity", "log_sigma")
_GAS = (GAS_LOG_U, ESCAPE_FRACTION)


def galaxy_theta(
    shape: GalaxyShape,
    structure: Structure,
    space: ParameterSpace,
    bins: AgeBins,
    generator: torch.Generator,
) -> Tensor:
    """Return the true parameters of every spaxel.

    Parameters
    ----------
    shape
        Place, orientation and sizes of the galaxy.
    structure
        Smooth maps of the galaxy, each of shape (n_side, n_side).
    space
        Order and bounds of the parameters.
    bins
        Age bins over which the histories are averaged.
    generator
        Random generator of clumps and ripples, on the CPU.

    Returns
    -------
    Tensor
        Parameters, shape (n_side, n_side, n_param), float32, inside the bounds.

    Raises
    ------
    ValueError
        If the space has other parameters than the galaxy, or does not fit the bins.
    """
    others = set(space.names[space.nuisance])
    if others not in ({*_NEEDED}, {*_NEEDED, *_GAS}) or space.n_bins != bins.n_bins:
        raise ValueError(
            f"the space has {space.n_bins} bins and the parameters {sorted(others)}; the mock "
            f"galaxy has {bins.n_bins} bins and {_NEEDED}, with or without {_GAS}: use such a space"
        )
    n_side, n_bins = len(structure.radius_kpc), bins.n_bins
    fields = smooth_fields(shape, 3 + 2 * n_bins, n_side, generator)
    young, dusty, moving = fields[:3]
    sfr_ripple, mh_ripple = fields[3:].movedim(0, -1).split(n_bins, dim=-1)
    theta = torch.empty(n_side, n_side, space.n_param, dtype=torch.float64)
    log_sfr = torch.log10(_sfr(structure, young, bins)) + _SFR_RIPPLE_DEX * sfr_ripple
    theta[..., space.sfh] = log_sfr_to_steps(log_sfr)
    theta[..., space.mh] = _metallicity(structure, bins) + _MH_RIPPLE_DEX * mh_ripple
    values = (*_dust(structure, dusty), *_kinematics(shape, structure, moving))
    known = dict(zip(_NEEDED, values, strict=True))
    if GAS_LOG_U in others:
        # drawn last, so that the stars are the same with and without gas
        known |= zip(_GAS, _gas(structure, smooth_fields(shape, 2, n_side, generator)), strict=True)
    for name, value in known.items():
        theta[..., space.index(name)] = value
    return _inside(theta.float(), space)


def _inside(theta: Tensor, space: ParameterSpace) -> Tensor:
    """The parameters, if they keep the bounds."""
    inside = ((theta > space.low) & (theta < space.high)).flatten(0, 1).all(0)
    names = [name for name, good in zip(space.names, inside.tolist(), strict=True) if not good]
    if names:
        raise ValueError(
            f"the mock galaxy leaves the bounds of {names}: use a space at least as wide as the "
            "default one"
        )
    return theta


def _sfr(structure: Structure, young: Tensor, bins: AgeBins) -> Tensor:
    """Mean SFR per bin up to a constant, shape (n_side, n_side, n_bins)."""
    time = bins.sample_times_gyr(_POINTS_PER_BIN).flatten()
    span, radius = bins.edges_gyr[-1], structure.radius_kpc[..., None]
    disc = _delayed(time, (0.94 - 0.012 * radius) * span, (3.0 + 0.6 * radius).clamp_max(9.0))
    bulge = _delayed(time, torch.tensor(0.98 * span), torch.tensor(1.2))
    bar = _delayed(time, torch.tensor(0.93 * span), torch.tensor(2.2))
    sfr = torch.zeros(*structure.disc.shape, len(time), dtype=torch.float64)
    edges = torch.tensor(bins.edges_gyr, dtype=torch.float64)
    width = edges.diff().repeat_interleave(_POINTS_PER_BIN) / _POINTS_PER_BIN
    for mass, history in ((structure.disc, disc), (structure.bulge, bulge), (structure.bar, bar)):
        sfr += mass[..., None] * history / (history * width).sum(-1, keepdim=True)
    # finite everywhere, so that its logarithm exists: 0.1 % of the mean rate never stops
    sfr = sfr + 1e-3 * (sfr * width).sum(-1, keepdim=True) / span
    sfr = sfr * torch.pow(10.0, _recent_dex(structure, young)[..., None] * torch.exp(-time / 0.12))
    sfr = sfr * torch.pow(10.0, 0.25 * torch.exp(-0.5 * ((time / 0.9).log10() / 0.2) ** 2))
    return sfr.unflatten(-1, (bins.n_bins, _POINTS_PER_BIN)).mean(-1)


def _delayed(time: Tensor, onset: Tensor, tau: Tensor) -> Tensor:
    """Delayed exponential s exp(-s / tau) of the time s since onset, in Gyr."""
    since = (onset - time).clamp_min(0.0)
    return since * torch.exp(-since / tau)


def _recent_dex(structure: Structure, young: Tensor) -> Tensor:
    """Excess in dex of the present SFR over the smooth history, shape (n_side, n_side)."""
    bulge_share = structure.bulge / (structure.bulge + structure.disc + structure.bar)
    arm = structure.arm * (1.15 + 0.25 * young)
    ends = 0.8 * structure.bar_ends
    quiet = 0.9 * structure.bar_shape * (1.0 - structure.bar_ends) * (1.0 - bulge_share)
    return torch.maximum(arm, ends) - 0.5 - 0.5 * quiet + 0.12 * young


def _metallicity(structure: Structure, bins: AgeBins) -> Tensor:
    """[M/H] per bin, shape (n_side, n_side, n_bins)."""
    total = structure.bulge + structure.disc + structure.bar
    disc_share = (structure.disc / total)[..., None]
    now = 0.22 - 0.04 * structure.radius_kpc + 0.03 * structure.arm
    edges = torch.tensor(bins.edges_gyr, dtype=torch.float64)
    x = 0.5 * (edges[1:] + edges[:-1]) / edges[-1]
    rise = (0.20 + 0.35 * disc_share) * x + 0.3 * x**6
    return now[..., None] - rise


def _dust(structure: Structure, dusty: Tensor) -> tuple[Tensor, Tensor]:
    """A_V in mag, and the slope of the attenuation curve, flatter where there is more dust."""
    smooth = 0.15 + 0.55 * torch.exp(-structure.radius_kpc / 2.5) + 0.3 * structure.arm
    lanes = 1.1 * structure.lane * torch.exp(-structure.radius_kpc / 12.0)
    av = (smooth + lanes) * torch.exp(0.25 * dusty)
    return av, -0.25 + 0.3 * torch.tanh(0.6 * av)


def _kinematics(shape: GalaxyShape, structure: Structure, moving: Tensor) -> tuple[Tensor, Tensor]:
    """Velocity in km/s with streaming along the bar, and log10 of the dispersion in km/s."""
    radius, azimuth = structure.radius_kpc, structure.azimuth
    sin_i = math.sin(math.radians(shape.inclination_deg))
    rotation = _PEAK_SPEED_KMS * radius / torch.sqrt(radius**2 + 0.9**2) * torch.cos(azimuth)
    streaming = 30.0 * structure.bar_shape * torch.sin(azimuth) * (radius / (radius + 0.5))
    velocity = sin_i * (rotation - streaming) + 4.0 * moving
    sigma = 32.0 + 15.0 * torch.exp(-radius / 5.0) + 75.0 * torch.exp(-radius / 1.2)
    return velocity, torch.log10(sigma + 15.0 * structure.bar_shape)


def _gas(structure: Structure, fields: Tensor) -> tuple[Tensor, Tensor]:
    """Ionisation, rising outwards and in arms, and the share of ionising photons that are lost."""
    forming = torch.maximum(structure.arm, structure.bar_ends)
    log_u = -3.1 + 0.015 * structure.radius_kpc + 0.1 * forming + 0.08 * fields[0]
    return log_u, 0.52 - 0.15 * forming + 0.05 * torch.tanh(fields[1])
