"""Checkpoints, from which a training goes on as if it had never stopped."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from simulators.files.whole_files import whole_file


def save_checkpoint(path: Path, step: int, parts: Mapping[str, Any]) -> None:
    """Write the state of a training; if that is killed, the previous file is left.

    Parameters
    ----------
    path
        File of the checkpoint; an existing one is replaced.
    step
        Number of steps done.
    parts
        Networks, their running mean and the optimiser, by name: whatever has a `state_dict`.
    """
    with whole_file(path) as partial:
        torch.save(
            {name: part.state_dict() for name, part in parts.items()} | {"step": step}, partial
        )


def load_checkpoint(path: Path, parts: Mapping[str, Any]) -> int:
    """Restore the state of a training, if there is a file.

    Parameters
    ----------
    path
        File of the checkpoint.
    parts
        Networks, their running mean and the optimiser, as for `save_checkpoint`; their state
        becomes that of the file.

    Returns
    -------
    int
        Number of steps done; 0 without a file, and nothing is changed.
    """
    if not path.exists():
        return 0
    content = torch.load(path, weights_only=True, map_location="cpu")
    for name, part in parts.items():
        part.load_state_dict(content[name])
    return int(content["step"])
