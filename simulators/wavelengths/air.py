"""Wavelengths in air and in vacuum, and the shift to the rest frame between them.

Use at the border only: inside the package every wavelength is an air wavelength in Å.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from torch import Tensor

_Wave = TypeVar("_Wave", float, np.ndarray, Tensor)

_SHORTEST_AA = 2000.0


def vacuum_to_air(wavelength_aa: _Wave) -> _Wave:
    """Convert vacuum to air wavelengths.

    Below 2000 Å, where the convention is to quote vacuum wavelengths and the formula does not hold,
    the refractive index of 2000 Å is kept, so that an axis stays increasing.

    Parameters
    ----------
    wavelength_aa : float, ndarray or Tensor
        Vacuum wavelengths in Å, any shape.

    Returns
    -------
    float, ndarray or Tensor
        Wavelengths in standard air (15 °C, 1 atm), in Å, same type and shape.

    References
    ----------
    Morton (2000, ApJS 130, 403), eq. 8, after Ciddor (1996, Applied Optics 35, 1566).

    Examples
    --------
    >>> round(float(vacuum_to_air(6564.614)), 2)
    6562.8
    """
    return wavelength_aa / _refractive_index(wavelength_aa)


def air_to_vacuum(wavelength_aa: _Wave) -> _Wave:
    """Convert air to vacuum wavelengths, the inverse of :func:`vacuum_to_air`.

    Parameters
    ----------
    wavelength_aa : float, ndarray or Tensor
        Wavelengths in standard air in Å, any shape.

    Returns
    -------
    float, ndarray or Tensor
        Vacuum wavelengths in Å, same type and shape.
    """
    vacuum = wavelength_aa
    # The refractive index varies so slowly that each turn gains about five digits.
    for _ in range(3):
        vacuum = wavelength_aa * _refractive_index(vacuum)
    return vacuum


def _refractive_index(vacuum_aa: _Wave) -> _Wave:
    """Refractive index of air, by the wavelength in vacuum in Å."""
    if isinstance(vacuum_aa, Tensor):
        vacuum_aa = vacuum_aa.clamp(min=_SHORTEST_AA)
    else:
        vacuum_aa = np.maximum(vacuum_aa, _SHORTEST_AA)
    s2 = (1.0e4 / vacuum_aa) ** 2
    return 1.0 + 8.34254e-5 + 2.406147e-2 / (130.0 - s2) + 1.5998e-4 / (38.9 - s2)


def check_medium(medium: str) -> None:
    """Refuse a medium of wavelengths that is neither air nor vacuum.

    Parameters
    ----------
    medium : str
        Name of the medium.

    Raises
    ------
    ValueError
        If it is another one.
    """
    if medium not in ("air", "vacuum"):
        raise ValueError(f"medium is {medium!r}; expected 'air' or 'vacuum'")


def rest_air_edges(edges_aa: Tensor, redshift: Tensor | float, medium: str = "air") -> Tensor:
    """Bring observed pixel edges to rest-frame air wavelengths.

    The shift is made in vacuum, where it is exact.

    Parameters
    ----------
    edges_aa : Tensor
        Observed pixel edges, shape (n + 1,), float64, in Å.
    redshift : Tensor or float
        One redshift, or shape (n_obs,).
    medium : {"air", "vacuum"}
        Medium in which ``edges_aa`` are given; air by default.

    Returns
    -------
    Tensor
        Edges in Å, shape (n + 1,), or (n_obs, n + 1) for a redshift per spectrum.

    Raises
    ------
    ValueError
        If the medium is neither air nor vacuum.
    """
    vacuum = to_medium(edges_aa, medium, "vacuum")
    if isinstance(redshift, Tensor) and redshift.ndim > 0:
        redshift = redshift.to(vacuum)[:, None]
    return vacuum_to_air(vacuum / (1.0 + redshift))


def to_medium(wavelength_aa: Tensor, source: str, target: str) -> Tensor:
    """Convert wavelengths from one medium to another; unchanged where both are the same.

    Parameters
    ----------
    wavelength_aa : Tensor
        Wavelengths in Å, any shape.
    source, target : {"air", "vacuum"}
        Medium of the input and of the result.

    Returns
    -------
    Tensor
        Wavelengths in Å, same shape.

    Raises
    ------
    ValueError
        If a medium is neither air nor vacuum.
    """
    check_medium(source)
    check_medium(target)
    if source == target:
        return wavelength_aa
    return vacuum_to_air(wavelength_aa) if target == "air" else air_to_vacuum(wavelength_aa)
