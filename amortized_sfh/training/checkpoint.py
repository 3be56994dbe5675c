"""Checkpoints, from which a training goes on as if it had never stopped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch.optim.swa_utils import AveragedModel

from amortized_sfh.training.joint_networks import JointNetworks
from simulators.files.whole_files import whole_file


class Checkpoint:
    """State of a training, on disk and restored from there.

    Parameters
    ----------
    networks, average, optimiser
        Networks, running mean of their weights and optimiser; their states are saved, and restored
        in place.
    """

    def __init__(
        self, networks: JointNetworks, average: AveragedModel, optimiser: torch.optim.Optimizer
    ) -> None:
        self._parts: dict[str, Any] = {
            "networks": networks,
            "average": average,
            "optimiser": optimiser,
        }

    def save(self, path: Path, step: int) -> None:
        """Write the state after `step` steps; if it is killed, the previous file is left."""
        content = {name: part.state_dict() for name, part in self._parts.items()}
        with whole_file(path) as partial:
            torch.save({**content, "step": step}, partial)

    def load(self, path: Path) -> int:
        """Restore the state, if there is a file; return the number of steps done, else 0."""
        if not path.exists():
            return 0
        content = torch.load(path, weights_only=True, map_location="cpu")
        for name, part in self._parts.items():
            part.load_state_dict(content[name])
        return int(content["step"])
