"""Redshifts and velocities put together as the Doppler shifts that they are.

Wavelengths multiply: a velocity v relative to a galaxy at redshift z is seen at
(1 + z)(1 + v/c) - 1. Velocities mean c Δλ/λ throughout the package; pPXF's, c ln(1 + Δλ/λ), are
brought to it by :func:`velocity_from_log_shift`. All functions take numbers, arrays and tensors.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from torch import Tensor

from simulators.constants import SPEED_OF_LIGHT_KMS

_Number = TypeVar("_Number", float, np.ndarray, Tensor)


def shift_redshift(redshift: float, velocity_kms: _Number) -> _Number:
    """Return the redshift of what moves within a galaxy.

    Parameters
    ----------
    redshift : float
        Redshift of the galaxy.
    velocity_kms : float, ndarray or Tensor
        Velocity relative to it, in km/s.

    Returns
    -------
    float, ndarray or Tensor
        Redshift (1 + z)(1 + v/c) - 1, of the type and shape of ``velocity_kms``.

    Examples
    --------
    >>> round(shift_redshift(0.01, 299.792458), 8)
    0.01101
    """
    # the products are written out: 1 + z would cost single precision three digits of z
    beta = velocity_kms / SPEED_OF_LIGHT_KMS
    return redshift + beta + redshift * beta


def add_velocities(first_kms: _Number, second_kms: _Number) -> _Number:
    """Return the velocity of something that moves at the second within a frame at the first.

    Parameters
    ----------
    first_kms, second_kms : float, ndarray or Tensor
        Velocity of the frame, and the velocity within it, in km/s; shapes broadcast.

    Returns
    -------
    float, ndarray or Tensor
        Velocity c [(1 + v1/c)(1 + v2/c) - 1] in km/s.

    Examples
    --------
    >>> round(add_velocities(250.0, 100.0), 4)
    350.0834
    """
    return first_kms + second_kms + first_kms * second_kms / SPEED_OF_LIGHT_KMS


def relative_velocity(velocity_kms: _Number, frame_kms: _Number) -> _Number:
    """Return a velocity as seen from a moving frame, the inverse of :func:`add_velocities`.

    Parameters
    ----------
    velocity_kms : float, ndarray or Tensor
        Velocity of something, in km/s.
    frame_kms : float, ndarray or Tensor
        Velocity of the frame, in km/s; shapes broadcast.

    Returns
    -------
    float, ndarray or Tensor
        Velocity within the frame, in km/s.

    Examples
    --------
    >>> round(relative_velocity(add_velocities(250.0, 100.0), 250.0), 9)
    100.0
    """
    return (velocity_kms - frame_kms) / (1.0 + frame_kms / SPEED_OF_LIGHT_KMS)


def velocity_from_log_shift(velocity_kms: np.ndarray) -> np.ndarray:
    """Bring velocities defined as c ln(1 + Δλ/λ), as pPXF's are, to c Δλ/λ.

    Parameters
    ----------
    velocity_kms : ndarray
        Velocities c ln(1 + Δλ/λ) in km/s, any shape.

    Returns
    -------
    ndarray
        Velocities c Δλ/λ in km/s, same shape; 0.1 km/s more at 250 km/s.

    References
    ----------
    Cappellari (2017, MNRAS 466, 798), eq. 8.

    Examples
    --------
    >>> velocity_from_log_shift(np.array([0.0, 250.0])).round(3).tolist()
    [0.0, 250.104]
    """
    return np.expm1(np.asarray(velocity_kms) / SPEED_OF_LIGHT_KMS) * SPEED_OF_LIGHT_KMS
