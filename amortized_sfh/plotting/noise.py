"""A noise profile beside what was measured: scale, correlation, growth of bins, sky residuals."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from amortized_sfh.plotting.colours import CYCLE, DATA, POSTERIOR, POSTERIOR_BANDS
from amortized_sfh.plotting.figures import finish, new_figure, styled
from simulators.noise.profile import MAX_TAPS, NoiseProfile

_REFERENCE: Any = {"color": "0.6", "lw": 0.8, "ls": ":"}
"""Look of the lines that tell what independent noise without errors would give."""


@styled
def plot_noise(
    profile: NoiseProfile,
    *,
    windows: tuple[np.ndarray, np.ndarray] | None = None,
    autocorrelation: np.ndarray | None = None,
    growth: tuple[np.ndarray, np.ndarray] | None = None,
    path: str | Path | None = None,
) -> Figure:
    """Draw a noise profile.

    Parameters
    ----------
    profile : NoiseProfile
        Noise profile to draw.
    windows : tuple of ndarray, optional
        Wavelengths in Å and measured scales, each (n_window,).
    autocorrelation : ndarray, optional
        Measured correlation along wavelength at lags 0, 1, ...
    growth : tuple of ndarray, optional
        Spaxels per box and measured noise over that of independent spaxels, each (n_size,).
    path : str or Path, optional
        File to write, png, pdf or svg; none by default.

    Returns
    -------
    Figure
        With four axes: scale, correlation, growth, modes.
    """
    figure = new_figure(9.0, 6.4)
    panels = figure.subplot_mosaic([["scale", "scale"], ["lags", "growth"], ["sky", "sky"]])
    figure.suptitle(f"{profile.name}: {profile.source}", fontsize=9.5)
    _draw_scale(panels["scale"], profile)
    _draw_correlation(panels["lags"], profile)
    _draw_growth(panels["growth"], profile, 64.0 if growth is None else float(growth[0].max()))
    _draw_modes(panels["sky"], profile)
    rho = autocorrelation
    lags = None if rho is None else (np.arange(1, len(rho)), rho[1:])
    for name, points in (("scale", windows), ("lags", lags), ("growth", growth)):
        if points is not None:
            panels[name].plot(*points, "o", color=DATA, ms=3.5, label="measured")
    panels["scale"].legend(loc="best", ncols=2)
    panels["lags"].legend(loc="upper right")
    panels["growth"].legend(loc="upper left")
    return finish(figure, path)


def _draw_scale(ax: Axes, profile: NoiseProfile) -> None:
    ax.axhline(1.0, **_REFERENCE)
    ax.plot(profile.wave_aa, profile.scale, color=POSTERIOR, label="profile")
    low, high = float(profile.scale.min()), float(profile.scale.max())
    pad = max(0.25 * (high - low), 0.03)
    ax.set_xlim(profile.wave_aa[0], profile.wave_aa[-1])
    ax.set(ylim=(min(low, 1.0) - pad, max(high, 1.0) + pad), ylabel="noise / STAT error")


def _draw_correlation(ax: Axes, profile: NoiseProfile) -> None:
    ax.axhline(0.0, **_REFERENCE)
    taps = len(profile.kernel)
    rho = np.zeros(MAX_TAPS)
    rho[:taps] = profile.autocorrelation
    colour = POSTERIOR_BANDS[0.68]
    ax.bar(np.arange(1, MAX_TAPS), rho[1:], width=0.6, color=colour, label=f"{taps} taps")
    ax.set(xlabel="lag (pixels along wavelength)", ylabel="correlation")


def _draw_growth(ax: Axes, profile: NoiseProfile, largest: float) -> None:
    n = np.geomspace(1.0, largest, 50)
    label = f"1 + {profile.growth:.2f} log N"
    ax.plot(n, 1.0 + profile.growth * np.log10(n), color=POSTERIOR, label=label)
    ax.axhline(1.0, zorder=2.1, **_REFERENCE)
    ax.set(xscale="log", xlabel="spaxels per bin N", ylabel="noise / independent")


def _draw_modes(ax: Axes, profile: NoiseProfile) -> None:
    ax.axhline(0.0, **_REFERENCE)
    for i, (mode, colour) in enumerate(zip(profile.sky_modes, CYCLE, strict=False), start=1):
        ax.plot(profile.wave_aa, mode, color=colour, lw=0.7, label=f"mode {i}")
    ax.set_xlim(profile.wave_aa[0], profile.wave_aa[-1])
    ax.set(xlabel="observed wavelength (Å)", ylabel="sky residual\n(noise of a spaxel)")
    if len(profile.sky_modes):
        ax.legend(loc="best", ncols=5)
    else:
        ax.text(0.5, 0.7, "no significant mode", transform=ax.transAxes, ha="center")
