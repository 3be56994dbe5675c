"""Prior, forward model, noise and observing conditions together: everything a mock needs."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from priors.ages import AgeBins
from priors.defaults import default_prior
from priors.families.nuisance import stellar_nuisances
from priors.joint import JointPrior
from priors.portable import Portable
from priors.space import ParameterSpace
from simulators.forward.simulator import ModelSpectra, Simulator
from simulators.instruments.instrument import Instrument
from simulators.libraries import read_cloudy, read_library, toy_nebular
from simulators.noise.noise_model import NoiseConfig, NoiseModel
from simulators.noise.profile import read_noise_profile
from simulators.noise.template_mismatch import read_mismatch
from simulators.observations.conditions import ConditionsPrior
from simulators.observations.observation import Observation
from simulators.populations.ssp_basis import build_basis
from simulators.runs.seeding import chunk_generator


class Mock(NamedTuple):
    """Observations with their truth.

    Attributes
    ----------
    theta
        True parameters, shape (n, n_param).
    spectra
        Noise-free spectra and bands, n rows.
    observation
        The same light with noise, as an instrument gives it, n rows.
    """

    theta: Tensor
    spectra: ModelSpectra
    observation: Observation


@dataclass(frozen=True)
class GenerativeModel(Portable):
    """The joint distribution of histories and observations that a network learns.

    Parameters
    ----------
    prior
        Distribution of the parameters theta.
    simulator
        Forward model, from theta to noise-free spectra and bands.
    noise
        Noise model, which draws observations of spectra and bands.
    conditions
        Distribution of S/N, masks and redshift of the observations.
    """

    prior: JointPrior
    simulator: Simulator
    noise: NoiseModel
    conditions: ConditionsPrior = field(default_factory=ConditionsPrior)

    @property
    def instrument(self) -> Instrument:
        """Pixels and bands of the observations."""
        return self.simulator.instrument

    @property
    def space(self) -> ParameterSpace:
        """Names, units and bounds of theta, and its unbounded coordinates u."""
        return self.prior.space

    @property
    def bins(self) -> AgeBins:
        """Age bins of the histories."""
        return self.prior.bins

    @torch.no_grad()
    def mock(
        self, n: int, seed: int, chunk: int = 0, conditions: ConditionsPrior | None = None
    ) -> Mock:
        """Draw histories from the prior and observe them.

        Parameters
        ----------
        n
            Number of mock observations.
        seed
            Seed of all random numbers.
        chunk
            Number of the chunk; the same (n, seed, chunk) gives the same mocks on the same device.
        conditions
            Distribution of observing conditions; that of the model by default.

        Returns
        -------
        Mock
            Truth, noise-free light and observation.
        """
        generator = chunk_generator(seed, chunk, self.simulator.device)
        theta = self.prior.sample((n,), generator=generator)
        drawn = (conditions or self.conditions).sample(n, self.instrument, generator)
        spectra = self.simulator(theta, drawn.redshift)
        return Mock(theta, spectra, self.noise.observe(spectra, drawn, generator))


def default_generative_model(
    library: str = "bc03-miles",
    instrument: Instrument | None = None,
    noise: NoiseConfig | None = None,
    *,
    gas: bool = True,
    mismatch: str | Path | None = None,
    noise_profile: str | Path | None = None,
) -> GenerativeModel:
    """Default prior, noise and conditions with a library read from disk.

    Parameters
    ----------
    library
        Name or path, as `read_library` takes it.
    instrument
        Wavelengths and bands; MUSE and the five HST bands by default.
    noise
        Sizes of the errors that are not in the error bars; those of `NoiseConfig()` by default.
    gas
        If true, add the light of the gas around young stars, and its two parameters.
    mismatch
        Name or file of a measured template mismatch; the sizes of `NoiseConfig` by default.
    noise_profile
        Name or file of a measured noise profile; white native noise by default.

    Returns
    -------
    GenerativeModel
        Model with the default prior and observing conditions, on the CPU.
    """
    instrument = instrument or Instrument()
    prior = default_prior(nuisances=None if gas else stellar_nuisances())
    nebular = (toy_nebular() if library == "toy" else read_cloudy()) if gas else None
    basis = build_basis(read_library(library), prior.bins, instrument, nebular)
    simulator = Simulator(basis, prior.space, prior.bins, instrument)
    noise_model = NoiseModel(
        instrument,
        noise,
        mismatch=None if mismatch is None else read_mismatch(mismatch, instrument),
        profile=None if noise_profile is None else read_noise_profile(noise_profile),
    )
    return GenerativeModel(prior, simulator, noise_model)
