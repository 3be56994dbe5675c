"""The generative model that the command line asks for."""

from __future__ import annotations

from argparse import Namespace

from amortized_sfh.cli.nature import DEFAULT_LIBRARY
from amortized_sfh.cli.presets import DEFAULT_PRESET
from amortized_sfh.model.model_files import load_model
from simulators.generative import GenerativeModel
from simulators.surveys.survey import read_preset


def read_nature(options: Namespace, device: str) -> GenerativeModel:
    """Build what the options of `add_nature_options` describe.

    Parameters
    ----------
    options
        `preset`, `library`, `mismatch`, `noise_profile`, `like`.
    device
        Where to compute.

    Returns
    -------
    GenerativeModel
        Prior, forward model, noise and conditions.

    Raises
    ------
    ValueError
        If a model is named along with what it settles.
    """
    if options.like is not None:
        default = {"preset": DEFAULT_PRESET, "library": DEFAULT_LIBRARY}
        for name in ("preset", "library", "mismatch", "noise_profile"):
            if getattr(options, name) != default.get(name):
                raise ValueError(
                    f"--like {options.like} settles --{name.replace('_', '-')}: leave one out"
                )
        return load_model(options.like).generative.to(device)
    preset = read_preset(options.preset)
    return preset.generative(options.library, options.mismatch, options.noise_profile).to(device)
