"""Neural networks: an encoder from an observation to one latent vector, and networks that read it.

`input_layout` turns spectrum and photometry into the flat input of the `encoder`. Its latent vector
is read by the `flow`, a density of the parameters u whose fixed first layers are `stretch_layer`
and `light_tree`, and by `point_heads`, which estimate posterior means. `contracts` checks encoders.
"""

from __future__ import annotations

from amortized_sfh.networks.point_heads import AVERAGES, PointEstimate

__all__ = ["AVERAGES", "PointEstimate"]
