"""From observations to posterior draws, in batches of any size and without loops over spectra."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor
from tqdm import tqdm

from amortized_sfh.inference.imposed_kinematics import FlowPool, ImposedKinematics, impose
from amortized_sfh.inference.predictive_checks import check_predictions
from amortized_sfh.inference.sampler import FlowSampler
from amortized_sfh.inference.samples import PosteriorSamples
from amortized_sfh.model.model import PointModel, PosteriorModel
from amortized_sfh.model.model_files import load_model
from amortized_sfh.quantities.derived import Derived, derive
from amortized_sfh.quantities.mass import ABSOLUTE_CALIBRATION, mass_scale
from simulators.generative import GenerativeModel
from simulators.observations.masks import MAX_BLUESHIFT, mask_observation
from simulators.observations.observation import Observation
from simulators.runs.parallel import map_on
from simulators.runs.seeding import Purpose, chunk_generator

#: Draws of each observation whose light is compared with the data.
N_PREDICTIVE = 24
#: Largest number of draws and of spectra in one chunk, for one core and to fill a GPU.
_CHUNK_OF_CORE = (32_000, 32)
_CHUNK_OF_GPU = (256_000, 1024)


def infer(
    model: PosteriorModel | str | Path,
    observation: Observation,
    n_draws: int = 1000,
    seed: int = 0,
    *,
    distance_mpc: float | None = None,
    progress: bool = False,
    kinematics: ImposedKinematics | None = None,
) -> PosteriorSamples:
    """Draw from the posterior of every observation.

    Parameters
    ----------
    model
        Posterior model; or the name of one that the package carries, such as "phangs-bc03", or the
        folder of one, which is then loaded on the CPU.
    observation
        Batch of n_obs observations on the model's grid.
    n_draws
        Number of draws per observation, at least 2.
    seed
        Source of randomness; the same seed gives the same draws on the same device.
    distance_mpc
        Luminosity distance in Mpc for masses; from the redshift (Planck 2018) where it is not
        given. NaN if it is not known, and then neither are masses.
    progress
        If true, a progress bar shows the time left.
    kinematics
        Stellar velocities and dispersions to impose on the posteriors, one per observation; none
        by default.

    Returns
    -------
    PosteriorSamples
        All draws, on the CPU: about 300 bytes per draw. For whole cubes take `infer_chunks`.

    Raises
    ------
    TypeError
        If the model has no posterior, or the data are no observation.
    ModelFileError
        If there is no model of this name, or it cannot be used.
    ValueError
        If there is nothing to infer from, fewer than two draws are asked for, or there are not as
        many kinematics as observations.
    """
    parts = infer_chunks(
        model,
        observation,
        n_draws,
        seed,
        distance_mpc=distance_mpc,
        progress=progress,
        kinematics=kinematics,
    )
    return PosteriorSamples.cat(list(parts))


def infer_chunks(
    model: PosteriorModel | str | Path,
    observation: Observation,
    n_draws: int = 1000,
    seed: int = 0,
    *,
    distance_mpc: float | None = None,
    progress: bool = False,
    kinematics: ImposedKinematics | None = None,
) -> Iterator[PosteriorSamples]:
    """Draw for consecutive parts of the observations; parameters and errors as `infer`.

    Yields
    ------
    PosteriorSamples
        Some ten thousand draws for the next observations, on the CPU.
    """
    model = _posterior_model(model)
    if not isinstance(observation, Observation):
        raise TypeError(
            f"infer takes an Observation, not {type(observation).__name__}: give the observation "
            "of a cube, data.observation"
        )
    if n_draws < 2 or len(observation) == 0:
        raise ValueError(
            f"{len(observation)} observations and {n_draws} draws: expected at least 1 and 2"
        )
    if kinematics is not None and len(kinematics) != len(observation):
        raise ValueError(
            f"{len(kinematics)} kinematics for {len(observation)} observations; expected one each"
        )
    sampler, instrument = FlowSampler(model.flow), model.instrument
    on_cpu = model.device.type == "cpu"
    most_draws, most_spectra = _CHUNK_OF_CORE if on_cpu else _CHUNK_OF_GPU
    size = max(1, min(most_draws // n_draws, most_spectra))

    def infer_chunk(number: int) -> PosteriorSamples:
        rows = slice(number * size, (number + 1) * size)
        part = mask_observation(observation[rows].clean(), instrument)
        target = None if kinematics is None else kinematics[rows].to(model.device)
        generator = chunk_generator(seed, number, model.device, Purpose.POSTERIOR)
        return _infer_batch(model, sampler, part, n_draws, generator, distance_mpc, target)

    chunks = range(math.ceil(len(observation) / size))
    results = map_on(model.device, infer_chunk, chunks)
    n_obs = len(observation)
    with tqdm(
        total=n_obs, unit="spectrum", disable=not progress, desc="posterior", smoothing=0.05
    ) as bar:
        for samples in results:
            yield samples
            bar.update(len(samples))


def _posterior_model(model: object) -> PosteriorModel:
    """Return a posterior model as it is, or load the one that a name or a folder stands for."""
    if isinstance(model, PosteriorModel):
        return model
    if isinstance(model, str | Path):
        return load_model(model)
    if isinstance(model, PointModel):
        raise TypeError(
            f"{model.card.name} is a point model, which has no posterior to draw from: take "
            "model.estimate(observation), or give infer a posterior model"
        )
    raise TypeError(
        f"infer takes a posterior model, not {type(model).__name__}: give the name of one, such "
        "as 'phangs-bc03', its folder, or what load_model returns; the observation comes second"
    )


@torch.no_grad()
def _infer_batch(
    model: PosteriorModel,
    sampler: FlowSampler,
    observation: Observation,
    n_draws: int,
    generator: torch.Generator,
    distance_mpc: float | None,
    kinematics: ImposedKinematics | None,
) -> PosteriorSamples:
    """Draws for one batch of observations, and the quantities that follow from them."""
    generative = model.generative
    observation = observation.to(model.device)
    latent = model.encode(observation)
    if kinematics is None:
        u, ess = sampler.sample(latent, n_draws, generator), None
    else:
        pool = FlowPool(generative.space, sampler, latent, generator)
        u, ess = impose(kinematics, pool, n_draws, generator)
    flat = generative.space.to_theta(u.flatten(0, 1))
    theta = flat.unflatten(0, u.shape[:2])
    derived = (v.unflatten(0, u.shape[:2]).cpu() for v in derive(generative.simulator, flat))
    log_mass = _log_mass(generative, observation, theta, generator, distance_mpc)
    check = check_predictions(generative, observation, theta[:, :N_PREDICTIVE])
    return PosteriorSamples(
        theta=theta.cpu(),
        derived=Derived(*derived),
        log_mass=log_mass.cpu(),
        chi2=check.chi2.cpu(),
        band_pull=check.band_pull.cpu(),
        out_of_range=_out_of_range(generative, observation).cpu(),
        has_data=(observation.valid.any(1) | observation.phot_valid.any(1)).cpu(),
        space=generative.space,
        bins=generative.bins,
        ess=None if ess is None else ess.cpu(),
    )


def _log_mass(
    generative: GenerativeModel,
    observation: Observation,
    theta: Tensor,
    generator: torch.Generator,
    distance_mpc: float | None,
) -> Tensor:
    """log10 of the formed mass of every draw: the level of the data over that of the model."""
    simulator = generative.simulator
    scale = mass_scale(simulator, observation, distance_mpc)
    log_mass = scale.log_mass(simulator, theta)
    relative_error = torch.sqrt(scale.relative_noise**2 + ABSOLUTE_CALIBRATION**2)
    scatter = torch.randn(log_mass.shape, generator=generator, device=log_mass.device)
    return log_mass + scatter * relative_error[:, None] / math.log(10.0)


def _out_of_range(generative: GenerativeModel, observation: Observation) -> Tensor:
    """True where S/N per pixel or redshift lie beyond those of the training, shape (n_obs,)."""
    z, z_max = observation.redshift, generative.instrument.max_redshift
    too_good = observation.median_snr() > 1.1 * generative.conditions.snr[1]
    return too_good | (z < -MAX_BLUESHIFT) | (z > z_max)
