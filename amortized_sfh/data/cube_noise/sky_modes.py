"""Residuals of sky subtraction that neighbouring spaxels share.

A principal-component analysis of source-free spaxels, with two precautions. The covariance is that
of different spaxels, three to six apart, to which independent noise adds nothing on average. And a
mode counts only if two halves of the sky that share no noise find it each for itself: in white
noise the leading directions of both have nothing in common.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.sparse.linalg import LinearOperator, eigsh

from simulators.noise.profile import MAX_MODES
from simulators.robust import robust_sigma

_MIN_AGREEMENT = 0.3
"""Cosine between the directions that the two halves find, from which on a mode is believed."""

_DIRECTIONS = MAX_MODES + 3  # more than are kept: the halves may put them in another order
_RING = 3.0, 6.0
_GUARD = 1.6  # half the width of the strip between the halves, beyond the reach of correlated noise
_STRIPES = 4
_MIN_HALF = 30
_OUTLIER = 8.0


class SkyModes(NamedTuple):
    """Modes of the residuals of sky subtraction.

    Attributes
    ----------
    modes : ndarray
        Shape times rms amplitude, in units of the noise, shape (n_mode, n_plane), orthogonal,
        strongest first.
    agreement : ndarray
        Cosines between the leading directions of both halves, descending, shape (8,).
    threshold : float
        Cosine from which on a mode was believed.
    """

    modes: np.ndarray
    agreement: np.ndarray
    threshold: float


_Sky = tuple[np.ndarray, np.ndarray]
"""Residuals of some spaxels, and their means over the neighbours of each, (n_spaxel, n_plane)."""


def find_sky_modes(residual: np.ndarray, y: np.ndarray, x: np.ndarray) -> SkyModes:
    """Find what the residuals of sky spaxels have in common.

    Parameters
    ----------
    residual : ndarray
        Spectra of sky spaxels without their continuum, in units of their noise, shape
        (n_spaxel, n_plane), NaN where not valid. Values beyond 8 times the scatter of their plane
        are left out.
    y, x : ndarray
        Row and column of each spaxel, shape (n_spaxel,).

    Returns
    -------
    SkyModes
        Modes that both halves of the sky show; none of them for white noise.

    Raises
    ------
    ValueError
        If there are too few spaxels for two independent halves.
    """
    values = _without_outliers(residual)
    halves = [_sky(values[part], y[part], x[part]) for part in _halves(x)]
    used = int((values != 0.0).any(axis=0).sum())
    # k random directions of n dimensions agree with k others by at most about 2 √(k/n)
    threshold = max(_MIN_AGREEMENT, 4.0 * np.sqrt(_DIRECTIONS / max(used, 1)))
    first, second = (_leading(half) for half in halves)
    left, agreement, right = np.linalg.svd(first.T @ second)
    n_mode = min(int((agreement >= threshold).sum()), MAX_MODES)
    if n_mode == 0:
        return SkyModes(np.zeros((0, values.shape[1])), agreement, threshold)
    one, other = (first @ left)[:, :n_mode], (second @ right.T)[:, :n_mode]
    modes = _refine(_sky(values, y, x), one + other)
    by_half = [_seen_by(half, modes) for half in halves]
    return SkyModes(_shrink(modes, 0.5 * (by_half[0] - by_half[1])), agreement, threshold)


def _without_outliers(residual: np.ndarray) -> np.ndarray:
    """Zero where not valid or far from the other spaxels of the plane."""
    values = np.where(np.isfinite(residual), residual, 0.0).astype(np.float64)
    middle = np.median(values, axis=0)
    scatter = robust_sigma(values - middle, axis=0)
    return np.where(np.abs(values - middle) <= _OUTLIER * scatter, values, 0.0)


def _halves(x: np.ndarray) -> list[np.ndarray]:
    """Spaxels of alternating stripes, apart by more than the noise is correlated."""
    borders = np.quantile(x, np.arange(1, _STRIPES) / _STRIPES)
    stripe = np.searchsorted(borders, x, side="right")
    apart = (np.abs(x[:, None] - borders) >= _GUARD).all(axis=1)
    halves = [np.flatnonzero(apart & (stripe % 2 == half)) for half in (0, 1)]
    smallest = min(len(part) for part in halves)
    if smallest < _MIN_HALF:
        raise ValueError(
            f"half of the sky has {smallest} spaxels apart from the other half; expected at least "
            f"{_MIN_HALF} to tell residuals of the sky from noise: choose a wider region"
        )
    return halves


def _sky(residual: np.ndarray, y: np.ndarray, x: np.ndarray) -> _Sky:
    """Pair each spaxel with the mean of those three to six away."""
    distance = np.hypot(y[:, None] - y, x[:, None] - x)
    ring = ((distance >= _RING[0]) & (distance <= _RING[1])).astype(np.float64)
    ring /= np.maximum(ring.sum(axis=1, keepdims=True), 1.0)
    return residual, ring @ residual


def _covariance(sky: _Sky, directions: np.ndarray) -> np.ndarray:
    """Apply the covariance of neighbours to directions (n_plane, k) or (n_plane,)."""
    near, far = sky
    product = near.T @ (far @ directions) + far.T @ (near @ directions)
    return product / (2.0 * len(near))


def _leading(sky: _Sky) -> np.ndarray:
    """Leading eigenvectors of the covariance of neighbours, shape (n_plane, 8)."""
    n_plane = sky[0].shape[1]
    operator = LinearOperator(
        (n_plane, n_plane), matvec=lambda v: _covariance(sky, v.ravel()), dtype=np.float64
    )
    start = np.ones(n_plane)  # else the result would differ from run to run
    return eigsh(operator, k=_DIRECTIONS, which="LA", v0=start)[1]


def _refine(sky: _Sky, directions: np.ndarray) -> np.ndarray:
    """Modes of a sky near given directions, (n_mode, n_plane), their norm the rms amplitude."""
    basis = np.linalg.qr(_covariance(sky, directions))[0]
    value, rotation = np.linalg.eigh(basis.T @ _covariance(sky, basis))
    order = np.argsort(-value)
    return (np.sqrt(np.maximum(value[order], 0.0)) * (basis @ rotation[:, order])).T


def _seen_by(half: _Sky, modes: np.ndarray) -> np.ndarray:
    """Modes as one half of the sky alone shows them, shape (n_mode, n_plane)."""
    unit = modes.T / np.sqrt((modes**2).sum(axis=1))
    image = _covariance(half, unit)
    return (image / np.sqrt(np.maximum((unit * image).sum(axis=0), 1e-30))).T


def _shrink(modes: np.ndarray, error: np.ndarray) -> np.ndarray:
    """Reduce pixels that are not above the noise of the modes, and make them orthogonal again."""
    shrunk = []
    for mode, deviation in zip(modes, error, strict=True):
        noise = float(robust_sigma(deviation[mode != 0.0]))
        power = np.convolve(mode**2, np.full(3, 1.0 / 3.0), mode="same")
        shrunk.append(mode * np.maximum(1.0 - noise**2 / np.maximum(power, 1e-30), 0.0))
    _, size, rows = np.linalg.svd(np.array(shrunk), full_matrices=False)
    kept = size > 1e-3 * size.max()
    return size[kept, None] * rows[kept]
