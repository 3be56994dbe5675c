"""The generative model that the command line asks for."""

from __future__ import annotations

from argparse import Namespace

from amortized_sfh.model_files import load_model
from simulators.generative import GenerativeModel
from simulators.survey import read_preset


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
    """
    if options.like is not None:
        return load_model(options.like).generative.to(device)
    preset = read_preset(options.preset)
    return preset.generative(options.library, options.mismatch, options.noise_profile).to(device)
