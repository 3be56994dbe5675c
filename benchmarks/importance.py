"""The posterior of the network against the exact one: `python -m benchmarks.importance`.

Draws of the flow are weighted by prior times likelihood over the flow's own density, all of them
exact. Where enough draws carry the weight (effective sample size), the weighted draws are the
posterior of the data, which a perfect network would have learned; with few they are too narrow.
This is done for the two SDSS spectra and for mocks.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

import amortized_sfh as asfh
from benchmarks.mocks import AVERAGES, quoted_mocks, true_averages
from benchmarks.run import print_table
from simulators.forward import ModelSpectra

RESULTS = Path(__file__).with_name("importance.json")
MIN_ESS = 100.0
_CHUNK = 500


def main(arguments: Sequence[str] | None = None) -> None:
    """Weight the draws of real spectra and mocks, and compare."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.importance", description=__doc__)
    parser.add_argument("--model", default="phangs-bc03", help="name or folder (phangs-bc03)")
    parser.add_argument("--draws", type=int, default=20_000, help="per spectrum (20000)")
    parser.add_argument("--mocks", type=int, default=10, help="number of mocks (10)")
    parser.add_argument("--out", type=Path, default=RESULTS, help="JSON file of the results")
    options = parser.parse_args(arguments)
    model = asfh.load_model(options.model)
    rows = []
    named = [*sdss_spectra(model), *mocks(model, options.mocks)]
    for name, observation in tqdm(named, unit="spectrum"):
        rows.append((name, *exact(model, observation, options.draws)))
    head = ("spectrum", "ESS", *(f"{a}: {w}" for a in AVERAGES for w in ("shift", "width")))
    print_table(f"Exact minus flow in the flow's sigma, exact / flow width, {options.draws} draws",
                head, rows)  # fmt: skip
    good = np.array([row[1:] for row in rows if row[1] >= MIN_ESS and row[0].startswith("mock")])
    summary: dict[str, object] = {"mocks": options.mocks, "with_ess": len(good)}
    if len(good):
        shift, width = good[:, 1::2], good[:, 2::2]
        summary |= {
            "rms_shift": dict(zip(AVERAGES, np.sqrt((shift**2).mean(0)).tolist(), strict=True)),
            "median_width": dict(zip(AVERAGES, np.median(width, 0).tolist(), strict=True)),
        }
    print(f"\nmocks with ESS >= {MIN_ESS:g}: {json.dumps(summary)}")
    results = {"draws": options.draws, "summary": summary, "spectra": rows}
    options.out.write_text(json.dumps(results, indent=1) + "\n")


def sdss_spectra(model: asfh.PosteriorModel) -> Iterator[tuple[str, asfh.Observation]]:
    """Read NGC 3073 and NGC 3522 onto the grid of the model."""
    for name, path in asfh.sdss_files().items():
        header = asfh.read_sdss_header(path)
        spectrum = asfh.read_spectrum(path)
        seen = spectrum.observe(model.instrument, header.redshift, ebv=header.ebv)
        yield name, asfh.mask_observation(seen, model.instrument)


def mocks(model: asfh.PosteriorModel, n: int) -> Iterator[tuple[str, asfh.Observation]]:
    """Yield mocks of the quoted conditions one by one, with their names."""
    observation = quoted_mocks(model.generative, n)[0].observation
    for k in range(n):
        yield f"mock {k}", observation[k : k + 1]


@torch.no_grad()
def exact(model: asfh.PosteriorModel, observation: asfh.Observation, n_draws: int) -> list[float]:
    """Weight draws of the flow exactly, and measure what this changes.

    Parameters
    ----------
    model
        Trained model, on the CPU.
    observation
        The spectrum, a batch of one.
    n_draws
        Number of draws of the flow, a multiple of 500.

    Returns
    -------
    list of float
        Effective sample size, then for each average of `AVERAGES` the shift of its mean in standard
        deviations of the flow and the ratio of the weighted standard deviation to the flow's.
    """
    torch.manual_seed(0)
    generative, latent = model.generative, model.encode(observation)
    likelihood = asfh.Likelihood(generative.noise, observation)
    flow: Any = model.flow  # sbi declares less than nflows has
    values, log_weight = [], []
    for _ in range(n_draws // _CHUNK):
        u, log_flow = flow.sample_and_log_prob((_CHUNK,), condition=latent)
        theta = generative.space.to_theta(u[:, 0])
        light = generative.simulator(theta, observation.redshift.expand(_CHUNK))
        log_like = likelihood.log_prob(ModelSpectra(light.flux[None], light.phot[None]))[0]
        log_prior = generative.prior.log_prob(theta) - generative.space.log_abs_det(theta)
        log_weight.append(log_like + log_prior.double() - log_flow[:, 0].double())
        values.append(true_averages(generative, theta).double())
    weight = torch.softmax(torch.cat(log_weight), 0)
    draws = torch.cat(values)
    mean, std = draws.mean(0), draws.std(0)
    weighted = weight @ draws
    spread = (weight @ (draws - weighted) ** 2).sqrt()
    pairs = torch.stack([(weighted - mean) / std, spread / std], dim=1)
    return [float(1.0 / weight.square().sum()), *pairs.flatten().tolist()]


if __name__ == "__main__":
    main()
