"""Regions whose metallicity lies 1.5 prior standard deviations out: `python -m benchmarks.regions`.

Mean of posterior means, `aggregate` and the co-added spectrum against the truth, over repeated
regions of spectra that share their calibration and template errors. In "varied" regions every
spectrum has a history and dust of its own, drawn from the prior; in "alike" ones all have the same,
with a scatter of 0.1 prior standard deviations. Then the width of `aggregate` by the number of
spectra, beside what it would be if no error were shared, and what the shared errors alone leave.
"""

from __future__ import annotations

import argparse
import copy
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

import amortized_sfh as asfh
from amortized_sfh.aggregation import MemberHistories, PriorCoordinates, add_up_members
from benchmarks.mocks import AVERAGES, CONDITIONS, true_averages
from benchmarks.run import print_table

RESULTS = Path(__file__).with_name("regions.json")
SNR, BAND_SNR, REDSHIFT = (10.0, 20.0), (5.0, 20.0), 0.00243
DISTANCE = 1.5
PRODUCTS = ("LOGAGE_MW", "LOGAGE_LW", "MH_MW", "MH_LW")
METHODS = ("mean of means", "aggregate", "co-added")
SIZES = (5, 20, 80, 320)
_N_PRIOR = 10_000


class Setting(NamedTuple):
    """Model, mean and standard deviation of the averages under its prior, each (4,), and S/N."""

    model: asfh.PosteriorModel
    mean: Tensor
    sigma: Tensor
    snr: tuple[float, float]

    @classmethod
    def of(cls, model: asfh.PosteriorModel, snr: tuple[float, float]) -> Setting:
        """Measure mean and standard deviation of the averages under the prior of a model."""
        theta = model.generative.prior.sample((_N_PRIOR,), torch.Generator().manual_seed(0))
        averages = true_averages(model.generative, theta)
        return cls(model, averages.mean(0), averages.std(0), snr)


