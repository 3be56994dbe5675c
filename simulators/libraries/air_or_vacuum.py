"""Air or vacuum: the medium of a wavelength axis, measured on its spectra; files do not say it.

MILES, E-MILES and BC03-MILES are in air; FSPS and the theoretical libraries are in vacuum. The two
differ by 1.3-1.9 AA between 4700 and 7000 AA, 80 km/s, which would appear as a velocity. Absorption
lines of an old population near solar metallicity tell the two apart.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from simulators.populations.ssp_grid import SSPGrid
from simulators.wavelengths.air import air_to_vacuum

Medium = Literal["air", "vacuum"]

_AIR_LINES_AA = (4861.33, 5167.32, 5183.60, 5889.95, 5895.92, 6562.80)
"""H beta, two of Mg b, Na D, H alpha: strong, and isolated at 2.5 AA resolution."""

_HALF_WINDOW_AA = 2.6
_FINE_STEP_AA = 0.05


def measured_medium(grid: SSPGrid) -> Medium:
    """Tell the medium of a grid's wavelengths by the absorption lines of an old, solar population.

    Parameters
    ----------
    grid : SSPGrid
        A grid that covers at least one of six strong lines from H beta to H alpha, with steps of at
        most 2.5 AA.

    Returns
    -------
    {"air", "vacuum"}
        The medium in which the lines lie where they should.

    Raises
    ------
    ValueError
        If the lines cannot be measured: not covered, too coarse, or far from both places.
    """
    met, age = int(np.abs(grid.mh).argmin()), int(np.abs(grid.age_gyr - 10).argmin())
    spectrum = grid.lum[met, age].astype(np.float64)
    shares = [_vacuum_share(grid.wave_aa, spectrum, line) for line in _AIR_LINES_AA]
    share = float(np.median([value for value in shares if value is not None] or [np.nan]))
    if not -0.6 < share < 1.6:
        raise ValueError(
            f"{grid.name}: its absorption lines lie at {share:.2f} of the way from air to vacuum, "
            f"expected about 0 or 1; the wavelengths or the coverage ({grid.wave_range_aa} AA) are "
            f"wrong: state the medium explicitly"
        )
    return "air" if share < 0.5 else "vacuum"


def _vacuum_share(wave_aa: np.ndarray, spectrum: np.ndarray, line_aa: float) -> float | None:
    """Place of a line's minimum between its air (0) and vacuum (1) wavelength."""
    shift = air_to_vacuum(line_aa) - line_aa
    low, high = line_aa - _HALF_WINDOW_AA, line_aa + shift + _HALF_WINDOW_AA
    near = (wave_aa > low - 5) & (wave_aa < high + 5)
    if near.sum() < 6 or wave_aa[near][0] > low or wave_aa[near][-1] < high:
        return None
    fine = np.arange(low, high, _FINE_STEP_AA)
    depth = -np.interp(fine, wave_aa, spectrum)
    # a parabola through +-1.2 AA around the minimum is less coarse than the sampling
    lowest = int(depth.argmax())
    around = slice(max(lowest - 24, 0), lowest + 25)
    curve = np.polynomial.Polynomial.fit(fine[around], depth[around], 2).convert()
    if curve.coef[2] >= 0:
        return None
    centre = -curve.coef[1] / (2 * curve.coef[2])
    return float((centre - line_aa) / shift)
