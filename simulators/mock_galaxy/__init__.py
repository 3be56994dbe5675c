"""A mock barred spiral galaxy with known truth, like NGC 3627.

`GalaxyShape` says where it lies and how large it is, `structure` lays out its maps, `history` fills
them with stars, dust and gas, and `mock_galaxy` puts all together. `observe_native` observes it on
the pixels of a cube, from which `amortized_sfh.data.mocks` writes FITS files.
"""

from __future__ import annotations

from simulators.mock_galaxy.galaxy import UNIT_CGS, MockGalaxy, mock_galaxy
from simulators.mock_galaxy.native_cube import native_light, observe_native
from simulators.mock_galaxy.structure import GalaxyShape

__all__ = [
    "UNIT_CGS",
    "GalaxyShape",
    "MockGalaxy",
    "mock_galaxy",
    "native_light",
    "observe_native",
]
