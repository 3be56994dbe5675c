"""The generative model that a request asks for."""

from __future__ import annotations

from amortized_sfh.model.model_files import load_model
from amortized_sfh.requests.generative import GenerativeRequest
from simulators.generative import GenerativeModel
from simulators.surveys.preset import read_preset


def read_generative_model(request: GenerativeRequest, device: str = "cpu") -> GenerativeModel:
    """Build the generative model that a request describes.

    Parameters
    ----------
    request
        Request that names a survey and a library, or a model that is to be like.
    device
        Torch device on which it computes.

    Returns
    -------
    GenerativeModel
        Prior, forward model, noise and conditions.

    Raises
    ------
    FileNotFoundError, ModelFileError, ValueError
        If the preset, the library, the noise or the model is missing or cannot be used.
    """
    if request.like is not None:
        return load_model(request.like).generative.to(device)
    preset = read_preset(request.preset)
    generative = preset.generative(request.library, request.mismatch, request.noise_profile)
    return generative.to(device)
