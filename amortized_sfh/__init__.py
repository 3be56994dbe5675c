"""Amortized SFH: calibrated posteriors of star formation histories, spaxel by spaxel.

Names are imported when they are first used, so that `import amortized_sfh` is quick.
"""

from __future__ import annotations

import importlib
from typing import Any

from amortized_sfh._version import __version__

_EXPORTS = {
    "CubeOptions": "amortized_sfh.data.cubes.cube_data",
    "ImposedKinematics": "amortized_sfh.inference.imposed_kinematics",
    "Observation": "simulators.observations.observation",
    "PosteriorSamples": "amortized_sfh.inference.samples",
    "RegionPosterior": "amortized_sfh.aggregation.region_posterior",
    "aggregate": "amortized_sfh.aggregation.aggregate",
    "coadd": "amortized_sfh.aggregation.coadd",
    "infer": "amortized_sfh.inference.infer",
    "load_model": "amortized_sfh.model.model_files",
    "load_point_model": "amortized_sfh.model.model_files",
    "read_cube": "amortized_sfh.data.cubes.read_cube",
    "read_dap_maps": "amortized_sfh.data.ancillary.dap_maps",
    "read_gist": "amortized_sfh.data.ancillary.gist_products",
    "read_preset": "simulators.surveys.survey",
    "read_spectra": "amortized_sfh.data.spectra.spectrum",
    "read_spectrum": "amortized_sfh.data.spectra.spectrum",
    "write_maps": "amortized_sfh.products.map_file",
}

__all__ = ["__version__", *sorted(_EXPORTS)]  # noqa: PLE0604 (strings, but computed)


def __getattr__(name: str) -> Any:
    """Import an exported name."""
    if name not in _EXPORTS:
        raise AttributeError(f"module 'amortized_sfh' has no attribute {name!r}")
    return getattr(importlib.import_module(_EXPORTS[name]), name)


def __dir__() -> list[str]:
    return __all__
