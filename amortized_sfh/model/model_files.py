"""Trained models on disk.

A model is a folder with `model.json` (everything but arrays) and `weights.safetensors` (the weights
and the SSP basis). Neither can run code when it is loaded, and a hash ties them together.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor, nn

from amortized_sfh._version import __version__
from amortized_sfh.model.model import ModelCard, PointModel, PosteriorModel
from amortized_sfh.networks.encoder import EncoderConfig
from amortized_sfh.networks.flow import FlowConfig
from priors.ages import AgeBins
from priors.defaults import default_prior
from priors.families.nuisance import default_nuisances
from priors.joint import JointPrior
from simulators.forward.simulator import Simulator
from simulators.generative import GenerativeModel
from simulators.instruments.instrument import Instrument
from simulators.noise.noise_model_storage import build_noise, describe_noise, noise_arrays
from simulators.observations.conditions import ConditionsPrior
from simulators.populations.nebular_basis import NebularBasis
from simulators.populations.ssp_basis import SSPBasis
from simulators.wavelengths.velocity_grid import VelocityGrid

SCHEMA_VERSION = 3
CARD_FILE, WEIGHTS_FILE = "model.json", "weights.safetensors"
PRETRAINED = Path(__file__).parent / "pretrained"
_FLOW_UNTIL_SCHEMA_2 = {"direct": ()}
_NEBULAR_TENSORS = ("mh", "log_u", "continuum", "nodes", "line_wave_aa", "line_lum")
_SPECTRA = ("basis.spectra", "nebular.continuum")
_BASIS_TENSORS = ("mh", "spectra", "nodes", "lum_v", "mass_alive", "fwhm_aa")


class ModelFileError(ValueError):
    """A model on disk that cannot be used; the message says why and what to do."""


def save_model(model: PosteriorModel | PointModel, folder: str | Path) -> None:
    """Write a model.

    Parameters
    ----------
    model
        Posterior or point model. Its weights are stored in half precision, and so are the spectra
        of the SSP basis, relative to the mean of each (rounded to 0.03 %); the rest in single.
    folder
        Folder of the model, created if need be; an existing model in it is replaced.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    basis = model.generative.simulator.basis
    tensors = {f"basis.{n}": getattr(basis, n).contiguous() for n in _BASIS_TENSORS}
    if basis.nebular is not None:
        # means of tensors that are not contiguous are summed in another order
        nebular = {n: getattr(basis.nebular, n).contiguous() for n in _NEBULAR_TENSORS}
        tensors |= {f"nebular.{n}": value for n, value in nebular.items()}
    for name in _SPECTRA:
        if name in tensors:
            level = tensors[name].mean(-1, keepdim=True)
            tensors[name] = (tensors[name] / level).half()
            tensors[f"{name}.level"] = level
    tensors |= {f"noise.{n}": v for n, v in noise_arrays(model.generative.noise).items()}
    learned = {name for name, _ in model.networks.named_parameters()}
    for name, value in model.networks.state_dict().items():
        # the fixed coordinates of the flow are buffers and keep their precision
        tensors[f"networks.{name}"] = value.half() if name in learned else value
    data = save_tensors({name: value.cpu().contiguous() for name, value in tensors.items()})
    card = _describe(model)
    card["sha256"] = _digest(card, data)
    (folder / WEIGHTS_FILE).write_bytes(data)
    (folder / CARD_FILE).write_text(json.dumps(card, indent=1) + "\n")


def load_model(name: str | Path = "phangs-bc03", device: str = "cpu") -> PosteriorModel:
    """Read a posterior model.

    Parameters
    ----------
    name
        Name of a model that the package carries, or a folder (`./phangs-bc03` if it has the name of
        such a model).
    device
        torch device on which the model computes.

    Returns
    -------
    PosteriorModel
        The model with its weights in single precision, ready to infer.

    Raises
    ------
    ModelFileError
        If there is no such model, or it is damaged, of another kind or of a newer version of the
        files.
    """
    card, tensors, generative = _read(name, PosteriorModel.kind)
    model = PosteriorModel.untrained(
        generative,
        _provenance(card),
        EncoderConfig(**card["encoder"]),
        FlowConfig.from_dict({**_FLOW_UNTIL_SCHEMA_2, **card["flow"]}),
        fit_coordinates=False,
    )
    _fill(model.networks, tensors, str(name))
    return model.to(device)


def load_point_model(name: str | Path = "phangs-bc03-point", device: str = "cpu") -> PointModel:
    """Read a point model; arguments and errors as `load_model`."""
    card, tensors, generative = _read(name, PointModel.kind)
    model = PointModel.untrained(generative, _provenance(card), EncoderConfig(**card["encoder"]))
    _fill(model.networks, tensors, str(name))
    return model.to(device)


def available_models() -> list[str]:
    """Names of the models that the package carries, posterior and point models.

    Examples
    --------
    >>> "phangs-bc03" in available_models()
    True
    """
    return sorted(path.parent.name for path in PRETRAINED.glob(f"*/{CARD_FILE}"))


def describe_generative_model(generative: GenerativeModel) -> dict[str, Any]:
    """Describe the model of the data as plain values for JSON: everything but arrays.

    Parameters
    ----------
    generative
        Prior, forward model, noise and observing conditions.

    Returns
    -------
    dict
        Age bins, parameters, instrument, noise, conditions and library; equal for models of the
        data for which the same training can go on.
    """
    basis = generative.simulator.basis
    described: dict[str, Any] = {
        "age_edges_gyr": list(generative.bins.edges_gyr),
        "space": generative.space.to_dict(),
        "instrument": generative.instrument.to_dict(),
        "noise": describe_noise(generative.noise),
        "conditions": asdict(generative.conditions),
        "library": {n: getattr(basis, n) for n in ("library", "sha256", "mass_kind")},
        "nebular": basis.nebular and {n: getattr(basis.nebular, n) for n in ("name", "sha256")},
        "log_grid": asdict(basis.velocity_grid),
    }
    return json.loads(json.dumps(described))


