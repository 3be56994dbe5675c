"""Figures of one observation: its history, a corner plot, and the fit of the posterior."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from amortized_sfh.inference.predictive_checks import predictive_spectra
from amortized_sfh.inference.samples import PosteriorSamples
from amortized_sfh.model.model import PosteriorModel
from amortized_sfh.plotting import BandData, History, plot_corner, plot_history, plot_predictive
from amortized_sfh.quantities.derived import derive
from amortized_sfh.quantities.quantity import QuantityInputs, named_parameters
from amortized_sfh.quantities.registry import CORNER, INTENSIVE, evaluate
from simulators.instruments.filters import read_filter
from simulators.observations.masks import mask_observation
from simulators.observations.observation import Observation

_N_PREDICTIVE = 200
_N_PRIOR = 2000


def draw_observation(
    model: PosteriorModel,
    observation: Observation,
    samples: PosteriorSamples,
    folder: str | Path,
    *,
    truth: Tensor | None = None,
    title: str = "",
    flux_unit: str = "",
) -> list[Path]:
    """Draw history, corner plot and posterior predictive of one observation.

    Parameters
    ----------
    model
        Trained model that the draws come from.
    observation
        The data, a batch of one.
    samples
        Draws from its posterior.
    folder
        Folder that receives `history.png`, `corner.png` and `predictive.png`.
    truth
        True parameters, shape (n_param,), of a mock.
    title
        Heading of all three figures.
    flux_unit
        Unit of the observation's fluxes, for the axis; nothing where it is not known.

    Returns
    -------
    list of Path
        The three files that were written.
    """
    paths = [Path(folder) / f"{name}.png" for name in ("history", "corner", "predictive")]
    prior = model.generative.prior.sample((_N_PRIOR,), torch.Generator().manual_seed(0))
    true = None if truth is None else History(*(v[0] for v in _history(model, truth[None])))
    drawn, assumed = _history(model, samples.theta[0]), _history(model, prior)
    plot_history(drawn, model.bins.edges_gyr, true, assumed, paths[0], title=title)
    scalars = samples.scalars()
    draws = {name: scalars[name][0] for name in CORNER}
    known = {} if truth is None else scalar_truth(model, truth[None])
    true_scalars = {name: float(value[0]) for name, value in known.items()} or None
    plot_corner(draws, true_scalars, path=paths[1], title=title)
    _draw_predictive(model, observation, samples, paths[2], title, flux_unit)
    return paths


def scalar_truth(model: PosteriorModel, theta: Tensor) -> dict[str, Tensor]:
    """Compute the true values of the scalars that need no mass.

    Parameters
    ----------
    model
        Model that supplies the stellar populations.
    theta
        True parameters, shape (n, n_param).

    Returns
    -------
    dict of str to Tensor
        Values of `INTENSIVE` by product name, each (n,).
    """
    derived = derive(model.generative.simulator, theta)
    no_mass = torch.full_like(derived.t50, torch.nan)
    parameters = named_parameters(theta, model.space)
    inputs = QuantityInputs(derived=derived, log_mass=no_mass, parameters=parameters)
    return evaluate(INTENSIVE, inputs)


def _history(model: PosteriorModel, theta: Tensor) -> History:
    """Star formation and enrichment per formed solar mass."""
    fraction = derive(model.generative.simulator, theta).mass_fraction
    return History(fraction / model.bins.widths_yr, theta[:, model.space.mh])


@torch.no_grad()
def _draw_predictive(
    model: PosteriorModel,
    observation: Observation,
    samples: PosteriorSamples,
    path: Path,
    title: str,
    flux_unit: str,
) -> None:
    """Draw data and posterior predictive."""
    instrument = model.instrument
    # what is masked is drawn, too, and cleaning sets it to zero
    flux = observation.flux[0]
    observation = mask_observation(observation.clean(), instrument)
    theta = samples.theta[:, :_N_PREDICTIVE]
    light = predictive_spectra(model.generative, observation, theta)
    bands = None
    if bool(observation.phot_valid.any()):
        bands = BandData(
            names=instrument.bands,
            pivot_aa=[read_filter(band).pivot_aa for band in instrument.bands],
            flux=observation.phot[0],
            sigma=observation.phot_sigma[0],
            valid=observation.phot_valid[0],
            draws=light.phot[0],
        )
    plot_predictive(
        instrument.grid.centres_aa,
        flux,
        observation.sigma[0],
        observation.valid[0],
        light.flux[0],
        path,
        bands=bands,
        flux_unit=flux_unit,
        title=f"{title}  reduced χ² = {samples.chi2[0]:.2f} (all terms of the noise)".strip(),
    )
