"""One spectrum beside its posterior predictive, to see if the model fits its own data."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.ticker import AutoMinorLocator

from amortized_sfh.plotting.colours import DATA, POSTERIOR
from amortized_sfh.plotting.figures import as_array, finish, new_figure, note, quantile_band, styled

_FEATURES_AA = {
    "[O II]": 3727.4,
    "Ca H+K": 3951.0,
    r"H$\delta$": 4101.7,
    r"H$\gamma$": 4340.5,
    r"H$\beta$": 4861.3,
    "[O III]": 5006.8,
    r"Mg $b$": 5175.0,
    "Fe": 5270.0,
    "Na D": 5892.9,
    r"H$\alpha$": 6562.8,
    "[S II]": 6724.0,
}
"""Features that are named above the spectrum, rest-frame air wavelengths in Å."""

_RESIDUAL_LIMIT = 5.0
"""Residuals are shown to this many sigma, and further if more than 2 % of the pixels or any band
lie beyond."""

_CHARACTER_SHARE = 0.022
"""Height of a character of a band's name, written upwards, in heights of the panel."""


class BandData(NamedTuple):
    """Photometry beside a spectrum; all in the unit of the spectrum.

    Attributes
    ----------
    names
        Names of the bands.
    pivot_aa
        Pivot wavelengths in Å, shape (n_band,).
    flux, sigma
        Measured f_λ and its error, shape (n_band,).
    valid
        True where the band was used, shape (n_band,).
    draws
        Predictive draws of f_λ, shape (n_draws, n_band).
    """

    names: tuple[str, ...]
    pivot_aa: Any
    flux: Any
    sigma: Any
    valid: Any
    draws: Any


@styled
def plot_predictive(  # noqa: PLR0913 (the public border: the spectrum's own arrays)
    wave_aa: Any,
    flux: Any,
    sigma: Any,
    valid: Any,
    draws: Any,
    path: str | Path | None = None,
    *,
    bands: BandData | None = None,
    flux_unit: str = "",
    title: str = "",
) -> Figure:
    """Draw data, posterior predictive band and residuals in units of sigma.

    Parameters
    ----------
    wave_aa : array, shape (n_pix,)
        Rest-frame wavelength in air, Å.
    flux, sigma : array, shape (n_pix,)
        Data and their standard deviation. Unused pixels are drawn in grey, but for those that are
        NaN or exactly zero: nothing was measured there.
    valid : array of bool, shape (n_pix,)
        True where the pixel was used; the others are shaded.
    draws : array, shape (n_draws, n_pix)
        Predictive draws of the light, in the unit of `flux`.
    path : str or Path, optional
        File to write, png, pdf or svg; none by default.
    bands : BandData, optional
        Photometry, drawn in a panel of its own.
    flux_unit : str
        Unit of the fluxes, for the axis; none by default.
    title : str
        Heading of the figure; none by default.

    Returns
    -------
    Figure
        With two axes, and two more when there are bands.

    Raises
    ------
    ValueError
        If shapes do not fit.
    """
    wave = as_array(wave_aa, "wave_aa", (None,))
    data, error = (as_array(v, n, wave.shape) for v, n in ((flux, "flux"), (sigma, "sigma")))
    used = as_array(valid, "valid", wave.shape) > 0
    used &= np.isfinite(data) & np.isfinite(error) & (error > 0)
    model = as_array(draws, "draws", (None, wave.size))
    figure = new_figure(13.0 if bands else 10.5, 4.6)
    ratios = {"height_ratios": (2.6, 1), "width_ratios": (1.0, 3.6) if bands else (1.0,)}
    n_columns = 2 if bands else 1
    axes = figure.subplots(2, n_columns, sharex="col", squeeze=False, gridspec_kw=ratios)
    _draw_spectrum(axes[:, -1], wave, (data, error, used), model)
    if bands is not None:
        _draw_bands(axes[:, 0], bands)
    axes[0, 0].set_ylabel(r"$f_\lambda$" + (f" ({flux_unit})" if flux_unit else ""))
    axes[1, 0].set_ylabel("residual (σ)")
    if title:
        figure.suptitle(title, fontsize=11)
    figure.align_ylabels(axes[:, 0])
    return finish(figure, path)


