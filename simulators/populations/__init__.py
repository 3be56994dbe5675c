"""Stellar populations: SSP libraries in memory, averaged over age bins, and the gas of young stars.

`SSPGrid` and `NebularGrid` are what the readers of `simulators.libraries` return. `build_basis`
averages them over age bins onto the wavelengths and bands of an instrument (`SSPBasis`); the
forward model needs nothing else, so that a trained model carries its populations with it.
"""

from __future__ import annotations

from simulators.populations.nebular_grid import NebularGrid
from simulators.populations.ssp_basis import SSPBasis, build_basis
from simulators.populations.ssp_grid import SSPGrid

__all__ = ["NebularGrid", "SSPBasis", "SSPGrid", "build_basis"]
