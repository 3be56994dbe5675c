"""Age bins in lookback time, and the algebra of star formation rates over them.

Everything in this project that is "per bin" is ordered **youngest first**. The star formation rate
(SFR) is constant inside a bin. A history is described by the *steps* between neighbouring bins,
``steps[:, j] = log10 SFR_j - log10 SFR_(j+1)`` (younger minus older, dex), which leave the total
mass free; the functions here turn steps into normalised rates and masses and back. They work in
logs throughout: a step of hundreds of dex (Student-t tails) neither overflows nor gives NaN.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

DEFAULT_EDGES_GYR: tuple[float, ...] = (
    *(0.0, 0.01, 0.03, 0.063, 0.1, 0.158, 0.25, 0.4, 0.63),
    *(1.0, 1.6, 2.5, 4.0, 6.3, 8.5, 10.5, 13.5),
)

LN10 = math.log(10.0)


def _mean_log10(low: float, high: float) -> float:
    """Mean of log10(t) over low..high; the integral of ln t is t ln t - t, which is 0 at 0."""
    at_low = low * math.log(low) if low > 0 else 0.0
    return ((high * math.log(high) - at_low) / (high - low) - 1.0) / LN10


@dataclass(frozen=True)
class AgeBins:
    """Bins in lookback time, youngest first.

    Parameters
    ----------
    edges_gyr : tuple of float
        The ``n_bins + 1`` edges in Gyr, strictly increasing, the first >= 0.

    Raises
    ------
    ValueError
        If there are fewer than two edges, or they are not finite, not increasing, or negative.

    Examples
    --------
    >>> AgeBins((0.0, 0.1, 1.0)).n_bins
    2
    """

    edges_gyr: tuple[float, ...] = DEFAULT_EDGES_GYR

    def __post_init__(self) -> None:
        edges = tuple(float(edge) for edge in self.edges_gyr)
        object.__setattr__(self, "edges_gyr", edges)
        if len(edges) < 2:
            raise ValueError(f"edges_gyr has {len(edges)} values; expected at least 2 (one bin).")
        if not all(math.isfinite(edge) for edge in edges) or edges[0] < 0:
            raise ValueError(f"edges_gyr = {edges}; expected finite lookback times >= 0 in Gyr.")
        if any(b <= a for a, b in pairwise(edges)):
            raise ValueError(
                f"edges_gyr = {edges} is not strictly increasing; list the youngest edge first."
            )

    def __repr__(self) -> str:
        """Say in one line how many bins there are, and the ages that they span."""
        edges = self.edges_gyr
        return f"AgeBins({self.n_bins} bins, {edges[0]:g}-{edges[-1]:g} Gyr)"

    @property
    def n_bins(self) -> int:
        """Number of bins."""
        return len(self.edges_gyr) - 1

    @property
    def n_steps(self) -> int:
        """Number of log-SFR steps between neighbouring bins, ``n_bins - 1``."""
        return self.n_bins - 1

    @property
    def edges_yr(self) -> Tensor:
        """Edges in yr, shape (n_bins + 1,)."""
        return torch.tensor([edge * 1e9 for edge in self.edges_gyr], dtype=torch.float32)

    @property
    def widths_yr(self) -> Tensor:
        """Bin widths in yr, shape (n_bins,)."""
        pairs = pairwise(self.edges_gyr)
        return torch.tensor([(b - a) * 1e9 for a, b in pairs], dtype=torch.float32)

    @property
    def log_age_yr(self) -> Tensor:
        """Mean of log10(age/yr) over each bin at constant SFR, shape (n_bins,).

        Closed form, also for a bin that starts at 0: there it is ``log10(width) - 1/ln 10``.
        """
        pairs = pairwise(self.edges_gyr)
        return torch.tensor([_mean_log10(a, b) + 9.0 for a, b in pairs], dtype=torch.float32)

    @property
    def spacing_dex(self) -> Tensor:
        """Distance of neighbouring bins in mean log10 age, shape (n_bins - 1,), dex."""
        return self.log_age_yr.diff()

    def sample_times_gyr(self, n: int) -> Tensor:
        """Sample every bin evenly at `n` lookback times, shape (n_bins, n), Gyr, float64."""
        edges = torch.tensor(self.edges_gyr, dtype=torch.float64)
        middle = (torch.arange(n, dtype=torch.float64) + 0.5) / n
        return edges[:-1, None] + edges.diff()[:, None] * middle


def relative_log_sfr(steps: Tensor) -> Tensor:
    """log10 SFR of each bin relative to that of the oldest.

    Parameters
    ----------
    steps : Tensor, shape (..., n_bins - 1)
        Steps in dex, younger minus older.

    Returns
    -------
    Tensor, shape (..., n_bins)
        log10 ratios in dex; the last column is 0.
    """
    older_sums = steps.flip(-1).cumsum(-1).flip(-1)
    return torch.cat([older_sums, steps.new_zeros((*steps.shape[:-1], 1))], dim=-1)


def steps_to_log_sfr(steps: Tensor, bins: AgeBins) -> Tensor:
    """log10 SFR per bin of the history that forms 1 solar mass in total.

    Parameters
    ----------
    steps : Tensor, shape (..., n_bins - 1)
        Steps in dex, younger minus older.
    bins : AgeBins
        Age bins of the histories, youngest first.

    Returns
    -------
    Tensor, shape (..., n_bins)
        log10 of the SFR in Msun/yr, with ``sum(SFR * width) = 1`` Msun.

    Raises
    ------
    ValueError
        If `steps` does not fit `bins`.
    """
    log_sfr, ln_mass = _relative_rates_and_masses(steps, bins)
    return log_sfr - torch.logsumexp(ln_mass, dim=-1, keepdim=True) / LN10


def log_sfr_to_steps(log_sfr: Tensor) -> Tensor:
    """Take steps between bins: the inverse of `steps_to_log_sfr`, for any normalisation.

    Parameters
    ----------
    log_sfr : Tensor, shape (..., n_bins)
        log10 SFR per bin, up to a constant.

    Returns
    -------
    Tensor, shape (..., n_bins - 1)
        Steps in dex, younger minus older.
    """
    return log_sfr[..., :-1] - log_sfr[..., 1:]


def mass_fractions(steps: Tensor, bins: AgeBins) -> Tensor:
    """Fraction of the stellar mass ever formed that formed in each bin.

    Parameters
    ----------
    steps : Tensor, shape (..., n_bins - 1)
        Steps in dex, younger minus older.
    bins : AgeBins
        Age bins of the histories, youngest first.

    Returns
    -------
    Tensor, shape (..., n_bins)
        Mass fractions, not negative; they sum to 1.

    Raises
    ------
    ValueError
        If `steps` does not fit `bins`.
    """
    return torch.softmax(_relative_rates_and_masses(steps, bins)[1], dim=-1)


def _relative_rates_and_masses(steps: Tensor, bins: AgeBins) -> tuple[Tensor, Tensor]:
    """log10 SFR relative to the oldest bin, and ln of the mass that each bin forms at that rate."""
    if steps.shape[-1] != bins.n_steps:
        raise ValueError(
            f"steps has shape {tuple(steps.shape)}; expected {bins.n_steps} in the last dimension "
            "for these age bins."
        )
    log_sfr = relative_log_sfr(steps)
    return log_sfr, LN10 * (log_sfr + bins.widths_yr.to(steps).log10())