def _draw_spectrum(
    axes: np.ndarray,
    wave: np.ndarray,
    spectrum: tuple[np.ndarray, np.ndarray, np.ndarray],
    model: np.ndarray,
) -> None:
    data, error, used = spectrum
    upper, lower = axes
    middle = np.median(model, axis=0)
    kept = np.where(used, data, np.nan)
    measured = np.where(used | (data != 0.0), data, np.nan)
    steps: Any = {"lw": 0.7, "drawstyle": "steps-mid"}
    if np.isfinite(measured[~used]).any():
        upper.plot(wave, measured, color="0.55", label="masked", zorder=1, **steps)
    upper.plot(wave, kept, color=DATA, label="data", zorder=2, **steps)
    for share, alpha in ((0.95, 0.3), (0.68, 0.45)):
        band = quantile_band(model, share)
        name = f"posterior predictive, {100 * share:.0f} %"
        upper.fill_between(wave, *band, color=POSTERIOR, alpha=alpha, lw=0, zorder=3, label=name)
    upper.plot(wave, middle, color=POSTERIOR, lw=1.0, zorder=4)
    # emission lines, which are masked, would dwarf the rest
    _set_flux_limits(upper, np.concatenate([kept[used], middle[used] if used.any() else middle]))
    _name_features(upper, wave)
    upper.legend(loc="lower right", ncols=4)
    residual = np.where(used, (data - middle) / np.where(used, error, 1.0), np.nan)
    _draw_residual(lower, wave, residual, 0.98, lw=0.6, drawstyle="steps-mid")
    lower.set(xlabel="rest wavelength in air (Å)", xlim=(wave[0], wave[-1]))
    lower.xaxis.set_minor_locator(AutoMinorLocator())
    for ax in axes:
        _shade_masked(ax, wave, used)
    if used.any():
        rms = float(np.sqrt(np.nanmean(residual**2)))
        text = f"rms {rms:.2f} σ by the error bars alone, {used.sum()} pixels"
        box = {"facecolor": "white", "alpha": 0.8, "edgecolor": "none", "pad": 1.5}
        note(lower, text, (0.008, 0.06), bbox=box, zorder=10)


def _shade_masked(ax: Axes, wave_aa: np.ndarray, used: np.ndarray) -> None:
    """Shade the wavelengths that were not used."""
    half = 0.5 * float(np.median(np.diff(wave_aa))) if wave_aa.size > 1 else 0.5
    edges = np.flatnonzero(np.diff(np.concatenate([[True], used, [True]]).astype(int)))
    for start, stop in zip(edges[::2], edges[1::2], strict=True):
        ax.axvspan(wave_aa[start] - half, wave_aa[stop - 1] + half, color="0.88", lw=0, zorder=0)


def _set_flux_limits(ax: Axes, values: np.ndarray) -> None:
    values = values[np.isfinite(values)]
    if values.size == 0:
        return
    low, high = np.quantile(values, [0.002, 0.998])
    span = max(high - low, 1e-3 * max(abs(high), abs(low), 1e-30))
    ax.set_ylim(low - 0.28 * span, high + 0.28 * span)


def _draw_residual(
    ax: Axes, wave: np.ndarray, residual: np.ndarray, share: float, **look: Any
) -> None:
    """Draw residuals in a panel that holds a share of them, NaN where there are none."""
    ax.axhspan(-1.0, 1.0, color=POSTERIOR, alpha=0.18, lw=0)
    ax.axhline(0.0, color=POSTERIOR, lw=1.0)
    ax.plot(wave, residual, color=DATA, **look)
    seen = np.abs(residual[np.isfinite(residual)])
    beyond = 1.1 * float(np.quantile(seen, share)) if seen.size else 0.0
    limit = max(_RESIDUAL_LIMIT, beyond)
    ax.set_ylim(-limit, limit)


def _name_features(ax: Axes, wave: np.ndarray) -> None:
    above = ax.get_xaxis_transform()
    # masked lines reach above the panel, through their own names
    halo = [withStroke(linewidth=2.5, foreground="white")]
    look = {"ha": "center", "fontsize": 7.5, "color": "0.25", "path_effects": halo, "zorder": 10}
    for name, centre in _FEATURES_AA.items():
        if wave[0] < centre < wave[-1]:
            ax.plot([centre] * 2, [0.90, 0.93], transform=above, color="0.4")
            note(ax, name, (centre, 0.935), transform=above, **look)


def _draw_bands(axes: np.ndarray, bands: BandData) -> None:
    upper, lower = axes
    shape = (len(bands.names),)
    pivot = as_array(bands.pivot_aa, "pivot_aa", shape)
    data = as_array(bands.flux, "phot", shape)
    error = as_array(bands.sigma, "phot_sigma", shape)
    used = as_array(bands.valid, "phot_valid", shape) > 0
    model = as_array(bands.draws, "draws of the bands", (None, *shape))
    middle = np.median(model, axis=0)
    low, high = quantile_band(model, 0.95)
    box: Any = {"fmt": "s", "ms": 7, "mfc": "none", "lw": 2.5, "alpha": 0.6}
    upper.errorbar(pivot, middle, (middle - low, high - middle), color=POSTERIOR, **box)
    upper.errorbar(pivot[used], data[used], yerr=error[used], fmt="o", ms=4, color=DATA, lw=1.0)
    lowest, highest = upper.get_ylim()
    lowest = min(0.0, lowest)
    room = 0.05 + _CHARACTER_SHARE * max(len(name) for name in bands.names)
    upper.set_ylim(lowest, lowest + (highest - lowest) / (1.0 - room))
    upwards = {"rotation": 90, "ha": "center", "va": "top", "fontsize": 7}
    for name, x, colour in zip(bands.names, pivot, np.where(used, DATA, "0.6"), strict=True):
        above = upper.get_xaxis_transform()
        note(upper, name, (x, 0.98), transform=above, color=str(colour), **upwards)
    residual = ((data - middle) / np.where(used, error, 1.0))[used]
    _draw_residual(lower, pivot[used], residual, 1.0, marker="o", ls="", ms=4)
    lower.set(xlabel="rest wavelength (Å)", xlim=(pivot.min() - 600.0, pivot.max() + 600.0))
