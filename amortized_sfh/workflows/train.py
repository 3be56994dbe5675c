"""Train a posterior and a point model on one stream, and write both."""

from __future__ import annotations

import json
import platform
from argparse import Namespace
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch
from tqdm import tqdm

from amortized_sfh.cli.nature import DEFAULT_LIBRARY
from amortized_sfh.cli.presets import DEFAULT_PRESET
from amortized_sfh.model.model import ModelCard, PointModel, PosteriorModel
from amortized_sfh.model.model_files import describe_nature, load_model, save_model
from amortized_sfh.networks.encoder import Encoder
from amortized_sfh.networks.flow import FlowConfig
from amortized_sfh.plotting import plot_loss
from amortized_sfh.training.encoded_set import LatentSet, encode_to_file
from amortized_sfh.training.joint_networks import Trainee, new_trainee, take_over, trained_weights
from amortized_sfh.training.loop import Batches, train
from amortized_sfh.training.loss_curve import last_losses, spectra_seen
from amortized_sfh.training.prefetch import prefetch
from amortized_sfh.training.schedule import TrainingConfig
from amortized_sfh.training.stream import Stream
from amortized_sfh.training.training_set import TrainingSet
from amortized_sfh.workflows.generative import read_nature
from simulators.generative import GenerativeModel
from simulators.surveys.survey import SurveyPreset, read_preset

NATURE_FILE = "nature.json"
#: The model that a training without options makes.
DEFAULT_MODEL = "phangs-bc03"


def train_models(options: Namespace, device: str) -> None:
    """Train as the command line asks, or go on with the training in `options.out`.

    Parameters
    ----------
    options
        Of `amortized-sfh train`.
    device
        Where to compute.

    Notes
    -----
    Writes `nature.json` (what it is for), `checkpoint.pt`, `loss.csv` and `loss.png` into the
    folder, and, when the training is complete, the models `<name>` and `<name>-point`.
    """
    # denormal numbers in the optimiser's moments are slow on CPUs and worth nothing
    torch.set_flush_denormal(True)
    torch.manual_seed(options.seed)
    preset = read_preset(options.preset)
    _check_frozen(options)
    config = TrainingConfig(
        n_spectra=options.passes * (preset.n_spectra if options.n is None else options.n),
        batch_size=options.batch_size,
        learning_rate=options.learning_rate,
    )
    generative = read_nature(options, device)
    data = None if options.data is None else open_training_set(options.data, preset)
    trainee = new_trainee(generative)
    if options.start_from is not None:
        take_over(trainee, trained_weights(options.start_from))
        trainee.encoder.requires_grad_(not options.freeze_encoder)
    trainee = trainee.to(device)
    if options.freeze_encoder:
        keep_nature(generative, options.out)
        batches = _encoded_batches(options, trainee.encoder, generative, config)
    else:
        batches = _batches(options, generative, data, config, device)
        batches(0)  # what is wrong with them shows before anything is written
        keep_nature(generative, options.out)
    with tqdm(total=config.n_steps, unit="step", desc="train", smoothing=0.02) as bar:

        def show(step: int, loss: float) -> None:
            bar.update(step - bar.n)
            bar.set_postfix(nats=f"{loss:.2f}", refresh=False)

        average = train(trainee, batches, config, options.out, show)
    record = {
        "command": options.command_line,
        "seed": options.seed,
        "n_spectra": config.n_steps * config.batch_size,
        "passes": options.passes,
        "machine": _machine(device),
        "schedule": config.to_dict(),
        **last_losses(options.out / "loss.csv"),
    }
    if options.start_from is not None:
        record["n_spectra_before"] = _spectra_before(options.start_from)
    export(average, generative, model_name(options, preset), record, options.out)
    plot_loss(options.out / "loss.csv", options.out / "loss.png")


def model_name(options: Namespace, preset: SurveyPreset) -> str:
    """Name of the model: as given, that of the model it is like, or that of the survey."""
    if options.name is not None:
        return options.name
    if options.like is not None:
        return Path(options.like).name
    if preset.name == DEFAULT_PRESET and options.library == DEFAULT_LIBRARY:
        return DEFAULT_MODEL
    return preset.name


