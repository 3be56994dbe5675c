"""Amortized SFH: calibrated posteriors of star formation histories, spaxel by spaxel.

Names are imported when they are first used, so that `import amortized_sfh` is quick.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from amortized_sfh._version import __version__

# The same names for type checkers and editors, which do not run `__getattr__`.
if TYPE_CHECKING:
    from amortized_sfh.aggregation.aggregate import aggregate as aggregate
    from amortized_sfh.aggregation.coadd import coadd as coadd
    from amortized_sfh.aggregation.region_posterior import RegionPosterior as RegionPosterior
    from amortized_sfh.data.ancillary.dap_maps import read_dap_maps as read_dap_maps
    from amortized_sfh.data.ancillary.gist_products import read_gist as read_gist
    from amortized_sfh.data.cubes.cube_data import CubeOptions as CubeOptions
    from amortized_sfh.data.cubes.read_cube import read_cube as read_cube
    from amortized_sfh.data.spectra.read_spectra import read_spectra as read_spectra
    from amortized_sfh.data.spectra.read_spectra import read_spectrum as read_spectrum
    from amortized_sfh.inference.imposed_kinematics import ImposedKinematics as ImposedKinematics
    from amortized_sfh.inference.infer import infer as infer
    from amortized_sfh.inference.samples import PosteriorSamples as PosteriorSamples
    from amortized_sfh.model.model_files import available_models as available_models
    from amortized_sfh.model.model_files import load_model as load_model
    from amortized_sfh.model.model_files import load_point_model as load_point_model
    from amortized_sfh.products.map_file import write_maps as write_maps
    from simulators.observations.observation import Observation as Observation
    from simulators.surveys.preset import read_preset as read_preset

_EXPORTS = {
    "CubeOptions": "amortized_sfh.data.cubes.cube_data",
    "ImposedKinematics": "amortized_sfh.inference.imposed_kinematics",
    "Observation": "simulators.observations.observation",
    "PosteriorSamples": "amortized_sfh.inference.samples",
    "RegionPosterior": "amortized_sfh.aggregation.region_posterior",
    "aggregate": "amortized_sfh.aggregation.aggregate",
    "available_models": "amortized_sfh.model.model_files",
    "coadd": "amortized_sfh.aggregation.coadd",
    "infer": "amortized_sfh.inference.infer",
    "load_model": "amortized_sfh.model.model_files",
    "load_point_model": "amortized_sfh.model.model_files",
    "read_cube": "amortized_sfh.data.cubes.read_cube",
    "read_dap_maps": "amortized_sfh.data.ancillary.dap_maps",
    "read_gist": "amortized_sfh.data.ancillary.gist_products",
    "read_preset": "simulators.surveys.preset",
    "read_spectra": "amortized_sfh.data.spectra.read_spectra",
    "read_spectrum": "amortized_sfh.data.spectra.read_spectra",
    "write_maps": "amortized_sfh.products.map_file",
}

__all__ = ["__version__", *sorted(_EXPORTS)]  # noqa: PLE0604 (strings, but computed)


if not TYPE_CHECKING:  # a type checker would take every misspelt name for an exported one

    def __getattr__(name: str) -> Any:
        """Import an exported name."""
        if name not in _EXPORTS:
            raise AttributeError(f"module 'amortized_sfh' has no attribute {name!r}")
        return getattr(importlib.import_module(_EXPORTS[name]), name)


def __dir__() -> list[str]:
    return __all__
