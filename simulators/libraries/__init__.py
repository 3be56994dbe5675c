"""Readers of SSP libraries and of nebular light, one file each; `read_library` finds the right one.

Each reader returns an `SSPGrid` (or a `NebularGrid`) of `simulators.populations`. To add a library,
write one file here; `simulators.contracts.check_ssp_library` says what it must keep. `splice_young`
puts the young ages of one library in front of another.
"""

from __future__ import annotations

from simulators.libraries.bc03 import find_bc03, read_bc03
from simulators.libraries.cloudy import read_cloudy
from simulators.libraries.emiles import read_emiles
from simulators.libraries.hdf5_library import read_hdf5_library, write_hdf5_library
from simulators.libraries.lookup import LIBRARY_NAMES, read_library
from simulators.libraries.ppxf_npz import read_ppxf_npz
from simulators.libraries.splice import seam_ratio, splice_young
from simulators.libraries.toy import toy_grid, toy_nebular

__all__ = [
    "LIBRARY_NAMES",
    "find_bc03",
    "read_bc03",
    "read_cloudy",
    "read_emiles",
    "read_hdf5_library",
    "read_library",
    "read_ppxf_npz",
    "seam_ratio",
    "splice_young",
    "toy_grid",
    "toy_nebular",
    "write_hdf5_library",
]
