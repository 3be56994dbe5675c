"""Requests: what a run is asked to do, as frozen, validated dataclasses that TOML files can hold.

The command line and TOML files are turned into requests, and each workflow takes one. A request
that contradicts itself is refused when it is made. Nothing here reads data or imports torch before
a request is made.
"""

from __future__ import annotations

from amortized_sfh.requests.generative import GenerativeRequest, SimulateRequest, TrainRequest
from amortized_sfh.requests.infer import (
    BinsRequest,
    DiscRequest,
    HstRequest,
    InferRequest,
    MasksRequest,
    NoiseRequest,
    PosteriorRequest,
    ProfileRequest,
    VelocitiesRequest,
)
from amortized_sfh.requests.infer_spectrum import InferSpectrumRequest
from amortized_sfh.requests.measurements import MeasureNoiseRequest, MismatchRequest
from amortized_sfh.requests.toml_files import read_request, write_request

__all__ = [
    "BinsRequest",
    "DiscRequest",
    "GenerativeRequest",
    "HstRequest",
    "InferRequest",
    "InferSpectrumRequest",
    "MasksRequest",
    "MeasureNoiseRequest",
    "MismatchRequest",
    "NoiseRequest",
    "PosteriorRequest",
    "ProfileRequest",
    "SimulateRequest",
    "TrainRequest",
    "VelocitiesRequest",
    "read_request",
    "write_request",
]
