"""Regions whose metallicity lies 1.5 prior standard deviations out: `python -m benchmarks.regions`.

Mean of posterior means, `aggregate` and the co-added spectrum against the truth, over repeated
regions of spectra that share their calibration and template errors. In "varied" regions every
spectrum has a history and dust of its own, drawn from the prior; in "alike" ones all have the same,
with a scatter of 0.1 prior standard deviations.
"""

from __future__ import annotations

import argparse
import copy
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

import amortized_sfh as asfh
from amortized_sfh.inference.derived import Derived
from amortized_sfh.inference.infer import infer
from amortized_sfh.model import PosteriorModel
from amortized_sfh.regions.aggregate import aggregate
from amortized_sfh.regions.coordinates import PriorCoordinates
from amortized_sfh.regions.totals import Members, total
from benchmarks.mocks import CONDITIONS, true_averages
from simulators.observation import Observation

SNR, BAND_SNR, REDSHIFT = (10.0, 20.0), (5.0, 20.0), 0.00243
PRODUCTS = ("LOGAGE_MW", "LOGAGE_LW", "MH_MW", "MH_LW")
SIZES = (5, 20, 80)


def main(arguments: Sequence[str] | None = None) -> None:
    """Infer regions and print tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="phangs-bc03")
    parser.add_argument("--regions", type=int, default=8)
    parser.add_argument("--spectra", type=int, default=200)
    parser.add_argument("--draws", type=int, default=400)
    options = parser.parse_args(arguments)
    model = asfh.load_model(options.model)
    for kind in ("varied", "alike"):
        rows = []
        for seed in range(options.regions):
            theta, observation = mock_region(model, options.spectra, seed, alike=kind == "alike")
            rows.append(compare(model, theta, observation, options.draws))
        report(kind, np.array(rows))
    theta, observation = mock_region(model, options.spectra, 0, alike=True)
    print("\nwidth of [M/H], light-weighted, by number of spectra")
    for n in (*(size for size in SIZES if size < options.spectra), options.spectra):
        samples = infer(model, observation[:n], options.draws)
        region = aggregate(samples, np.arange(n), model, observation[:n])
        print(f"{n:6d}  {float(region.mean['MH_LW'].std()):.4f}")


def mock_region(
    model: PosteriorModel, n: int, seed: int, *, alike: bool
) -> tuple[Tensor, Observation]:
    """Histories of a region, and its spectra with errors in common."""
    generative = model.generative
    generator = torch.Generator().manual_seed(seed)
    prior = generative.prior.sample((10_000,), torch.Generator().manual_seed(0))
    averages = true_averages(generative, prior)[:, 2]
    theta = generative.prior.sample((n,), generator)
    if alike:
        coordinates = PriorCoordinates.of(model)
        x = coordinates.from_theta(theta)
        theta = coordinates.to_theta(x[:1] + 0.1 * x)
    theta[:, generative.prior.space.mh] = float(averages.mean() + 1.5 * averages.std())
    conditions = replace(CONDITIONS, snr=SNR, phot_snr=BAND_SNR)
    instrument = generative.simulator.instrument
    drawn = conditions.sample_at(torch.full((n,), REDSHIFT), instrument, generator)
    light = generative.simulator(theta, drawn.redshift)
    quiet = copy.copy(generative.noise)
    quiet.modes = torch.zeros_like(quiet.modes)
    seen = quiet.observe(light, drawn, generator)
    modes = generative.noise.modes
    error = torch.randn(len(modes), generator=generator) @ modes
    level = light.flux.mean(1, keepdim=True)
    n_pix = seen.n_pix
    return theta, replace(
        seen,
        flux=seen.flux + light.flux / level * error[:n_pix],
        phot=seen.phot + light.phot / level * error[n_pix:],
    )


def compare(
    model: PosteriorModel, theta: Tensor, observation: Observation, n_draws: int
) -> list[list[float]]:
    """Per average: error of the mean of means, error and width of `aggregate`, and of the sum."""
    simulator = model.generative.simulator
    samples = infer(model, observation, n_draws)
    region = aggregate(samples, np.arange(len(theta)), model, observation)
    alone = infer(model, asfh.coadd(observation, np.arange(len(theta)), noise_growth=0.0), 2000)
    truth = true_averages(model.generative, theta).mean(0)
    means = _averages(samples.derived).mean((0, 1))
    combined = torch.stack([region.mean[name] for name in PRODUCTS], dim=1)
    # all spectra have the same mean flux: masses go with the mass-to-light ratio
    level = simulator(theta, observation.redshift).flux.mean(1)
    summed = total(simulator, Members(theta[None], -torch.log10(level)[None])).derived
    co_added = _averages(alone.derived)[0]
    columns = [
        means - truth,
        combined.mean(0) - truth,
        combined.std(0),
        co_added.mean(0) - _averages(summed)[0],
        co_added.std(0),
    ]
    return torch.stack(columns, dim=1).tolist()


def _averages(derived: Derived) -> Tensor:
    names = ("log_age_mw", "log_age_lw", "mh_mw", "mh_lw")
    return torch.stack([getattr(derived, name) for name in names], dim=-1)


def report(kind: str, rows: np.ndarray) -> None:
    """Print biases, widths and coverage of regions (n_region, 4, 5)."""
    print(
        f"\n{kind}: {len(rows)} regions, dex; bias, then width and share of truths within 1 sigma"
    )
    print(f"{'':10s} {'mean of means':>14s} {'aggregate':>22s} {'co-added':>22s}")
    for k, name in enumerate(PRODUCTS):
        naive, error, width, sum_error, sum_width = rows[:, k].T
        cells = [
            f"{e.mean():+.3f} {w.mean():8.3f} {np.mean(np.abs(e) < w):6.2f}"
            for e, w in ((error, width), (sum_error, sum_width))
        ]
        print(f"{name:10s} {naive.mean():+14.3f} {cells[0]:>22s} {cells[1]:>22s}")


if __name__ == "__main__":
    main()
