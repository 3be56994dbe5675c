"""A noise profile beside what was measured: scale, correlation, growth of bins, sky residuals."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from amortized_sfh.plotting.figures import CYCLE, DATA, POSTERIOR, finish, new_figure, styled
from simulators.noise.profile import MAX_TAPS, NoiseProfile


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
    _draw_scale(panels["scale"], profile, windows)
    _draw_correlation(panels["lags"], profile, autocorrelation)
    _draw_growth(panels["growth"], profile, growth)
    _draw_modes(panels["sky"], profile)
    return finish(figure, path)


def _draw_scale(
    ax: Axes, profile: NoiseProfile, windows: tuple[np.ndarray, np.ndarray] | None
) -> None:
    ax.axhline(1.0, color="0.6", lw=0.8, ls=":")
    ax.plot(profile.wave_aa, profile.scale, color=POSTERIOR, label="profile")
    if windows is not None:
        ax.plot(*windows, "o", color=DATA, ms=3.5, label="measured")
    low, high = float(profile.scale.min()), float(profile.scale.max())
    pad = max(0.25 * (high - low), 0.03)
    ax.set_ylim(min(low, 1.0) - pad, max(high, 1.0) + pad)
    ax.set_xlim(profile.wave_aa[0], profile.wave_aa[-1])
    ax.set_ylabel("noise / STAT error")
    ax.legend(loc="best", ncols=2)


def _draw_correlation(ax: Axes, profile: NoiseProfile, autocorrelation: np.ndarray | None) -> None:
    ax.axhline(0.0, color="0.6", lw=0.8, ls=":")
    rho = np.zeros(MAX_TAPS)
    rho[: len(profile.kernel)] = profile.autocorrelation
    taps = len(profile.kernel)
    ax.bar(np.arange(1, MAX_TAPS), rho[1:], width=0.6, color="#86add6", label=f"{taps} taps")
    if autocorrelation is not None:
        lags = np.arange(1, len(autocorrelation))
        ax.plot(lags, autocorrelation[1:], "o", color=DATA, ms=3.5, label="measured")
    ax.set_xlabel("lag (pixels along wavelength)")
    ax.set_ylabel("correlation")
    ax.legend(loc="upper right")


def _draw_growth(
    ax: Axes, profile: NoiseProfile, growth: tuple[np.ndarray, np.ndarray] | None
) -> None:
    largest = 64.0 if growth is None else float(growth[0].max())
    n = np.geomspace(1.0, largest, 50)
    label = f"1 + {profile.growth:.2f} log N"
    ax.plot(n, 1.0 + profile.growth * np.log10(n), color=POSTERIOR, label=label)
    if growth is not None:
        ax.plot(*growth, "o", color=DATA, ms=3.5, label="measured")
    ax.axhline(1.0, color="0.6", lw=0.8, ls=":")
    ax.set_xscale("log")
    ax.set_xlabel("spaxels per bin N")
    ax.set_ylabel("noise / independent")
    ax.legend(loc="upper left")


def _draw_modes(ax: Axes, profile: NoiseProfile) -> None:
    ax.axhline(0.0, color="0.6", lw=0.8, ls=":")
    for i, (mode, colour) in enumerate(zip(profile.sky_modes, CYCLE, strict=False), start=1):
        ax.plot(profile.wave_aa, mode, color=colour, lw=0.7, label=f"mode {i}")
    ax.set_xlim(profile.wave_aa[0], profile.wave_aa[-1])
    ax.set_xlabel("observed wavelength (Å)")
    ax.set_ylabel("sky residual\n(noise of a spaxel)")
    if len(profile.sky_modes):
        ax.legend(loc="best", ncols=5)
    else:
        ax.text(0.5, 0.7, "no significant mode", transform=ax.transAxes, ha="center")
