"""Checkpoints: what a training needs to go on as if it had never stopped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch.optim.swa_utils import AveragedModel

from amortized_sfh.training.joint_networks import JointNetworks
from simulators.files.whole_files import whole_file


class Checkpoint:
    """What a checkpoint holds.

    Parameters
    ----------
    networks, average, optimiser
        Objects whose state is saved and restored.
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
        """Write atomically, so that a kill leaves the previous checkpoint."""
        content = {name: part.state_dict() for name, part in self._parts.items()}
        with whole_file(path) as partial:
            torch.save({**content, "step": step}, partial)

    def load(self, path: Path) -> int:
        """Restore, if there is a checkpoint; return the steps done."""
        if not path.exists():
            return 0
        content = torch.load(path, weights_only=True, map_location="cpu")
        for name, part in self._parts.items():
            part.load_state_dict(content[name])
        return int(content["step"])
