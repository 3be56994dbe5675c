"""A noise model as plain values and arrays, for the files of models and training sets."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from simulators.files.checksum import tensors_sha256
from simulators.files.plain_values import as_tuples
from simulators.instruments.instrument import Instrument
from simulators.noise.noise_model import NoiseConfig, NoiseModel
from simulators.noise.profile import NoiseProfile
from simulators.noise.template_mismatch import MISMATCH_ATTRIBUTES, TemplateMismatch

_PROFILE_ARRAYS = ("wave_aa", "scale", "sky_modes")

ARRAY_UNITS = {
    "mismatch_modes": "1",
    "profile_wave_aa": "Angstrom",
    "profile_scale": "STAT sigma",
    "profile_sky_modes": "sky sigma",
}
"""Units of everything that `noise_arrays` may return."""


def describe_noise(noise: NoiseModel) -> dict[str, Any]:
    """Everything but arrays, as plain values for JSON.

    Parameters
    ----------
    noise
        Noise model to describe.

    Returns
    -------
    dict
        `config`; `mismatch` and `profile`, each a dict or None; `sha256` of the arrays.
    """
    mismatch, profile = noise.mismatch, noise.profile
    return {
        "config": noise.config.to_dict(),
        "mismatch": mismatch and {n: getattr(mismatch, n) for n in MISMATCH_ATTRIBUTES},
        "profile": profile
        and {n: getattr(profile, n) for n in ("name", "kernel", "growth", "source")},
        "sha256": tensors_sha256(noise_arrays(noise)),
    }


def noise_arrays(noise: NoiseModel) -> dict[str, Tensor]:
    """Arrays that `describe_noise` leaves out, float32 on the CPU, by name."""
    arrays = {}
    if noise.mismatch is not None:
        arrays["mismatch_modes"] = noise.mismatch.modes.cpu().contiguous()
    if noise.profile is not None:
        for name in _PROFILE_ARRAYS:
            value = torch.as_tensor(getattr(noise.profile, name), dtype=torch.float32)
            arrays[f"profile_{name}"] = value.contiguous()
    return arrays


def build_noise(
    instrument: Instrument, described: dict[str, Any], arrays: dict[str, Tensor]
) -> NoiseModel:
    """Build a noise model from its description and arrays.

    Parameters
    ----------
    instrument
        Instrument that sets pixels and bands.
    described, arrays
        Results of `describe_noise` and `noise_arrays`; the description in files of version 1 is
        that of the configuration alone.

    Returns
    -------
    NoiseModel
        The noise model that was described, on the CPU.

    Raises
    ------
    ValueError
        If the arrays are not those that were described.
    """
    if "config" not in described:
        return NoiseModel(instrument, NoiseConfig.from_dict(described))
    if tensors_sha256(arrays) != described["sha256"]:
        raise ValueError(
            f"the noise arrays {sorted(arrays)} are not those of their description, expected "
            f"sha256 {described['sha256'][:12]}...: get or make the file again"
        )
    mismatch = profile = None
    if described["mismatch"] is not None:
        mismatch = TemplateMismatch(modes=arrays["mismatch_modes"], **described["mismatch"])
    if described["profile"] is not None:
        tables: dict[str, Any] = {
            n: arrays[f"profile_{n}"].double().numpy() for n in _PROFILE_ARRAYS
        }
        profile = NoiseProfile(**as_tuples(described["profile"]), **tables)
    config = NoiseConfig.from_dict(described["config"])
    return NoiseModel(instrument, config, mismatch, profile)
