"""Measure everything that the README quotes: `python -m benchmarks.run [--quick]`."""

from __future__ import annotations

import argparse
import json
import os
import platform
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import torch

import amortized_sfh as asfh
from benchmarks.mocks import AVERAGES, CONDITIONS, N_MOCKS, N_PPXF, SEED, first, quoted_mocks
from benchmarks.ppxf_fits import estimates, ppxf_results
from benchmarks.recovery import LEVELS, compare, point_averages, posterior_pass, summarise
from benchmarks.throughput import cube_memory, rates

RESULTS = Path(__file__).with_name("results.json")
MAX_RATIO = {"log_age_mw": 1.0, "log_age_lw": 0.8, "mh_mw": 0.8, "mh_lw": 0.8}
MAX_POINT_DIFFERENCE = 0.05
MAX_COVERAGE_ERROR = 0.05
MIN_RATES = {"posterior_draws": 20_000, "point_estimates": 1_500, "noise_free_spectra": 10_000}
MAX_MEMORY_GIB = 4.0
_MEASURES = ("bias", "sigma", "mad_sigma", "rms")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmarks, print tables and write results.json."""
    options = _parser().parse_args(arguments)
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    model, point = asfh.load_model(options.model), asfh.load_point_model(options.point_model)
    n_mocks, n_draws = (500, 200) if options.quick else (N_MOCKS, 1000)
    print(f"{n_mocks} mocks, S/N {CONDITIONS.snr[0]:g}-{CONDITIONS.snr[1]:g}, {n_draws} draws")
    chunks = quoted_mocks(model.generative, n_mocks)
    posterior = posterior_pass(model, chunks, n_draws)
    estimate = point_averages(point, chunks)
    results: dict[str, Any] = {
        "version": asfh.__version__,
        "model": {"name": model.card.name, "training": model.card.training},
        "machine": f"{platform.machine()}, {torch.get_num_threads()} threads",
        "seed": SEED,
        "quick": options.quick,
        "n_draws": n_draws,
        "recovery": summarise(posterior, estimate),
    }
    _print_recovery(results["recovery"])
    fits = ppxf_results(
        model.generative, first(chunks[0], N_PPXF), options.ppxf, options.processes
    )["fits"]
    labelled = [(f"pPXF, regul = {f['config']['regul']:g}", estimates(f)) for f in fits]
    results["comparison"] = compare(posterior, estimate, labelled)
    results["ppxf"] = [{k: v for k, v in f.items() if k != "estimates"} for f in fits]
    _print_comparison(results["comparison"], results["ppxf"])
    results["rates_per_second"] = rates(model, point)
    _print_rates(results["rates_per_second"])
    _write(results, options.out)  # the cube takes longest: what there is does not wait for it
    if not options.no_memory:
        results["cube"] = cube_memory(100 if options.quick else 300, options.model)
        _print_cube(results["cube"])
    print_table("Goals", ("goal", "measured", "reached"), goals(results))
    _write(results, options.out)
    print(f"\nwrote {options.out}")


def _write(results: dict[str, Any], path: Path) -> None:
    text = json.dumps(_rounded({**results, "goals": goals(results)}), indent=1)
    path.write_text(text + "\n")


def goals(results: dict[str, Any]) -> list[tuple[str, float, bool]]:
    """List the goals of the project with the measured values, true where a goal is reached."""
    rows: list[tuple[str, float, bool]] = []
    for name, limit in MAX_RATIO.items():
        ratio = results["comparison"]["ratio"][name]["sigma"]
        below = ratio < limit if limit == 1.0 else ratio <= limit
        rows.append((f"sigma / pPXF's, {name}, at most {limit:g}", ratio, below))
    recovery = results["recovery"]
    for name in AVERAGES:
        ratio = recovery["posterior_mean"][name]["rms"] / recovery["point_network"][name]["rms"]
        near = abs(ratio - 1.0) <= MAX_POINT_DIFFERENCE
        rows.append((f"rms / point network's, {name}, 1 within 0.05", ratio, near))
    for level in map(str, LEVELS):
        errors = [abs(c[level] - float(level)) for c in recovery["coverage"].values()]
        text = f"worst coverage error at {level} of {len(errors)}, at most {MAX_COVERAGE_ERROR:g}"
        rows.append((text, max(errors), max(errors) <= MAX_COVERAGE_ERROR))
    for name, limit in MIN_RATES.items():
        rate = results["rates_per_second"][name]
        rows.append((f"{name}/s, at least {limit}", rate, rate >= limit))
    if "cube" in results:
        cube = results["cube"]
        text = f"GiB for {cube['spaxels']} spaxels, below {MAX_MEMORY_GIB:g}"
        rows.append((text, cube["peak_gib"], cube["peak_gib"] < MAX_MEMORY_GIB))
    return rows


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="500 mocks, 200 draws, a small cube")
    parser.add_argument("--ppxf", action="store_true", help="fit with pPXF again (an hour)")
    parser.add_argument("--processes", type=int, default=2, help="processes that pPXF uses (2)")
    parser.add_argument("--no-memory", action="store_true", help="leave out the 300 x 300 cube")
    parser.add_argument("--model", default="phangs-bc03", help="name or folder (phangs-bc03)")
    parser.add_argument("--point-model", default="phangs-bc03-point", help="name or folder")
    parser.add_argument("--out", type=Path, default=RESULTS, help="JSON file of the results")
    return parser


def _print_recovery(recovery: dict[str, Any]) -> None:
    rows = []
    for label in ("posterior_mean", "point_network"):
        for name in AVERAGES:
            values = recovery[label][name]
            expected = [values.get("expected_rms", ""), values.get("mean_posterior_std", "")]
            rows.append((label, name, *(values[m] for m in _MEASURES), *expected))
    head = ("estimate", "average", *_MEASURES, "expected rms", "mean posterior std")
    print_table(f"Errors on {recovery['n_mocks']} mocks, dex", head, rows)
    both = [recovery[kind] for kind in ("coverage", "coverage_of_narrowest_fifth")]
    rows = [(n, *(part[n][str(level)] for part in both for level in LEVELS)) for n in both[0]]
    head = ("quantity", *LEVELS, *(f"{level:g}, narrowest fifth" for level in LEVELS))
    print_table("Coverage of central intervals", head, rows)


def _print_comparison(comparison: dict[str, Any], fits: list[dict[str, Any]]) -> None:
    estimates_of = {
        "posterior mean": comparison["posterior_mean"],
        "point network": comparison["point_network"],
        **comparison["ppxf"],
    }
    rows = [
        (label, name, *(values[name][m] for m in _MEASURES))
        for label, values in estimates_of.items()
        for name in AVERAGES
    ]
    head = ("estimate", "average", *_MEASURES)
    print_table(f"Beside pPXF, {comparison['n_mocks']} mocks", head, rows)
    ratio = comparison["ratio"]
    rows = [(name, *(ratio[name][m] for m in ("sigma", "rms", "mad_sigma"))) for name in AVERAGES]
    print_table("Posterior mean / best pPXF", ("average", "sigma", "rms", "mad_sigma"), rows)
    for fit in fits:
        config = fit["config"]
        print(
            f"pPXF regul = {config['regul']:g}, mdegree = {config['mdegree']}: "
            f"{fit['seconds_per_fit']:.2f} s/fit on one core, {fit['failures']} failures, "
            f"median chi2 {fit['median_chi2']:.2f}"
        )


def _print_rates(values: dict[str, float]) -> None:
    rows = [(name, f"{rate:,.0f}") for name, rate in values.items()]
    print_table(f"Per second, {torch.get_num_threads()} threads", ("what", "rate"), rows)


def _print_cube(cube: dict[str, Any]) -> None:
    print_table("A whole cube through `amortized-sfh infer`", ("what", "value"), cube.items())


def print_table(title: str, head: Iterable[object], rows: Iterable[Iterable[object]]) -> None:
    """Print rows in aligned columns."""
    cells = [[_text(c) for c in row] for row in [list(head), *map(list, rows)]]
    widths = [max(len(row[k]) for row in cells) for k in range(len(cells[0]))]
    print(f"\n{title}")
    for row in cells:
        print("  " + "  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip())


def _text(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.3f}" if abs(value) < 1000 else f"{value:,.0f}"
    return str(value)


def _rounded(value: Any) -> Any:
    """Four digits after the point, so that the file's history shows what changed."""
    if isinstance(value, dict):
        return {k: _rounded(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_rounded(v) for v in value]
    return round(value, 4) if isinstance(value, float) else value


if __name__ == "__main__":
    main()
