"""Trained models: networks, what they were trained on, and how.

A model on disk is a folder with `model.json` (everything but numbers) and `weights.safetensors`
(the weights and the SSP basis). Neither can run code when it is loaded, and a hash ties them
together.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from amortized_sfh.networks.encoder import Encoder, EncoderConfig
from amortized_sfh.networks.flow import FlowConfig, embed, flow_over
from amortized_sfh.networks.input_layout import Layout
from amortized_sfh.networks.point_heads import PointEstimate, PointHeads
from priors.ages import AgeBins
from priors.space import ParameterSpace
from simulators.generative import GenerativeModel
from simulators.instruments.instrument import Instrument
from simulators.observations.observation import Observation


@dataclass(frozen=True, kw_only=True)
class ModelCard:
    """What is known of a trained model.

    Parameters
    ----------
    name
        Name, such as "phangs-bc03".
    training
        How it was trained: command, seed, number of spectra, hours, machine, last losses.
    metrics
        Measured performance.
    package_version
        Version that wrote it.
    """

    name: str
    training: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, Any] = field(default_factory=dict)
    package_version: str = ""


class PosteriorModel:
    """Amortized posterior: encoder, flow and the model of the data that they learned.

    Parameters
    ----------
    generative
        Prior, forward model and noise.
    encoder
        Packed data to latent vector.
    flow
        sbi density estimator of u given the latent vector.
    flow_config
        Its sizes.
    card
        Name and provenance.
    """

    kind = "posterior"

    def __init__(
        self,
        generative: GenerativeModel,
        encoder: Encoder,
        flow: nn.Module,
        flow_config: FlowConfig,
        card: ModelCard,
    ) -> None:
        self.generative, self.encoder, self.flow = generative, encoder.eval(), flow.eval()
        self.flow_config, self.card = flow_config, card

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
        """Networks of the given sizes with fresh weights.

        The fixed coordinates of the flow are fitted to the prior, unless they are to be read, too.
        """
        network = Encoder(Layout.of(generative.instrument), encoder)
        flow = flow or FlowConfig()
        n_latent = network.config.n_latent
        built = flow_over(generative, n_latent, flow, fit_coordinates=fit_coordinates)
        return cls(generative, network, built, flow, card)

    @property
    def networks(self) -> nn.ModuleDict:
        """All that has weights."""
        return nn.ModuleDict({"encoder": self.encoder, "flow": self.flow})

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
        """Where the networks compute."""
        return next(self.encoder.parameters()).device

    @torch.no_grad()
    def encode(self, observation: Observation) -> Tensor:
        """Latent vectors of observations, shape (n_obs, n_latent)."""
        return self.encoder(self.encoder.layout.pack(observation.to(self.device)))

    def as_sbi(self) -> Any:
        """The model as an sbi posterior over u given packed data.

        Returns
        -------
        sbi.inference.posteriors.DirectPosterior
            Its prior is the model's prior in the coordinates u; `generative.space.to_theta`
            turns its samples into theta, `encoder.layout.pack` makes its x.
        """
        from sbi.inference.posteriors import DirectPosterior  # noqa: PLC0415 (slow to import)

        from priors.joint import UnboundedPrior  # noqa: PLC0415

        prior = UnboundedPrior(self.generative.prior)
        estimator = embed(self.encoder, self.flow).eval()
        return DirectPosterior(estimator, prior, enable_transform=False)

    def to(self, device: torch.device | str) -> PosteriorModel:
        """Move the networks in place, and the generative model."""
        return PosteriorModel(
            self.generative.to(device),
            self.encoder.to(device),
            self.flow.to(device),
            self.flow_config,
            self.card,
        )


class PointModel:
    """Point estimates: encoder and heads.

    Parameters
    ----------
    generative
        Prior, forward model and noise.
    encoder
        Packed data to latent vector.
    heads
        Latent vector to estimates.
    card
        Name and provenance.
    """

    kind = "point"

    def __init__(
        self, generative: GenerativeModel, encoder: Encoder, heads: PointHeads, card: ModelCard
    ) -> None:
        self.generative, self.encoder, self.heads = generative, encoder.eval(), heads.eval()
        self.card = card

    @classmethod
    def untrained(
        cls, generative: GenerativeModel, card: ModelCard, encoder: EncoderConfig | None = None
    ) -> PointModel:
        """Networks of the given sizes with fresh weights."""
        network = Encoder(Layout.of(generative.instrument), encoder)
        heads = PointHeads(network.config.n_latent, generative.bins.n_bins)
        return cls(generative, network, heads, card)

    @property
    def networks(self) -> nn.ModuleDict:
        """All that has weights."""
        return nn.ModuleDict({"encoder": self.encoder, "heads": self.heads})

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
        """Where the networks compute."""
        return next(self.encoder.parameters()).device

    @torch.no_grad()
    def estimate(self, observation: Observation, batch_size: int = 1024) -> PointEstimate:
        """Best estimates of observations.

        Parameters
        ----------
        observation
            Batch of n observations.
        batch_size
            Observations per pass.

        Returns
        -------
        PointEstimate
            On the CPU.
        """
        parts = []
        for start in range(0, len(observation), batch_size):
            part = observation[start : start + batch_size].to(self.device)
            parts.append(self.heads(self.encoder(self.encoder.layout.pack(part))))
        return PointEstimate(*(torch.cat(p).cpu() for p in zip(*parts, strict=True)))

    def to(self, device: torch.device | str) -> PointModel:
        """Move the networks in place, and the generative model."""
        return PointModel(
            self.generative.to(device), self.encoder.to(device), self.heads.to(device), self.card
        )
