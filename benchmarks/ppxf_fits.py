"""Fits of the quoted mocks by pPXF, kept in a file so that a new network needs no new fits.

The mocks do not depend on any network: the fits stay valid until prior, simulator or noise change.
Such a change is noticed, because the truths and a sample of the noisy spectra are kept with them.
"""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

import amortized_sfh as asfh
from benchmarks.mocks import AVERAGES, CONDITIONS, SEED, true_averages

RESULTS = Path(__file__).with_name("ppxf_results.json")

COLUMNS = (*AVERAGES, "av", "delta", "velocity", "sigma", "chi2", "seconds")

#: The best of those tried on other mocks, without and with regularisation.
CONFIGS = (asfh.PPXFConfig(mdegree=6), asfh.PPXFConfig(mdegree=6, regul=100.0))


def fit_mocks(
    generative: asfh.GenerativeModel, mock: asfh.Mock, config: asfh.PPXFConfig, n_process: int = 1
) -> dict[str, np.ndarray]:
    """Fit mocks; a fit that fails is NaN in every column of `COLUMNS`, each of shape (n,)."""
    observations = [mock.observation[i : i + 1] for i in range(len(mock.theta))]
    progress = {"total": len(observations), "unit": "fit", "desc": f"pPXF regul={config.regul:g}"}
    if n_process == 1:
        fitter = asfh.PPXFFitter(generative, config)
        rows = [_fit(fitter, observation) for observation in tqdm(observations, **progress)]
    else:
        pool = ProcessPoolExecutor(
            n_process, get_context("spawn"), _start_worker, (generative, config)
        )
        with _one_thread_each(), pool:
            rows = list(tqdm(pool.map(_fit_in_worker, observations, chunksize=5), **progress))
    return {name: np.array([row[k] for row in rows]) for k, name in enumerate(COLUMNS)}


def ppxf_results(
    generative: asfh.GenerativeModel, mock: asfh.Mock, rerun: bool = False, n_process: int = 1
) -> dict[str, Any]:
    """Fits of every configuration, from the file where it is valid.

    `fits` is a list of `config`, `estimates` (average -> n values, None for a failure), `failures`,
    `median_chi2` and `seconds_per_fit` of processor time.
    """
    stamp = _stamp(generative, mock)
    kept = {} if rerun else _read(stamp)
    fits = []
    for config in CONFIGS:
        key = json.dumps(asdict(config), sort_keys=True)
        if key not in kept:
            kept[key] = _summary(config, fit_mocks(generative, mock, config, n_process))
            # after every configuration, so that an interrupted run loses little
            RESULTS.write_text(_compact({**stamp, "fits": list(kept.values())}))
        fits.append(kept[key])
    return {**stamp, "fits": fits}


def estimates(fit: dict[str, Any]) -> np.ndarray:
    """Return the averages of a fit in the order of `AVERAGES`, shape (n, 4), NaN for a failure."""
    return np.array([fit["estimates"][name] for name in AVERAGES], dtype=float).T


def _fit(fitter: asfh.PPXFFitter, observation: asfh.Observation) -> list[float]:
    try:
        result = fitter.fit(observation)
    except (ValueError, AssertionError, np.linalg.LinAlgError) as error:
        warnings.warn(f"pPXF failed: {error}", stacklevel=2)
        return [np.nan] * len(COLUMNS)
    return [result[name] for name in COLUMNS]


_WORKER: list[asfh.PPXFFitter] = []


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Start processes with one thread of linear algebra; they read this before they can set it."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(dict.fromkeys(names, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _start_worker(generative: asfh.GenerativeModel, config: asfh.PPXFConfig) -> None:
    torch.set_num_threads(1)
    _WORKER.append(asfh.PPXFFitter(generative, config))


def _fit_in_worker(observation: asfh.Observation) -> list[float]:
    return _fit(_WORKER[0], observation)


def _summary(config: asfh.PPXFConfig, columns: dict[str, np.ndarray]) -> dict[str, Any]:
    return {
        "config": asdict(config),
        "failures": int(np.isnan(columns["chi2"]).sum()),
        "median_chi2": round(float(np.nanmedian(columns["chi2"])), 3),
        "seconds_per_fit": round(float(np.nanmean(columns["seconds"])), 3),
        "estimates": {
            name: [None if np.isnan(v) else round(float(v), 4) for v in columns[name]]
            for name in AVERAGES
        },
    }


def _stamp(generative: asfh.GenerativeModel, mock: asfh.Mock) -> dict[str, Any]:
    """Describe the mocks and the software of the fits, to compare with those that were kept."""
    truth = true_averages(generative, mock.theta).double().numpy()
    middle = mock.observation.flux.shape[1] // 2
    probe = mock.observation.flux[:, middle - 5 : middle + 5].double().mean(1).numpy()
    return {
        "ppxf": version("ppxf"),
        "library": generative.simulator.basis.library,
        "seed": SEED,
        "n": len(mock.theta),
        "snr": list(CONDITIONS.snr),
        "phot_snr": list(CONDITIONS.phot_snr),
        "truth": {n: np.round(truth[:, k], 4).tolist() for k, n in enumerate(AVERAGES)},
        "probe": np.round(probe, 4).tolist(),
    }


def _read(stamp: dict[str, Any]) -> dict[str, Any]:
    """Kept fits by configuration, if they are fits of these mocks."""
    if not RESULTS.exists():
        return {}
    kept = json.loads(RESULTS.read_text())
    exact = ("library", "seed", "n", "snr", "phot_snr")
    same = all(kept.get(name) == stamp[name] for name in exact)
    if same:
        values = [[s["probe"], *(s["truth"][n] for n in AVERAGES)] for s in (kept, stamp)]
        same = bool(np.allclose(*values, atol=2e-3, rtol=0.0))
    if not same:
        warnings.warn(f"{RESULTS.name} is of other mocks: fitting again", stacklevel=2)
        return {}
    return {json.dumps(fit["config"], sort_keys=True): fit for fit in kept["fits"]}


def _compact(values: dict[str, Any]) -> str:
    """JSON with one line per list, which keeps the file small and its history readable."""
    text = json.dumps(values, indent=1)
    lines: list[str] = []
    inside = False
    for line in text.split("\n"):
        item = line.strip()
        if inside and lines:
            lines[-1] += item
        else:
            lines.append(line)
        if item.endswith("[") and '"fits"' not in item:
            inside = True
        elif item.startswith("]"):
            inside = False
    return "\n".join(lines) + "\n"
