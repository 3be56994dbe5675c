"""The contract of an encoder, with one check for all of them.

Whatever its architecture, an encoder has to see the errors, the masks and every band, must not see
what is masked, and treats each spectrum by itself.

To add one, write a module `networks/<name>.py` with an ``nn.Module`` that is made from a `Layout`
and turns packed data of shape (n, n_x) into latent vectors of shape (n, n_latent). `Layout.unpack`
gives it spectrum, precisions, bands and redshift by name; whatever they are, they are finite, in
units of the spectrum itself, and zero where masked. Its test is one call of `check_encoder` with
mocks of any small generative model. To train, write and load it, put it in place of
:class:`~amortized_sfh.networks.encoder.Encoder` where networks are made:
`training.joint_networks.new_networks` and `untrained` of both models in `model.model`. There it
needs the attributes `layout` and `config` (its sizes, a dataclass with `n_latent`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from amortized_sfh.networks.input_layout import Layout
from simulators.observations.observation import Observation

_ATOL = 1e-4


def check_encoder(encoder: nn.Module, layout: Layout, observation: Observation) -> None:
    """Check that an encoder keeps its contract.

    The contract: packed data of shape (n, n_x) give finite latent vectors (n, n_latent), also for
    spectra or bands that are masked altogether, negative or of any unit; rows do not see each
    other; what is masked does not matter, which pixels and bands are masked does, and so do the
    errors, every band and the redshift; every weight gets a gradient.

    Parameters
    ----------
    encoder : nn.Module
        Network from packed data to latent vectors, with fresh weights or trained ones. Its
        gradients are cleared.
    layout : Layout
        Positions of spectrum, bands and redshift in the packed data.
    observation : Observation
        At least eight clean observations, some with masked pixels and bands, on the device of the
        encoder.

    Raises
    ------
    ValueError
        If the encoder breaks the contract; the message lists every breach.

    Examples
    --------
    The shortest encoder that keeps the contract is a single linear layer:

    >>> from simulators.generative import default_generative_model
    >>> generative = default_generative_model("toy", gas=False)
    >>> layout = Layout.of(generative.instrument)
    >>> observation = generative.mock(16, seed=0).observation
    >>> check_encoder(nn.Linear(layout.n_x, 8), layout, observation)

    One that sees no redshift is refused:

    >>> class Blind(nn.Linear):
    ...     def forward(self, x):
    ...         return super().forward(x * (torch.arange(x.shape[1]) != layout.n_x - 2))
    >>> check_encoder(Blind(layout.n_x, 8), layout, observation)
    Traceback (most recent call last):
    ValueError: Blind: the latent vector of a spectrum does not depend on the redshift
    """
    with torch.no_grad():
        breaches = [
            *_finite(encoder, layout, observation),
            *_blind(encoder, layout, observation),
            *_sighted(encoder, layout, observation),
        ]
    breaches += _gradients(encoder, layout, observation)
    if breaches:
        raise ValueError(f"{type(encoder).__name__}: " + "; ".join(breaches))


def _finite(encoder: nn.Module, layout: Layout, observation: Observation) -> Iterator[str]:
    no_pixel = replace(observation, valid=torch.zeros_like(observation.valid))
    no_band = replace(observation, phot_valid=torch.zeros_like(observation.phot_valid))
    cases = {
        "the observation": observation,
        "spectra without a valid pixel": no_pixel,
        "spectra without bands": no_band,
        "neither": replace(no_pixel, phot_valid=no_band.phot_valid),
        "negative fluxes": replace(observation, flux=-observation.flux, phot=-observation.phot),
    }
    for name, case in cases.items():
        latent = encoder(layout.pack(case))
        if latent.ndim != 2 or len(latent) != len(observation):
            yield f"latent vectors of {name} have shape {tuple(latent.shape)}"
        if not bool(torch.isfinite(latent).all()):
            yield f"latent vectors of {name} are not finite"


def _blind(encoder: nn.Module, layout: Layout, observation: Observation) -> Iterator[str]:
    latent = encoder(layout.pack(observation))
    junk: dict[str, Any] = {
        "flux": observation.flux.where(observation.valid, torch.tensor(torch.nan)),
        "sigma": observation.sigma.where(observation.valid, torch.tensor(-1.0)),
        "phot": observation.phot.where(observation.phot_valid, torch.tensor(1e9)),
        "phot_sigma": observation.phot_sigma.where(observation.phot_valid, torch.tensor(0.0)),
    }
    brighter: dict[str, Any] = {name: 64.0 * getattr(observation, name) for name in junk}
    has_unit = observation.valid.any(1) | observation.phot_valid.any(1)
    cases = {
        "what is masked": encoder(layout.pack(replace(observation, **junk))),
        "the unit of the fluxes": encoder(layout.pack(replace(observation, **brighter))),
        "the other rows": torch.cat([encoder(layout.pack(observation[[i]])) for i in range(8)]),
    }
    for name, changed in cases.items():
        rows = has_unit[: len(changed)]
        off = float((changed - latent[: len(changed)])[rows].abs().max())
        if not off < _ATOL * (1.0 + float(latent.abs().max())):
            yield f"the latent vectors depend on {name}: they move by {off:.3g}"


def _sighted(encoder: nn.Module, layout: Layout, observation: Observation) -> Iterator[str]:
    full = replace(
        observation,
        valid=torch.ones_like(observation.valid),
        phot_valid=torch.ones_like(observation.phot_valid),
    ).clean()
    latent = encoder(layout.pack(full))
    gap = full.valid.clone()
    gap[:, layout.n_pix // 3 : layout.n_pix // 2] = False
    cases = {
        "the mask of pixels": replace(full, valid=gap),
        "sigma": replace(full, sigma=2.0 * full.sigma),
        "the redshift": replace(full, redshift=full.redshift + 0.01),
        "the spectrum": replace(full, flux=full.flux.flip(1)),
    }
    for band in range(layout.n_band):
        only = torch.arange(layout.n_band) == band
        cases[f"the mask of band {band}"] = replace(full, phot_valid=full.phot_valid & ~only)
        cases[f"the flux of band {band}"] = replace(full, phot=full.phot * (1.0 + only))
        cases[f"the error of band {band}"] = replace(full, phot_sigma=full.phot_sigma * (1 + only))
    for name, case in cases.items():
        if bool(torch.isclose(encoder(layout.pack(case)), latent, atol=1e-6).all(1).any()):
            yield f"the latent vector of a spectrum does not depend on {name}"


def _gradients(encoder: nn.Module, layout: Layout, observation: Observation) -> Iterator[str]:
    latent: Tensor = encoder(layout.pack(observation))
    encoder.zero_grad(set_to_none=True)
    latent.square().sum().backward()
    for name, parameter in encoder.named_parameters():
        gradient = parameter.grad
        if gradient is None or not bool(torch.isfinite(gradient).all()):
            yield f"weight {name} gets no finite gradient"
        elif not bool(gradient.any()):
            yield f"weight {name} gets no gradient"
    encoder.zero_grad(set_to_none=True)