def _describe(model: PosteriorModel | PointModel) -> dict[str, Any]:
    """Everything but numbers, as plain values."""
    card: dict[str, Any] = {
        "schema": SCHEMA_VERSION,
        "kind": model.kind,
        "card": asdict(replace(model.card, package_version=__version__)),
        **describe_generative_model(model.generative),
        "encoder": asdict(model.encoder.config),
    }
    if isinstance(model, PosteriorModel):
        card["flow"] = model.flow_config.to_dict()
    return json.loads(json.dumps(card))


def _provenance(card: dict[str, Any]) -> ModelCard:
    """Name and provenance of a model; early files also have `metrics`, always empty."""
    return ModelCard(**{name: value for name, value in card["card"].items() if name != "metrics"})


def _digest(card: dict[str, Any], data: bytes) -> str:
    """Hash over the card without its own hash, and the weights."""
    content = {key: value for key, value in card.items() if key != "sha256"}
    text = json.dumps(content, sort_keys=True).encode()
    return hashlib.sha256(text + data).hexdigest()


def _folder(name: str | Path, kind: str) -> Path:
    """Folder of a model by name or path; a name means the package's, whatever lies around."""
    carried = isinstance(name, str) and name in available_models()
    folder = PRETRAINED / name if carried else Path(name)
    if (folder / CARD_FILE).is_file():
        return folder
    if Path(name).is_file():
        raise ModelFileError(
            f"{name} is a file; a model is a folder with {CARD_FILE} and {WEIGHTS_FILE} "
            "(pickled models are not loaded, because loading one can run code)"
        )
    is_point = kind == PointModel.kind
    fitting = [n for n in available_models() if n.endswith("-point") == is_point]
    raise ModelFileError(
        f"no model {str(name)!r}: expected one of {', '.join(fitting) or '(none)'} "
        f"or a folder with {CARD_FILE}"
    )


def _read(name: str | Path, kind: str) -> tuple[dict[str, Any], dict[str, Tensor], GenerativeModel]:
    """Card, tensors and generative model, after all checks."""
    folder = _folder(name, kind)
    try:
        card = json.loads((folder / CARD_FILE).read_text())
        data = (folder / WEIGHTS_FILE).read_bytes()
    except (OSError, ValueError) as error:
        raise ModelFileError(f"model in {folder} cannot be read ({error}): get it again") from error
    if not isinstance(card, dict) or "schema" not in card:
        raise ModelFileError(f"{folder / CARD_FILE} is not a model card: get the model again")
    if card["schema"] not in range(1, SCHEMA_VERSION + 1):
        raise ModelFileError(
            f"model in {folder} has schema {card['schema']}, this version reads up to "
            f"{SCHEMA_VERSION}: upgrade amortized-sfh or take a model of its version"
        )
    if card.get("sha256") != _digest(card, data):
        raise ModelFileError(
            f"model in {folder} does not match its hash: it was truncated or changed; get it again"
        )
    if card["kind"] != kind:
        raise ModelFileError(
            f"model in {folder} is a {card['kind']} model, expected a {kind} model"
        )
    tensors = load_tensors(data)
    for spectra in _SPECTRA:
        if f"{spectra}.level" in tensors:  # files of schema 1 and early ones of 2 are in single
            tensors[spectra] = tensors[spectra].float() * tensors.pop(f"{spectra}.level")
    return card, tensors, _generative(card, tensors, folder)


def _generative(card: dict[str, Any], tensors: dict[str, Tensor], folder: Path) -> GenerativeModel:
    """Rebuild what the model was trained on."""
    instrument = Instrument.from_dict(card["instrument"])
    gas = _part(tensors, "nebular.")
    basis = SSPBasis(
        **_part(tensors, "basis."),
        velocity_grid=VelocityGrid(**card["log_grid"]),
        **card["library"],
        # files of schema 1 have no light of the gas, nor have models without any
        nebular=NebularBasis(**gas, **card["nebular"]) if gas else None,
    )
    prior = _prior(card, folder)
    return GenerativeModel(
        prior,
        Simulator(basis, prior.space, prior.bins, instrument),
        build_noise(instrument, card["noise"], _part(tensors, "noise.")),
        ConditionsPrior.from_dict(card["conditions"]),
    )


def _part(tensors: dict[str, Tensor], prefix: str) -> dict[str, Any]:
    """Tensors whose names start with a prefix, without it."""
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}


def _prior(card: dict[str, Any], folder: Path) -> JointPrior:
    """The default prior, if the model was trained on it."""
    names = {p["name"] for p in card["space"]["parameters"]}
    nuisances = [item for item in default_nuisances() if item.name in names]
    prior = default_prior(AgeBins(tuple(card["age_edges_gyr"])), nuisances)
    if json.loads(json.dumps(prior.space.to_dict())) != card["space"]:
        raise ModelFileError(
            f"model in {folder} was trained with another prior than this version's default: use "
            f"the version that wrote it ({card['card']['package_version']})"
        )
    return prior


def _fill(networks: nn.Module, tensors: dict[str, Tensor], name: str) -> None:
    """Load the weights in single precision."""
    state = {
        key: value.float() if value.dtype == torch.float16 else value
        for key, value in _part(tensors, "networks.").items()
    }
    try:
        networks.load_state_dict(state)
    except RuntimeError as error:
        raise ModelFileError(f"weights of model {name!r} do not fit its card: {error}") from error