def main(arguments: Sequence[str] | None = None) -> None:
    """Infer regions, print tables and write them."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.regions", description=__doc__)
    parser.add_argument("--model", default="phangs-bc03", help="name or folder (phangs-bc03)")
    parser.add_argument("--regions", type=int, default=8, help="number of either kind (8)")
    parser.add_argument("--spectra", type=int, default=100, help="number in a region (100)")
    parser.add_argument("--draws", type=int, default=300, help="per spectrum (300)")
    parser.add_argument(
        "--snr", type=float, nargs=2, default=SNR, help="lowest and highest per pixel (10 20)"
    )
    parser.add_argument("--out", type=Path, default=RESULTS, help="JSON file of the results")
    options = parser.parse_args(arguments)
    setting = Setting.of(asfh.load_model(options.model), tuple(options.snr))
    results: dict[str, Any] = {
        "model": options.model,
        "regions": options.regions,
        "spectra": options.spectra,
        "draws": options.draws,
        "snr": options.snr,
        "prior_sigma": dict(zip(PRODUCTS, _digits(setting.sigma), strict=True)),
    }
    for kind in ("varied", "alike"):
        scores = []
        for seed in range(options.regions):
            theta, observation = mock_region(setting, options.spectra, seed, alike=kind == "alike")
            scores.append(compare(setting, theta, observation, options.draws))
        results[kind] = _summary(torch.stack(scores))
        rows = [
            (product, method, *results[kind][product][method].values())
            for product in PRODUCTS
            for method in METHODS
        ]
        head = ("prior sigma", "method", "bias", "rms", "width", "68 % covers")
        print_table(f"{kind}: {options.regions} regions of {options.spectra} spectra", head, rows)
    results["widths"] = widths(setting, options.draws)
    head = tuple(results["widths"][0])
    rows = [tuple(line.values()) for line in results["widths"]]
    print_table("width of the mean light-weighted [M/H], prior sigma", head, rows)
    options.out.write_text(json.dumps(results, indent=1) + "\n")


def mock_region(
    setting: Setting, n: int, seed: int, *, alike: bool
) -> tuple[Tensor, asfh.Observation]:
    """Draw the histories of a region, and observe its spectra with errors in common."""
    generative = setting.model.generative
    generator = torch.Generator().manual_seed(seed)
    theta = generative.prior.sample((n,), generator)
    if alike:
        coordinates = PriorCoordinates.of(setting.model)
        x = coordinates.from_theta(theta)
        theta = coordinates.to_theta(x[:1] + 0.1 * x)
    metallicity = (setting.mean + DISTANCE * setting.sigma)[PRODUCTS.index("MH_MW")]
    theta[:, generative.space.mh] = metallicity
    conditions = replace(CONDITIONS, snr=setting.snr, phot_snr=BAND_SNR)
    instrument = generative.instrument
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


def compare(setting: Setting, theta: Tensor, observation: asfh.Observation, n_draws: int) -> Tensor:
    """Score each method on each average: error, width, 1 if the 68 % interval covers; (3, 4, 3)."""
    model, sigma = setting.model, setting.sigma
    simulator = model.generative.simulator
    rows = np.arange(len(theta))
    samples = asfh.infer(model, observation, n_draws)
    region = asfh.aggregate(samples, rows, model, observation)
    alone = asfh.infer(model, asfh.coadd(observation, rows, noise_growth=0.0), 2000)
    truth = true_averages(model.generative, theta).mean(0)
    # all spectra have the same mean flux: masses go with the mass-to-light ratio
    level = simulator(theta, observation.redshift).flux.mean(1)
    members = MemberHistories(theta[None], -torch.log10(level)[None])
    summed = add_up_members(simulator, members).derived
    combined = torch.stack([region.mean[name] for name in PRODUCTS], dim=1)
    return torch.stack(
        [
            _score(_averages(samples.derived).mean(0), truth, sigma),
            _score(combined, truth, sigma),
            _score(_averages(alone.derived)[0], _averages(summed)[0], sigma),
        ]
    )


def widths(setting: Setting, n_draws: int) -> list[dict[str, float]]:
    """Measure the width of the mean [M/H] of the first spectra of a region, by their number."""
    _, observation = mock_region(setting, SIZES[-1], 0, alike=True)
    product, model = "MH_LW", setting.model
    sigma = setting.sigma[PRODUCTS.index(product)]
    anew = asfh.AggregateOptions(shared_systematics=False, least_width=0.0)
    lines = []
    for n in SIZES:
        samples = asfh.infer(model, observation[:n], n_draws)
        region, apart = (
            asfh.aggregate(samples, np.arange(n), model, observation[:n], options=options)
            for options in (None, anew)
        )
        values = torch.stack(
            [region.mean[product].std(), apart.mean[product].std(), shared_width(region, product)]
        )
        shared, unshared, floor = _digits(values / sigma)
        lines.append(
            {"spectra": n, "aggregate": shared, "none shared": unshared, "shared alone": floor}
        )
    return lines


def shared_width(region: asfh.RegionPosterior, product: str) -> Tensor:
    """Estimate to first order the width that the shared errors alone leave to a mean."""
    place = region.population.members.mean(1)
    value = region.mean[product].to(place)
    slope = torch.linalg.lstsq(place - place.mean(0), (value - value.mean())[:, None]).solution
    shifts = region.shared_shifts
    inner = torch.eye(shifts.shape[1]).to(place) + shifts.T @ shifts
    moved = shifts.T @ slope
    return (moved * torch.linalg.solve(inner, moved)).sum().sqrt()


def _averages(derived: asfh.Derived) -> Tensor:
    return torch.stack([getattr(derived, name) for name in AVERAGES], dim=-1)


def _score(draws: Tensor, truth: Tensor, sigma: Tensor) -> Tensor:
    """Error and width in prior standard deviations, and coverage, of draws (n, 4): (4, 3)."""
    low, high = torch.quantile(draws, torch.tensor([0.16, 0.84]).to(draws), dim=0)
    covers = (low <= truth) & (truth <= high)
    error = (draws.mean(0) - truth) / sigma
    return torch.stack([error, draws.std(0) / sigma, covers.to(error)], dim=1)


def _summary(scores: Tensor) -> dict[str, dict[str, dict[str, float]]]:
    """Bias, rms, width and coverage by product and method from scores (n_region, 3, 4, 3)."""
    error, width, covers = scores.unbind(-1)
    values = [error.mean(0), error.square().mean(0).sqrt(), width.mean(0), covers.mean(0)]
    table = torch.stack(values, dim=-1)
    names = ("bias", "rms", "width", "coverage_68")
    return {
        product: {
            method: dict(zip(names, _digits(table[m, p]), strict=True))
            for m, method in enumerate(METHODS)
        }
        for p, product in enumerate(PRODUCTS)
    }


def _digits(values: Tensor) -> list[float]:
    return [round(v, 3) for v in values.tolist()]


if __name__ == "__main__":
    main()