def export(
    trainee: Trainee, generative: GenerativeModel, name: str, record: dict, folder: Path
) -> None:
    """Write the posterior model and the point model of a trainee.

    Parameters
    ----------
    trainee
        Trained networks.
    generative
        What they were trained on.
    name
        Name of the posterior model; the other one gets the suffix "-point".
    record
        How they were trained.
    folder
        Receives a folder per model.
    """
    trainee, generative = trainee.to("cpu"), generative.to("cpu")
    card = ModelCard(name=name, training=record)
    posterior = PosteriorModel(generative, trainee.encoder, trainee.flow, FlowConfig(), card)
    save_model(posterior, folder / name)
    point_card = replace(card, name=f"{name}-point")
    point = PointModel(generative, trainee.encoder, trainee.heads, point_card)
    save_model(point, folder / point_card.name)


def keep_nature(generative: GenerativeModel, folder: Path) -> None:
    """Keep beside a training what it is for, so that nothing else goes on with it.

    Parameters
    ----------
    generative
        What the training draws from.
    folder
        Of the training; created if need be.

    Raises
    ------
    ValueError
        If the folder holds a training for something else.
    """
    path, described = folder / NATURE_FILE, describe_nature(generative)
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


def open_training_set(path: Path, preset: SurveyPreset) -> TrainingSet:
    """Open the training set of a survey.

    Parameters
    ----------
    path
        File made by `amortized-sfh simulate`.
    preset
        The survey that is trained for.

    Returns
    -------
    TrainingSet
        With the noise and the conditions of the file.

    Raises
    ------
    ValueError
        If the file was made for another instrument.
    """
    data = TrainingSet(path)
    if data.instrument != preset.instrument:
        raise ValueError(
            f"{path} was simulated for instrument {data.instrument.name!r}, the training is for "
            f"preset {preset.name!r}: give the --preset with which the file was made"
        )
    return data


def _batches(
    options: Namespace,
    generative: GenerativeModel,
    data: TrainingSet | None,
    config: TrainingConfig,
    device: str,
) -> Batches:
    """Source of batches from any step on: a file, or the stream."""
    if data is None:
        stream = Stream(generative, options.seed)
        source = partial(prefetch, stream) if options.prefetch else stream.batches
        return lambda step: source(config.batch_size, step)

    return lambda step: (
        batch.to(device) for batch in data.batches(config.batch_size, options.seed, first_step=step)
    )


def _check_frozen(options: Namespace) -> None:
    """Refuse options that do not go with a frozen encoder, or only with one."""
    rules = {
        "--freeze-encoder keeps the encoder of another training: add --start-from": (
            options.freeze_encoder and options.start_from is None
        ),
        "--freeze-encoder encodes a stream, as fast as it can: leave out --data and --prefetch": (
            options.freeze_encoder and (options.data is not None or options.prefetch)
        ),
        "--passes sees encoded spectra again: add --freeze-encoder": (
            options.passes != 1 and not options.freeze_encoder
        ),
    }
    broken = [rule for rule, is_broken in rules.items() if is_broken]
    if broken:
        raise ValueError("; ".join(broken))


def _encoded_batches(
    options: Namespace, encoder: Encoder, generative: GenerativeModel, config: TrainingConfig
) -> Batches:
    """Source of batches for a frozen encoder, which sees its spectra once, now."""
    n = config.n_spectra // options.passes
    stream, path = Stream(generative, options.seed), options.out / "latents.h5"
    with tqdm(total=n, unit="spectrum", desc="encode") as bar:

        def show(done: int) -> None:
            bar.update(min(done, n) - bar.n)

        encode_to_file(encoder.eval(), stream, n, path, show)
    latents = LatentSet(path, generative.simulator.device)
    return partial(latents.batches, config.batch_size, options.seed)


def _spectra_before(source: str) -> int:
    """Spectra that the networks to start from have seen, as far as is recorded."""
    curve = Path(source) / "loss.csv"
    if curve.is_file():
        return spectra_seen(curve)
    training = load_model(source).card.training
    return int(training.get("n_spectra", 0)) + int(training.get("n_spectra_before", 0))


def _machine(device: str) -> str:
    """What it was trained on."""
    if device.startswith("cuda"):
        return torch.cuda.get_device_name(device)
    return f"{platform.machine()} CPU, {torch.get_num_threads()} threads"
