"""The face of a mock barred spiral: disc, bulge, bar, arms and dust lanes on the plane of the sky.

Shapes only; what the stars there are like is in :mod:`simulators.mock_galaxy.history`. The default
has the distance, redshift, inclination, position angles and length of the bar of NGC 3627.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

_ARCSEC = math.pi / 180.0 / 3600.0
_CLUMP_KPC = 0.35


@dataclass(frozen=True, kw_only=True)
class GalaxyShape:
    """Place, orientation and sizes of the galaxy; lengths in kpc of its plane unless named.

    Parameters
    ----------
    name
        Name of the galaxy that is written in products.
    ra_deg, dec_deg
        Right ascension and declination of the centre, in degrees.
    redshift, distance_mpc
        Systemic redshift, and luminosity distance in Mpc.
    inclination_deg, position_angle_deg, bar_angle_deg
        Inclination; position angles of the receding major axis and of the bar on the sky, from
        north to east; all in degrees.
    field_arcsec
        Side of the square field, in arcsec.
    disc_length_kpc, bulge_length_kpc, bar_length_kpc
        Exponential scale lengths of disc and bulge, semi-major axis of the bar.
    pitch_deg, arm_width_kpc
        Pitch angles of the two arms in degrees, and their width at the end of the bar.
    disc_density, bulge_density, bar_density
        Central surface densities of the formed mass, M☉/pc² of the plane.

    References
    ----------
    Anand et al. (2021, MNRAS 501, 3621) for the distance; Lang et al. (2020, ApJ 897, 122) for the
    orientation.
    """

    name: str = "NGC 3627 (mock)"
    ra_deg: float = 170.0625
    dec_deg: float = 12.9915
    redshift: float = 0.00243
    distance_mpc: float = 11.32
    inclination_deg: float = 57.0
    position_angle_deg: float = 173.0
    bar_angle_deg: float = 161.0
    field_arcsec: float = 264.0
    disc_length_kpc: float = 2.6
    bulge_length_kpc: float = 0.4
    bar_length_kpc: float = 3.2
    pitch_deg: tuple[float, float] = (24.0, 29.0)
    arm_width_kpc: float = 0.6
    disc_density: float = 2000.0
    bulge_density: float = 20000.0
    bar_density: float = 2400.0

    @property
    def kpc_per_arcsec(self) -> float:
        """Size of one arcsec at the galaxy."""
        return self.distance_mpc * 1e3 * _ARCSEC


class Structure(NamedTuple):
    """Maps of the galaxy, all of shape (n_side, n_side), float64; north is up, east is left.

    Attributes
    ----------
    radius_kpc, azimuth
        Polar coordinates in the plane; the azimuth in rad from the receding major axis, growing in
        the sense of rotation.
    disc, bulge, bar
        Formed mass of the components, M☉ per spaxel.
    arm
        Strength of the arms, about 0 to 1.
    lane
        Strength of the dust lanes along bar and arms, about 0 to 1.
    bar_shape
        1 inside the bar, 0 outside.
    bar_ends
        1 where bar and arms meet.
    """

    radius_kpc: Tensor
    azimuth: Tensor
    disc: Tensor
    bulge: Tensor
    bar: Tensor
    arm: Tensor
    lane: Tensor
    bar_shape: Tensor
    bar_ends: Tensor


def galaxy_structure(shape: GalaxyShape, n_side: int) -> Structure:
    """Lay out the smooth maps of a galaxy.

    Parameters
    ----------
    shape
        Place, orientation and sizes of the galaxy.
    n_side
        Number of spaxels on each side of the field.

    Returns
    -------
    Structure
        Maps of shape (n_side, n_side).
    """
    major, minor, sky_radius = _sky_coordinates(shape, n_side)
    cos_i = math.cos(math.radians(shape.inclination_deg))
    x, y = major, minor / cos_i
    radius, azimuth = torch.hypot(x, y), torch.atan2(y, x)
    on_sky = math.radians(shape.bar_angle_deg - shape.position_angle_deg)
    bar_azimuth = math.atan2(math.sin(on_sky) / cos_i, math.cos(on_sky))
    along = x * math.cos(bar_azimuth) + y * math.sin(bar_azimuth)
    across = y * math.cos(bar_azimuth) - x * math.sin(bar_azimuth)
    bar_profile, bar_shape = _bar(along, across, shape.bar_length_kpc)
    arm, arm_lane = _arms(radius, azimuth - bar_azimuth, shape)
    beyond = (along.abs() - shape.bar_length_kpc) / 0.5
    ends = torch.exp(-0.5 * (beyond**2 + (across / 0.6) ** 2))
    # projection puts 1 / cos(i) times the surface of the plane into every spaxel
    area_pc2 = (shape.field_arcsec / n_side * shape.kpc_per_arcsec * 1e3) ** 2
    disc = shape.disc_density * torch.exp(-radius / shape.disc_length_kpc) * (1.0 + 0.8 * arm)
    bulge = shape.bulge_density * torch.exp(-sky_radius / shape.bulge_length_kpc)
    return Structure(
        radius_kpc=radius,
        azimuth=azimuth,
        disc=disc * area_pc2 / cos_i,
        bulge=bulge * area_pc2,
        bar=shape.bar_density * bar_profile * area_pc2 / cos_i,
        arm=arm,
        lane=torch.maximum(arm_lane, _bar_lane(along, across, shape.bar_length_kpc)),
        bar_shape=bar_shape,
        bar_ends=ends,
    )


def _sky_coordinates(shape: GalaxyShape, n_side: int) -> tuple[Tensor, Tensor, Tensor]:
    """Offsets along the major and minor axis on the sky, and the bulge's radius, in kpc."""
    spaxel = shape.field_arcsec / n_side * shape.kpc_per_arcsec
    offset = (torch.arange(n_side, dtype=torch.float64) - 0.5 * (n_side - 1)) * spaxel
    north, east = offset[:, None], -offset[None, :]
    angle = math.radians(shape.position_angle_deg)
    major = north * math.cos(angle) + east * math.sin(angle)
    minor = east * math.cos(angle) - north * math.sin(angle)
    return major, minor, torch.hypot(major, minor / 0.8)


