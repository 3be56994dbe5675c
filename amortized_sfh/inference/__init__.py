"""From observations to posterior draws, with checks of the data against what the draws predict.

`infer` draws with the `sampler` of a model's flow and returns `samples`, which `draw_files` writes.
`imposed_kinematics` makes the draws keep to measured velocities, `predictive_checks` compares their
light with the data, and `noise_scale` enlarges error bars to the scatter of the data.
"""

from __future__ import annotations

from amortized_sfh.inference.sampler import FlowSampler

__all__ = ["FlowSampler"]
