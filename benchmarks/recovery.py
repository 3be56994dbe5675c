"""Accuracy and calibration on mocks: posterior, point network and pPXF."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
from tqdm import tqdm

import amortized_sfh as asfh
from benchmarks.mocks import AVERAGES, true_averages

LEVELS = (0.68, 0.95)


class PosteriorPass(NamedTuple):
    """Truths and posteriors of n mocks in k quantities.

    Attributes
    ----------
    names
        Names of the k quantities: the four averages, the steps of log SFR and the metallicities.
    truth, mean, std
        True values, and mean and standard deviation of the posterior draws, shape (n, k).
    ranks
        Number of draws below the truth, shape (n, k).
    n_draws
        Number of posterior draws per mock.
    """

    names: tuple[str, ...]
    truth: np.ndarray
    mean: np.ndarray
    std: np.ndarray
    ranks: np.ndarray
    n_draws: int


def posterior_pass(
    model: asfh.PosteriorModel,
    chunks: list[asfh.Mock],
    n_draws: int,
    seed: int = 0,
    generative: asfh.GenerativeModel | None = None,
) -> PosteriorPass:
    """Infer every mock and rank its truth among the draws.

    Parameters
    ----------
    model
        Trained posterior model that infers the mocks.
    chunks
        Mocks in batches, as `quoted_mocks` makes them.
    n_draws
        Number of posterior draws per mock.
    seed
        Source of randomness of the draws.
    generative
        Generative model that made the mocks; by default the one that the model was trained on.

    Returns
    -------
    PosteriorPass
        Truths and posteriors of the averages and of the parameters of the histories.
    """
    generative = generative or model.generative
    space = model.space
    kept = [*range(space.n_param)[space.sfh], *range(space.n_param)[space.mh]]
    names = (*AVERAGES, *(space.names[i] for i in kept))
    parts: list[list[np.ndarray]] = []
    total = sum(len(mock.theta) for mock in chunks)
    with tqdm(total=total, unit="mock", desc="posterior") as bar:
        for k, mock in enumerate(chunks):
            averages = true_averages(generative, mock.theta)
            truth = torch.cat([averages, mock.theta[:, kept]], dim=1)
            first = 0
            for samples in asfh.infer_chunks(model, mock.observation, n_draws, seed + k):
                four = torch.stack([getattr(samples.derived, name) for name in AVERAGES], dim=-1)
                draws = torch.cat([four, samples.theta[..., kept]], dim=-1)
                here = truth[first : first + len(draws)]
                ranks = asfh.sbc_ranks(draws, here)
                parts.append([v.numpy() for v in (here, draws.mean(1), draws.std(1))] + [ranks])
                first += len(draws)
                bar.update(len(draws))
    columns = [np.concatenate(c) for c in zip(*parts, strict=True)]
    return PosteriorPass(names, *columns, n_draws=n_draws)


def point_averages(model: asfh.PointModel, chunks: list[asfh.Mock]) -> np.ndarray:
    """Estimate the four averages of mocks with a point network, shape (n, 4)."""
    return np.concatenate([model.estimate(m.observation).averages.numpy() for m in chunks])


def summarise(posterior: PosteriorPass, point: np.ndarray | None) -> dict[str, Any]:
    """Sum up the errors of the four averages, and the coverage of all quantities."""
    n_average = len(AVERAGES)
    truth = posterior.truth[:, :n_average]
    results = {
        "n_mocks": len(truth),
        "posterior_mean": _errors(posterior.mean[:, :n_average], truth),
        "coverage": _coverage(posterior, posterior.ranks),
        "coverage_of_narrowest_fifth": _coverage(posterior, _narrowest_fifth(posterior)),
    }
    for k, name in enumerate(AVERAGES):
        std = posterior.std[:, k]
        results["posterior_mean"][name] |= {
            "mean_posterior_std": float(std.mean()),
            # the rms error that the posterior itself expects of its mean
            "expected_rms": float(np.sqrt((std**2).mean())),
        }
    if point is not None:
        results["point_network"] = _errors(point, truth)
    return results


def _coverage(posterior: PosteriorPass, ranks: np.ndarray) -> dict[str, dict[str, float]]:
    shares = asfh.rank_coverage(ranks, posterior.n_draws, LEVELS)
    return {
        name: dict(zip(map(str, LEVELS), row, strict=True))
        for name, row in zip(posterior.names, shares.T.tolist(), strict=True)
    }


def _narrowest_fifth(posterior: PosteriorPass) -> np.ndarray:
    """Ranks of the mocks that know each quantity best; chosen by data alone, so uniform, too."""
    best = np.argsort(posterior.std, axis=0)[: max(1, len(posterior.std) // 5)]
    return np.take_along_axis(posterior.ranks, best, axis=0)


def compare(
    posterior: PosteriorPass, point: np.ndarray | None, fits: list[tuple[str, np.ndarray]]
) -> dict[str, Any]:
    """Compare errors on the mocks that pPXF fitted; where any fit failed, all leave the mock out.

    Parameters
    ----------
    posterior
        Posteriors of at least as many mocks as were fitted, those first.
    point
        Averages of the same mocks by a point network, shape (n, 4), if there is one.
    fits
        Label of each kind of fit, and its averages, shape (n, 4), NaN where it failed.

    Returns
    -------
    dict
        Errors of each method, and for every average and measure the error of the posterior mean
        over the smallest that any fit reaches.
    """
    n = len(fits[0][1])
    good = np.all([np.isfinite(values).all(1) for _, values in fits], axis=0)
    truth = posterior.truth[:n, : len(AVERAGES)][good]
    ours = _errors(posterior.mean[:n, : len(AVERAGES)][good], truth)
    theirs = {label: _errors(values[good], truth) for label, values in fits}
    ratio = {
        name: {
            measure: ours[name][measure] / min(t[name][measure] for t in theirs.values())
            for measure in ("sigma", "rms", "mad_sigma")
        }
        for name in AVERAGES
    }
    results = {"n_mocks": int(good.sum()), "posterior_mean": ours, "ppxf": theirs, "ratio": ratio}
    if point is not None:
        results["point_network"] = _errors(point[:n][good], truth)
    return results


def _errors(estimate: np.ndarray, truth: np.ndarray) -> dict[str, dict[str, float]]:
    errors = asfh.accuracy(estimate, truth)
    return {
        name: {field: float(getattr(errors, field)[k]) for field in errors._fields}
        for k, name in enumerate(AVERAGES)
    }
