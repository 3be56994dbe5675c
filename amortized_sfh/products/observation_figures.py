"""Pictures of one observation: its history, a corner plot, and how the posterior fits the data."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from amortized_sfh.inference.infer import predictive_spectra
from amortized_sfh.inference.samples import PosteriorSamples
from amortized_sfh.model.model import PosteriorModel
from amortized_sfh.plotting import BandData, History, plot_corner, plot_history, plot_predictive
from amortized_sfh.quantities.derived import derive
from simulators.instruments.filters import read_filter
from simulators.observations.masks import mask_observation
from simulators.observations.observation import Observation

CORNER = ("LOGAGE_MW", "LOGAGE_LW", "MH_MW", "MH_LW", "AV", "V", "SIGMA")
_N_PREDICTIVE = 200
_N_PRIOR = 2000


def draw_observation(
    model: PosteriorModel,
    observation: Observation,
    samples: PosteriorSamples,
    folder: Path,
    *,
    truth: Tensor | None = None,
    title: str = "",
    flux_unit: str = "",
) -> list[Path]:
    """Draw history, corner plot and posterior predictive of one observation.

    Parameters
    ----------
    model
        Trained model.
    observation
        Batch of one.
    samples
        Its draws.
    folder
        Receives `history.png`, `corner.png` and `predictive.png`.
    truth
        True parameters, shape (n_param,).
    title
        Heading.
    flux_unit
        Unit of the observation's fluxes, for the axis; nothing where it is not known.

    Returns
    -------
    list of Path
        The pictures.
    """
    paths = [folder / f"{name}.png" for name in ("history", "corner", "predictive")]
    prior = model.generative.prior.sample((_N_PRIOR,), torch.Generator().manual_seed(0))
    edges = samples.bins.edges_gyr
    plot_history(
        _history(model, samples.theta[0]),
        edges,
        truth=None if truth is None else _single(_history(model, truth[None])),
        prior=_history(model, prior),
        path=paths[0],
        title=title,
    )
    draws = {name: values[0] for name, values in samples.scalars().items() if name in CORNER}
    draws = {name: draws[name] for name in CORNER}
    known = None if truth is None else scalar_truth(model, truth[None])
    plot_corner(
        draws,
        truth=None if known is None else {name: float(known[name][0]) for name in CORNER},
        path=paths[1],
        title=title,
    )
    _draw_predictive(model, observation, samples, paths[2], (title, flux_unit))
    return paths


def scalar_truth(model: PosteriorModel, theta: Tensor) -> dict[str, Tensor]:
    """True values of the scalar products that do not need a mass.

    Parameters
    ----------
    model
        Supplies the populations.
    theta
        True parameters, shape (n, n_param).

    Returns
    -------
    dict of str to Tensor
        Product name to values, shape (n,).
    """
    space = model.generative.prior.space
    d = derive(model.generative.simulator, theta)
    return {
        "LOGAGE_MW": d.log_age_mw,
        "LOGAGE_LW": d.log_age_lw,
        "MH_MW": d.mh_mw,
        "MH_LW": d.mh_lw,
        "T50": d.t50,
        "T90": d.t90,
        "AV": theta[:, space.index("av")],
        "V": theta[:, space.index("velocity")],
        "SIGMA": 10.0 ** theta[:, space.index("log_sigma")],
        "ML_V": d.ml_v,
    }


def _history(model: PosteriorModel, theta: Tensor) -> History:
    """Star formation and enrichment per formed solar mass."""
    fraction = derive(model.generative.simulator, theta).mass_fraction
    sfr = fraction / model.generative.prior.bins.widths_yr
    return History(sfr, theta[:, model.generative.prior.space.mh])


def _single(history: History) -> History:
    """The first of a batch."""
    return History(history.sfr[0], history.mh[0])


@torch.no_grad()
def _draw_predictive(
    model: PosteriorModel,
    observation: Observation,
    samples: PosteriorSamples,
    path: Path,
    labels: tuple[str, str],
) -> None:
    """Data and posterior predictive; labels are the heading and the unit of the fluxes."""
    title, flux_unit = labels
    instrument = model.generative.simulator.instrument
    # what is masked is drawn, too, and masking sets it to zero
    flux = observation.flux[0]
    observation = mask_observation(observation, instrument)
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
