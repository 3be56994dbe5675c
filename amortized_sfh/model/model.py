"""Trained models: networks, the model of the data that they learned, and how they were trained."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from amortized_sfh.networks.encoder import Encoder, EncoderConfig
from amortized_sfh.networks.flow import FlowConfig, embed, flow_over
from amortized_sfh.networks.input_layout import Layout
from amortized_sfh.networks.point_heads import PointEstimate, PointHeads
from priors.ages import AgeBins
from priors.portable import Portable
from priors.space import ParameterSpace
from simulators.generative import GenerativeModel
from simulators.instruments.instrument import Instrument
from simulators.observations.observation import Observation


@dataclass(frozen=True, kw_only=True)
class ModelCard:
    """Name and provenance of a trained model.

    Parameters
    ----------
    name
        Name of the model, such as "phangs-bc03".
    training
        Record of the training: command, seed, number of spectra, hours, machine and last losses;
        empty for networks that were not trained.
    package_version
        Version of this package that wrote the model; empty until it is written.
    """

    name: str
    training: dict[str, Any] = field(default_factory=dict)
    package_version: str = ""

    @property
    def n_spectra(self) -> int:
        """Spectra that the networks have seen, in this training and in those before it."""
        return sum(int(self.training.get(name, 0)) for name in ("n_spectra", "n_spectra_before"))


class TrainedModel(Portable):
    """Base of posterior and point models: an encoder and the model of the data that it learned.

    Parameters
    ----------
    generative
        Prior, forward model, noise and observing conditions.
    encoder
        Network from packed data to latent vectors.
    card
        Name and provenance of the model.
    """

    kind: ClassVar[str]
    network_names: ClassVar[tuple[str, ...]]

    def __init__(self, generative: GenerativeModel, encoder: Encoder, card: ModelCard) -> None:
        self.generative, self.encoder, self.card = generative, encoder.eval(), card

    def __repr__(self) -> str:
        """Say in one line for which data the model is, and what its networks have seen."""
        instrument, n_spectra = self.instrument, self.card.n_spectra
        grid, bands = instrument.grid, " ".join(instrument.bands) or "no bands"
        training = f"trained on {n_spectra:,} spectra" if n_spectra else "untrained"
        return (
            f"{type(self).__name__} {self.card.name!r}: {self.generative.simulator.basis.library}, "
            f"{instrument.name} ({grid.start_aa:.0f}-{grid.end_aa:.0f} Å; {bands}), "
            f"{self.space.n_param} parameters, {training}, on {self.device}"
        )

    @property
    def networks(self) -> nn.ModuleDict:
        """All networks of the model by name, shared with it."""
        return nn.ModuleDict({name: getattr(self, name) for name in self.network_names})

    @property
    def instrument(self) -> Instrument:
        """Pixels and bands that an observation must have."""
        return self.generative.instrument

    @property
    def space(self) -> ParameterSpace:
        """Names, units and bounds of theta, and its unbounded coordinates u."""
        return self.generative.space

    @property
    def bins(self) -> AgeBins:
        """Age bins of the histories."""
        return self.generative.bins

    @property
    def device(self) -> torch.device:
        """Device on which the networks compute."""
        return next(self.encoder.parameters()).device

    @torch.no_grad()
    def encode(self, observation: Observation) -> Tensor:
        """Latent vectors of observations, shape (n_obs, n_latent)."""
        return self.encoder(self.encoder.layout.pack(observation.to(self.device)))


class PosteriorModel(TrainedModel):
    """Amortized posterior: encoder, flow and the model of the data that they learned.

    Parameters
    ----------
    generative
        Prior, forward model, noise and observing conditions.
    encoder
        Network from packed data to latent vectors.
    flow
        sbi density estimator of u given a latent vector.
    flow_config
        Sizes with which the flow was made.
    card
        Name and provenance of the model.
    """

    kind = "posterior"
    network_names = ("encoder", "flow")

    def __init__(
        self,
        generative: GenerativeModel,
        encoder: Encoder,
        flow: nn.Module,
        flow_config: FlowConfig,
        card: ModelCard,
    ) -> None:
        super().__init__(generative, encoder, card)
        self.flow, self.flow_config = flow.eval(), flow_config

    @classmethod
    def untrained(
        cls,
        generative: GenerativeModel,
        card: ModelCard,
        encoder: EncoderConfig | None = None,
        flow: FlowConfig | None = None,
        *,
        fit_coordinates: bool = True,
    ) -> PosteriorModel:
        """Make a model with networks of the given sizes and fresh weights.

        The fixed coordinates of the flow are fitted to the prior, unless they are to be read, too.
        """
        network = Encoder(Layout.of(generative.instrument), encoder)
        flow = flow or FlowConfig()
        n_latent = network.config.n_latent
        built = flow_over(generative, n_latent, flow, fit_coordinates=fit_coordinates)
        return cls(generative, network, built, flow, card)

    def as_sbi(self) -> Any:
        """The model as an sbi posterior over u given packed data.

        Returns
        -------
        sbi.inference.posteriors.DirectPosterior
            Its prior is the model's prior in the coordinates u; `space.to_theta` turns its samples
            into theta, `encoder.layout.pack` makes its x.
        """
        from sbi.inference.posteriors import DirectPosterior  # noqa: PLC0415 (slow to import)

        from priors.joint import UnboundedPrior  # noqa: PLC0415

        prior = UnboundedPrior(self.generative.prior)
        estimator = embed(self.encoder, self.flow).eval()
        return DirectPosterior(estimator, prior, enable_transform=False)


class PointModel(TrainedModel):
    """Point estimates: encoder, heads and the model of the data that they learned.

    Parameters
    ----------
    generative
        Prior, forward model, noise and observing conditions.
    encoder
        Network from packed data to latent vectors.
    heads
        Network from a latent vector to best estimates.
    card
        Name and provenance of the model.
    """

    kind = "point"
    network_names = ("encoder", "heads")

    def __init__(
        self, generative: GenerativeModel, encoder: Encoder, heads: PointHeads, card: ModelCard
    ) -> None:
        super().__init__(generative, encoder, card)
        self.heads = heads.eval()

    @classmethod
    def untrained(
        cls, generative: GenerativeModel, card: ModelCard, encoder: EncoderConfig | None = None
    ) -> PointModel:
        """Make a model with networks of the given sizes and fresh weights."""
        network = Encoder(Layout.of(generative.instrument), encoder)
        heads = PointHeads(network.config.n_latent, generative.bins.n_bins)
        return cls(generative, network, heads, card)

    @torch.no_grad()
    def estimate(self, observation: Observation, batch_size: int = 1024) -> PointEstimate:
        """Best estimates of observations.

        Parameters
        ----------
        observation
            Batch of n observations on the grid of the model.
        batch_size
            Number of observations that go through the networks at once.

        Returns
        -------
        PointEstimate
            Estimates of all n, on the CPU.
        """
        parts = [
            self.heads(self.encode(observation[start : start + batch_size]))
            for start in range(0, len(observation), batch_size)
        ]
        return PointEstimate(*(torch.cat(p).cpu() for p in zip(*parts, strict=True)))
