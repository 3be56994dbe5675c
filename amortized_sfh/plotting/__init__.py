"""Figures: maps, histories, predictive checks, corner plots, calibration, training and prior.

Every function takes plain arrays (tensors are converted), returns a `matplotlib.figure.Figure` and
writes it when it is given a ``path``. Nothing goes through pyplot: no global list of figures, no
backend and no style changes, and there is nothing to close.
"""

from amortized_sfh.plotting.calibration import plot_coverage, plot_ranks, plot_recovery
from amortized_sfh.plotting.corner import plot_corner
from amortized_sfh.plotting.figures import save
from amortized_sfh.plotting.history import History, plot_history
from amortized_sfh.plotting.maps import plot_bin_maps, plot_maps
from amortized_sfh.plotting.noise import plot_noise
from amortized_sfh.plotting.prior import plot_prior
from amortized_sfh.plotting.radial_profile import plot_profile
from amortized_sfh.plotting.sky import SkyFrame
from amortized_sfh.plotting.spectrum import BandData, plot_predictive
from amortized_sfh.plotting.training import plot_loss

__all__ = [
    "BandData",
    "History",
    "SkyFrame",
    "plot_bin_maps",
    "plot_corner",
    "plot_coverage",
    "plot_history",
    "plot_loss",
    "plot_maps",
    "plot_noise",
    "plot_predictive",
    "plot_prior",
    "plot_profile",
    "plot_ranks",
    "plot_recovery",
    "save",
]
