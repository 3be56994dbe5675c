"""The workflow of `amortized-sfh train`: a posterior and a point model from one stream."""

from __future__ import annotations

import json
import platform
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from amortized_sfh.model.model import ModelCard, PointModel, PosteriorModel
from amortized_sfh.model.model_files import describe_generative_model, load_model, save_model
from amortized_sfh.networks.encoder import Encoder
from amortized_sfh.networks.flow import FlowConfig
from amortized_sfh.plotting import plot_loss
from amortized_sfh.requests.generative import TrainRequest
from amortized_sfh.requests.toml_files import write_request
from amortized_sfh.training.encoded_set import EncodedSet, encode_to_file
from amortized_sfh.training.joint_networks import (
    JointNetworks,
    new_networks,
    take_over,
    trained_weights,
)
from amortized_sfh.training.loop import Batches, train
from amortized_sfh.training.loss_curve import last_losses, spectra_seen
from amortized_sfh.training.prefetch import prefetch
from amortized_sfh.training.schedule import TrainingConfig
from amortized_sfh.training.stream import Stream
from amortized_sfh.training.training_set import TrainingSet
from amortized_sfh.workflows.generative import read_generative_model
from simulators.generative import GenerativeModel
from simulators.runs.device import choose_device
from simulators.surveys.preset import SurveyPreset, read_preset

_GENERATIVE_FILE = "generative.json"


def run_train(request: TrainRequest, *, command: str = "") -> None:
    """Train the models of a request, or go on with the training in its folder.

    Parameters
    ----------
    request
        The request; it is kept in the folder.
    command
        Command line for the record of the models; none where the request was made in Python.

    Raises
    ------
    FileNotFoundError, ModelFileError
        If a file or a model is missing or cannot be used.
    ValueError
        If the folder holds a training for something else, or a number is out of range.

    Notes
    -----
    The folder receives `generative.json` (what the models are for), `request.toml`,
    `checkpoint.pt`, `loss.csv` and `loss.png`, and, when the training is complete, the models
    `<name>` and `<name>-point`.
    """
    device = choose_device(request.device)
    # denormal numbers in the optimiser's moments are slow on CPUs and worth nothing
    torch.set_flush_denormal(True)
    torch.manual_seed(request.seed)
    preset = read_preset(request.generative.preset)
    config = TrainingConfig(
        n_spectra=request.passes * (preset.n_spectra if request.n is None else request.n),
        batch_size=request.batch_size,
        learning_rate=request.learning_rate,
    )
    generative = read_generative_model(request.generative, device)
    networks = new_networks(generative)
    if request.start_from is not None:
        take_over(networks, trained_weights(request.start_from))
        networks.encoder.requires_grad_(not request.freeze_encoder)
    networks = networks.to(device)
    if request.freeze_encoder:
        _keep_generative_model(generative, request.out)
        batches = _encoded_batches(request, networks.encoder, generative, config)
    else:
        batches = _batches(request, generative, preset, config, device)
        batches(0)  # what is wrong with them shows before anything is written
        _keep_generative_model(generative, request.out)
    write_request(request, request.out / "request.toml")
    with tqdm(total=config.n_steps, unit="step", desc="train", smoothing=0.02) as bar:

        def show(step: int, loss: float) -> None:
            bar.update(step - bar.n)
            bar.set_postfix(nats=f"{loss:.2f}", refresh=False)

        average = train(networks, batches, config, request.out, show)
    record = {"command": command, **_record(request, config, device)}
    name = request.name or request.generative.model_name(preset.name)
    _export(average, generative, name, record, request.out)
    plot_loss(request.out / "loss.csv", request.out / "loss.png")


def _record(request: TrainRequest, config: TrainingConfig, device: str) -> dict[str, Any]:
    """Record of a complete training, for the cards of its models."""
    on_gpu = device.startswith("cuda")
    cpu = f"{platform.machine()} CPU, {torch.get_num_threads()} threads"
    record = {
        "seed": request.seed,
        "n_spectra": config.n_steps * config.batch_size,
        "passes": request.passes,
        "machine": torch.cuda.get_device_name(device) if on_gpu else cpu,
        "schedule": asdict(config),
        **last_losses(request.out / "loss.csv"),
    }
    if request.start_from is not None:
        curve = Path(request.start_from) / "loss.csv"
        known = curve.is_file()
        before = spectra_seen(curve) if known else load_model(request.start_from).card.n_spectra
        record["n_spectra_before"] = before
    return record


def _export(
    networks: JointNetworks, generative: GenerativeModel, name: str, record: dict, folder: Path
) -> None:
    """Write the posterior model and the point model, whose name ends in "-point"."""
    networks, generative = networks.to("cpu"), generative.to("cpu")
    encoder, card = networks.encoder, ModelCard(name=name, training=record)
    posterior = PosteriorModel(generative, encoder, networks.flow, FlowConfig(), card)
    point_card = replace(card, name=f"{name}-point")
    for model in (posterior, PointModel(generative, encoder, networks.heads, point_card)):
        save_model(model, folder / model.card.name)


def _keep_generative_model(generative: GenerativeModel, folder: Path) -> None:
    """Keep beside a training what it is for, so that nothing else goes on with it."""
    path, described = folder / _GENERATIVE_FILE, describe_generative_model(generative)
    if path.exists():
        kept = json.loads(path.read_text("utf-8"))
        other = [name for name, value in described.items() if kept.get(name) != value]
        if other:
            raise ValueError(
                f"{folder} holds a training with another {', '.join(other)}: choose another "
                "folder, or the options with which it was begun"
            )
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(described, indent=1) + "\n", "utf-8")


def _batches(
    request: TrainRequest,
    generative: GenerativeModel,
    preset: SurveyPreset,
    config: TrainingConfig,
    device: str,
) -> Batches:
    """Source of batches from any step on: the stream, or a file that was made for the survey."""
    if request.data is None:
        stream = Stream(generative, request.seed)
        source = partial(prefetch, stream) if request.prefetch else stream.batches
        return lambda step: source(config.batch_size, step)
    data = TrainingSet(request.data)
    if data.instrument != preset.instrument:
        raise ValueError(
            f"{request.data} was simulated for instrument {data.instrument.name!r}, the training "
            f"is for preset {preset.name!r}: give the --preset with which the file was made"
        )
    return lambda step: (
        batch.to(device) for batch in data.batches(config.batch_size, request.seed, first_step=step)
    )


def _encoded_batches(
    request: TrainRequest, encoder: Encoder, generative: GenerativeModel, config: TrainingConfig
) -> Batches:
    """Source of batches for a frozen encoder, which sees its spectra once, now."""
    n = config.n_spectra // request.passes
    stream, path = Stream(generative, request.seed), request.out / "encoded.h5"
    with tqdm(total=n, unit="spectrum", desc="encode") as bar:

        def show(done: int) -> None:
            bar.update(min(done, n) - bar.n)

        encode_to_file(encoder.eval(), stream, n, path, show)
    encoded = EncodedSet(path, generative.simulator.device)
    return partial(encoded.batches, config.batch_size, request.seed)
