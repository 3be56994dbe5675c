"""The training loop: encoder, flow and point heads on one stream, with checkpoints."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from amortized_sfh.training.checkpoint import load_checkpoint, save_checkpoint
from amortized_sfh.training.encoded_set import EncodedBatch
from amortized_sfh.training.joint_networks import JointNetworks
from amortized_sfh.training.loss_curve import LossLog
from amortized_sfh.training.schedule import TrainingConfig, learning_rate
from amortized_sfh.training.stream import Batch

Batches = Callable[[int], Iterator[Batch | EncodedBatch]]
Tensors = tuple[Tensor, ...] | list[Tensor]


def train(
    networks: JointNetworks,
    batches: Batches,
    config: TrainingConfig,
    folder: Path,
    on_step: Callable[[int, float], None] | None = None,
) -> JointNetworks:
    """Train, or go on with the training in `folder`.

    Parameters
    ----------
    networks
        Networks to train, changed in place.
    batches
        Function that takes a number of steps already done and yields the batches from there on.
    config
        Length and schedule of the training.
    folder
        Folder of the training, which receives `checkpoint.pt` (weights and optimiser) and
        `loss.csv`.
    on_step
        Called with the number of steps done and the last loss of the flow in nats after each step;
        nothing by default.

    Returns
    -------
    JointNetworks
        Networks with the running mean of the weights.

    Raises
    ------
    FloatingPointError
        If the loss is not finite for ten steps in a row.
    """
    folder.mkdir(parents=True, exist_ok=True)
    optimiser = torch.optim.AdamW(
        networks.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay
    )
    average = AveragedModel(networks, multi_avg_fn=running_mean(config.average_decay))
    parts = {"networks": networks, "average": average, "optimiser": optimiser}
    step = load_checkpoint(folder / "checkpoint.pt", parts)
    log = LossLog(folder / "loss.csv", step, config)
    stream, n_bad = batches(step), 0
    while step < config.n_steps:
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(step, config)
        density_loss, point_loss = networks.losses(next(stream))
        loss = density_loss + config.point_weight * point_loss
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        norm = nn.utils.clip_grad_norm_(networks.parameters(), config.gradient_clip)
        if bool(torch.isfinite(norm)):
            optimiser.step()
            average.update_parameters(networks)
            n_bad = 0
        else:
            n_bad += 1
            if n_bad >= 10:
                raise FloatingPointError(
                    f"gradient not finite for {n_bad} steps at step {step}: lower learning_rate "
                    f"({config.learning_rate}) and go on from the last checkpoint"
                )
        step += 1
        log.add(step, density_loss, point_loss)
        if on_step is not None:
            on_step(step, float(density_loss.detach()))
        if step % config.checkpoint_every == 0 or step == config.n_steps:
            save_checkpoint(folder / "checkpoint.pt", step, parts)
    return cast(JointNetworks, average.module)


def running_mean(decay: float) -> Callable[[Tensors, Tensors, Tensor | int], None]:
    """Exponential running mean of weights that forgets its first ones.

    After n steps a share of at most (1 + n) / (10 + n) is kept, so that the mean spans the last
    tenth of a short training instead of the random weights at its start.

    Parameters
    ----------
    decay
        Largest share of the mean that is kept per step.

    Returns
    -------
    callable
        Update for `torch.optim.swa_utils.AveragedModel`: changes the means (first list) in place,
        given the weights (second list) and how many of them the means hold.
    """

    def update(means: Tensors, weights: Tensors, n_averaged: Tensor | int) -> None:
        n = int(n_averaged)
        get_ema_multi_avg_fn(min(decay, (1 + n) / (10 + n)))(means, weights, n)

    return update
