"""Combining the spaxels of a region without averaging their posterior means.

A posterior mean is pulled towards the prior, and the mean of a thousand of them is pulled as far as
one. Here each posterior is divided by the prior it was made under, the spectra of the region become
draws from a population whose mean and scatter are inferred, and errors that all spectra share are
added once. Totals are sums over the members under that population.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from amortized_sfh.aggregation.gaussian_likelihoods import (
    gaussian_likelihoods,
    without_shared_errors,
)
from amortized_sfh.aggregation.population import Population, sample_population
from amortized_sfh.aggregation.prior_coordinates import PriorCoordinates
from amortized_sfh.aggregation.region import Region, spectra_of_region
from amortized_sfh.aggregation.region_posterior import RegionPosterior
from amortized_sfh.aggregation.shared_errors import shared_error_shifts
from amortized_sfh.aggregation.totals import MemberPosteriors, region_totals
from amortized_sfh.data.cubes.cube_data import CubeData
from amortized_sfh.inference.samples import PosteriorSamples
from amortized_sfh.model.model import PosteriorModel
from simulators.observations.masks import mask_observation
from simulators.observations.observation import Observation

_FEW_SPECTRA, _FEW_EFFECTIVE = 10, 2.0


@dataclass(frozen=True, kw_only=True)
class AggregateOptions:
    """Choices of `aggregate` that seldom change.

    Parameters
    ----------
    n_draws
        Number of draws from the posterior of the region.
    least_information
        Axes along which a spectrum removes less than this share of the prior variance are left to
        the prior.
    least_width
        Share of the width of one spectrum's posterior that stays however many there are: the
        accuracy of network and Gaussian likelihoods, which all spectra share. 0.2 makes intervals
        cover on mock regions at S/N 10 to 20.
    mean_prior_sigma
        Prior standard deviation of the population mean, in those of the prior of a history: 1
        believes of the region what the prior believes of one history.
    n_reference
        Number of spectra on which the shift by shared errors is measured.
    shared_systematics
        If true, calibration, zero points and template mismatch are shared by all spectra; else they
        are taken as independent, as in training.
    seed
        Source of randomness; the same seed gives the same draws.

    Raises
    ------
    ValueError
        If a number makes no sense.
    """

    n_draws: int = 500
    least_information: float = 0.05
    least_width: float = 0.2
    mean_prior_sigma: float = 1.0
    n_reference: int = 12
    shared_systematics: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        for name, low in (("n_draws", 2), ("n_reference", 1), ("least_width", 0.0)):
            if not getattr(self, name) >= low:
                raise ValueError(f"{name} is {getattr(self, name)}; expected at least {low}")
        if not self.mean_prior_sigma > 0.0:
            raise ValueError(f"mean_prior_sigma is {self.mean_prior_sigma}; expected more than 0")
        if not 0.0 < self.least_information < 1.0:
            raise ValueError(
                f"least_information is {self.least_information}; expected a share between 0 and 1"
            )


def aggregate(
    samples: PosteriorSamples,
    region: Region,
    model: PosteriorModel,
    data: CubeData | Observation,
    *,
    distance_mpc: float | None = None,
    options: AggregateOptions | None = None,
) -> RegionPosterior:
    r"""Combine the spectra of a region hierarchically.

    In coordinates z in which the prior is a standard normal, every posterior over the prior is
    taken as a Gaussian likelihood along the axes that the spectra inform. The members are draws
    from a normal population with a normal prior of its mean and an inverse-Wishart prior of its
    covariance; calibration, zero points and template mismatch shift all of them together. Along
    the other axes members keep the draws of their own posteriors, correlated between members to an
    unknown degree (uniform between independent and equal), since what no spectrum says may be
    wrong for all of them alike.

    Parameters
    ----------
    samples
        Draws of all rows, from `infer` of the same data: at least 100 per row, 400 are better.
    region
        Row numbers, a boolean for each row, or a boolean map (ny, nx) of a cube.
    model
        The model that made the draws.
    data
        The data of the samples: a cube, or an observation.
    distance_mpc
        Luminosity distance; from the redshift where it is not given.
    options
        Number of draws, seed and assumptions of the hierarchical model, see `AggregateOptions`.

    Returns
    -------
    RegionPosterior
        Draws of the region as a whole, and of mean and scatter of its members.

    Raises
    ------
    ValueError
        If samples and data differ in length, the region is empty or outside, or there are fewer
        than 100 draws per row.

    References
    ----------
    .. [1] Hogg, Myers & Bovy 2010, ApJ 725, 2166: hierarchical inference from single posteriors.

    Examples
    --------
    >>> samples = asfh.infer(model, cube.observation, n_draws=400)  # doctest: +SKIP
    >>> arm = asfh.aggregate(samples, arm_map, model, cube)  # doctest: +SKIP
    >>> arm.summary()["MH_LW"]  # doctest: +SKIP
    """
    options = options or AggregateOptions()
    cube = None if isinstance(data, Observation) else data
    observation = data if isinstance(data, Observation) else data.observation
    if len(samples) != len(observation):
        raise ValueError(
            f"there are samples of {len(samples)} rows and data of {len(observation)}; expected "
            "those of the same rows"
        )
    rows = spectra_of_region(region, data)
    usable = rows[samples.has_data.numpy()[rows]]
    if len(usable) == 0:
        raise ValueError(f"none of the {len(rows)} rows of the region has data")
    index = torch.from_numpy(usable)
    part = samples[index]
    seen = mask_observation(observation[index].clean(), model.instrument)
    coordinates = PriorCoordinates.of(model)
    z = coordinates.from_theta(part.theta.to(model.device))
    likelihoods = gaussian_likelihoods(z, options.least_information)
    least_shifts = options.least_width * torch.linalg.cholesky(likelihoods.width)
    shifts = least_shifts
    if options.shared_systematics:
        chosen = _spread_over_snr(seen, options.n_reference)
        phot = None
        if cube is not None and cube.shared_phot_sigma[usable][chosen.numpy()].any():
            phot = torch.from_numpy(cube.shared_phot_sigma[usable][chosen.numpy()])
        measured = shared_error_shifts(model, coordinates, likelihoods, seen[chosen], phot)
        likelihoods = without_shared_errors(likelihoods, measured)
        shifts = torch.cat([measured, least_shifts], dim=1)
    population = sample_population(
        likelihoods, shifts, options.n_draws, options.seed, options.mean_prior_sigma
    )
    frames = part.frame_kms
    if frames is None and cube is not None and cube.frame_kms is not None:
        frames = torch.from_numpy(cube.frame_kms[usable])
    posteriors = MemberPosteriors(z, likelihoods.axes, population, frames)
    distance = distance_mpc if cube is None else cube.distance_mpc(distance_mpc)
    totals = region_totals(model, coordinates, posteriors, seen, distance, options.seed)
    ess = _effective_draws(z @ likelihoods.axes, population)
    return RegionPosterior(
        totals,
        population,
        likelihoods.axes,
        likelihoods.information,
        shifts,
        len(usable),
        ess,
        part.bins,
        _notes(part, len(rows), ess),
    )


def _spread_over_snr(observation: Observation, n_spectra: int) -> Tensor:
    """Return the numbers of some spectra, spread evenly over the S/N of the region."""
    ratio = observation.flux / torch.where(observation.valid, observation.sigma, torch.inf)
    order = torch.argsort(ratio.sum(1) / observation.valid.sum(1).clamp_min(1))
    n = min(n_spectra, len(order))
    middle = (torch.arange(n, dtype=torch.float64) + 0.5) * len(order) / n
    return order[middle.long()]


def _effective_draws(z: Tensor, population: Population) -> float:
    """Return Kish's effective number of draws under weights population / prior, median spectrum."""
    mean, covariance = population.mean.mean(0), population.covariance.mean(0)
    root = torch.linalg.cholesky(covariance)
    scaled = torch.linalg.solve_triangular(root, (z - mean).transpose(-1, -2), upper=False)
    log_weight = 0.5 * (z.square().sum(-1) - scaled.square().sum(-2))
    weight = torch.softmax(log_weight, dim=1)
    return float((1.0 / weight.square().sum(1)).median())


def _notes(samples: PosteriorSamples, n_rows: int, ess: float) -> tuple[str, ...]:
    """Return warnings about the spectra and the population, for the reader of the numbers."""
    notes = []
    if len(samples) < n_rows:
        notes.append(f"{n_rows - len(samples)} of {n_rows} rows have no data and were left out")
    outside = int(samples.out_of_range.sum())
    if outside:
        notes.append(f"{outside} of {len(samples)} spectra lie outside the training range")
    if len(samples) < _FEW_SPECTRA:
        notes.append(f"with {len(samples)} spectra the scatter is mostly its prior")
    if ess < _FEW_EFFECTIVE:
        notes.append(
            f"population far from the prior (ESS {ess:.1f} of {samples.n_draws} draws): the answer "
            "rests on Gaussian likelihoods; compare it with the co-added spectrum"
        )
    return tuple(notes)