def _bar(along: Tensor, across: Tensor, length: float) -> tuple[Tensor, Tensor]:
    """Density profile of the bar, and its footprint."""
    m = ((along / length).abs() ** 2.5 + (across / (0.28 * length)).abs() ** 2.5) ** 0.4
    footprint = torch.sigmoid((1.0 - m) / 0.1)
    return torch.exp(-0.8 * m) * footprint, footprint


def _arms(radius: Tensor, angle: Tensor, shape: GalaxyShape) -> tuple[Tensor, Tensor]:
    """Two trailing logarithmic spirals from the ends of the bar, and the lanes on their inside."""
    arms, lanes = [], []
    window = torch.sigmoid((radius / shape.bar_length_kpc - 0.85) / 0.05)
    window = window * torch.exp(-((radius / 11.0) ** 4))
    turn = torch.log(radius.clamp_min(1e-3) / shape.bar_length_kpc)
    width = shape.arm_width_kpc * (0.75 + 0.08 * radius)
    sides = (0.0, math.pi)
    for side, strength, pitch_deg in zip(sides, (1.0, 0.8), shape.pitch_deg, strict=True):
        pitch = math.radians(pitch_deg)
        phase = angle - side + turn / math.tan(pitch)
        phase = torch.remainder(phase + math.pi, 2.0 * math.pi) - math.pi
        distance = radius * phase * math.sin(pitch)
        arms.append(strength * window * torch.exp(-0.5 * (distance / width) ** 2))
        inside = distance + 0.9 * width
        lanes.append(strength * window * torch.exp(-0.5 * (inside / (0.5 * width)) ** 2))
    return torch.maximum(*arms), torch.maximum(*lanes)


def _bar_lane(along: Tensor, across: Tensor, length: float) -> Tensor:
    """Two straight lanes on the leading edges of the bar."""
    leading = 0.09 * length * torch.tanh(along / (0.15 * length))
    ridge = torch.exp(-0.5 * ((across - leading) / (0.06 * length)) ** 2)
    return 0.9 * ridge * torch.sigmoid((length - along.abs()) / 0.15)


def smooth_fields(
    shape: GalaxyShape, n_fields: int, n_side: int, generator: torch.Generator
) -> Tensor:
    """Draw independent Gaussian random fields, smooth over a few hundred parsecs.

    Parameters
    ----------
    shape
        Galaxy whose field and distance set the scale of the smoothing.
    n_fields, n_side
        Number of fields, and of spaxels on each side of them.
    generator
        Random generator, on the CPU.

    Returns
    -------
    Tensor
        Fields of mean 0 and variance 1, shape (n_fields, n_side, n_side), float64.
    """
    white = torch.randn(n_fields, n_side, n_side, generator=generator, dtype=torch.float64)
    width = _CLUMP_KPC / (shape.field_arcsec * shape.kpc_per_arcsec)
    k = torch.fft.fftfreq(n_side, dtype=torch.float64) * n_side
    damping = torch.exp(-2.0 * (math.pi * width) ** 2 * (k[:, None] ** 2 + k[None, :] ** 2))
    fields = torch.fft.ifft2(torch.fft.fft2(white) * damping).real
    fields = fields - fields.mean((1, 2), keepdim=True)
    return fields / fields.std((1, 2), keepdim=True)
