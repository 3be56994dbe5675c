"""Mocks made with the stars of another library than the model has.

`python -m benchmarks.other_library MODEL... --other LIBRARY` makes them without any template error
and infers them with each model. Bias and coverage of the four averages show what the template
mismatch of the model is worth.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

import amortized_sfh as asfh
from benchmarks.mocks import AVERAGES, quoted_mocks
from benchmarks.recovery import PosteriorPass, posterior_pass, summarise
from benchmarks.run import print_table
from simulators.forward import Simulator
from simulators.libraries import read_cloudy, read_library
from simulators.noise import NoiseModel
from simulators.populations import build_basis

RESULTS = Path(__file__).with_name("other_library.json")
_N_DRAWS = 400


def main(arguments: Sequence[str] | None = None) -> None:
    """Infer mocks of another library and of the model's own, and print both."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.other_library", description=__doc__)
    parser.add_argument("models", nargs="+", help="names or folders of models")
    parser.add_argument("--other", required=True, help="library, as `read_library` takes it")
    parser.add_argument("--n", type=int, default=2000, help="mocks (2000)")
    parser.add_argument("--out", type=Path, default=RESULTS, help="JSON file of the results")
    options = parser.parse_args(arguments)
    rows, results = [], {}
    for name in options.models:
        model = asfh.load_model(name)
        generatives = {
            "own": without_template_errors(model.generative),
            "other": of_library(without_template_errors(model.generative), options.other),
        }
        for kind, generative in generatives.items():
            library = generative.simulator.basis.library
            chunks = quoted_mocks(generative, options.n)
            measured = posterior_pass(model, chunks, _N_DRAWS, generative=generative)
            summary = _summary(measured)
            results[f"{model.card.name} on {library}"] = summary
            rows += [(f"{name} on {kind} library", a, *summary[a].values()) for a in AVERAGES]
    head = ("model", "average", "bias", "sigma", "posterior std", "68 % covers", "bias / std")
    print_table(f"{options.n} mocks without template errors", head, rows)
    options.out.write_text(json.dumps(results, indent=1) + "\n")


def without_template_errors(generative: asfh.GenerativeModel) -> asfh.GenerativeModel:
    """Return a generative model whose stars are exactly those of its library."""
    noise, n_band = generative.noise, len(generative.noise.instrument.bands)
    config = replace(noise.config, template_orders=0, template_mag=(0.0,) * n_band)
    exact = NoiseModel(noise.instrument, config, profile=noise.profile)
    return replace(generative, noise=exact)


def of_library(generative: asfh.GenerativeModel, library: str) -> asfh.GenerativeModel:
    """Return a generative model with the stars of another library."""
    prior, instrument = generative.prior, generative.instrument
    gas = read_cloudy() if generative.simulator.basis.nebular is not None else None
    basis = build_basis(read_library(library), prior.bins, instrument, gas)
    return replace(generative, simulator=Simulator(basis, prior.space, prior.bins, instrument))


def _summary(measured: PosteriorPass) -> dict[str, dict[str, Any]]:
    """Sum up bias, scatter, width and coverage of the four averages."""
    summary = summarise(measured, None)
    out = {}
    for k, name in enumerate(AVERAGES):
        error = summary["posterior_mean"][name]
        std = float(np.median(measured.std[:, k]))
        out[name] = {
            "bias": round(error["bias"], 4),
            "sigma": round(error["sigma"], 4),
            "posterior_std": round(error["mean_posterior_std"], 4),
            "coverage_68": round(summary["coverage"][name]["0.68"], 4),
            "bias_over_std": round(error["bias"] / std, 3),
        }
    return out


if __name__ == "__main__":
    main()
