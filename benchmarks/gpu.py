"""Everything that needs a GPU, in one command: `python -m benchmarks.gpu --out FOLDER`.

Checks that both devices give the same light and the same draws, measures speed, and trains a model
on what a shipped model was trained on; no library file is needed. The training keeps checkpoints
in `--run` and goes on from them, so the command may be given a time limit and repeated.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import torch

import amortized_sfh as asfh
from amortized_sfh.inference import FlowSampler
from benchmarks.mocks import quoted_mocks
from benchmarks.run import print_table
from benchmarks.throughput import rates

_TRAIN = "import sys, amortized_sfh as a; a.run_train(a.read_request(a.TrainRequest, sys.argv[1]))"


def main(arguments: Sequence[str] | None = None) -> None:
    """Compare the devices, measure speed, and train."""
    options = _parser().parse_args(arguments)
    start = time.monotonic()
    device = options.device
    model = asfh.load_model(options.model)
    options.out.mkdir(parents=True, exist_ok=True)
    differences = agreement(model, asfh.load_model(options.model, device))
    print_table("Largest difference between devices", ("what", "value"), differences.items())
    moved = asfh.load_model(options.model, device)
    speed = rates(moved, asfh.load_point_model(f"{options.model}-point", device))
    print_table(f"Per second on {device_text(device)}", ("what", "rate"), speed.items())
    results = {"device": device_text(device), "agreement": differences, "rates": speed}
    (options.out / "gpu.json").write_text(json.dumps(results, indent=1) + "\n")
    if options.n:
        left = 60.0 * options.minutes - (time.monotonic() - start)
        _train(options, left)


def agreement(model: asfh.PosteriorModel, moved: asfh.PosteriorModel) -> dict[str, float]:
    """Compare the light, latent vectors and draws that two devices make of the same numbers.

    Parameters
    ----------
    model
        Trained model on the CPU.
    moved
        The same model on the other device.

    Returns
    -------
    dict of str to float
        Largest absolute difference of each; relative for light.
    """
    mock = quoted_mocks(model.generative, 64)[0]
    redshift = mock.observation.redshift
    there = moved.generative.simulator(mock.theta.to(moved.device), redshift.to(moved.device))
    latent = model.encode(mock.observation), moved.encode(mock.observation).cpu()
    values = torch.randn(64, 100, model.space.n_param)
    with torch.no_grad():
        draws = [
            FlowSampler(m.flow).from_noise(x.to(m.device), values.to(m.device)).cpu()
            for m, x in zip((model, moved), (latent[0], latent[0]), strict=True)
        ]
    return {
        "spectrum, relative": _largest(there.flux.cpu() / mock.spectra.flux - 1.0),
        "bands, relative": _largest(there.phot.cpu() / mock.spectra.phot - 1.0),
        "latent vector": _largest(latent[1] - latent[0]),
        "draws of u": _largest(draws[1] - draws[0]),
    }


def device_text(device: str) -> str:
    """Return the name of a device for people to read."""
    return torch.cuda.get_device_name(device) if device.startswith("cuda") else device


def _train(options: argparse.Namespace, seconds: float) -> None:
    """Train in a process of its own, which is stopped when its seconds are over."""
    request = asfh.TrainRequest(
        out=options.run,
        generative=asfh.GenerativeRequest(like=options.model),
        name=options.model,
        n=options.n,
        batch_size=options.batch_size,
        learning_rate=options.learning_rate,
        seed=options.seed,
        device=options.device,
    )
    path = asfh.write_request(request, options.out / "train.toml")
    try:
        subprocess.run(  # noqa: S603
            [sys.executable, "-c", _TRAIN, str(path)],
            check=True,
            timeout=max(seconds, 1.0),
        )
    except subprocess.TimeoutExpired:
        print(f"time is up; the same command goes on from the checkpoint in {options.run}")
        return
    for name in (options.model, f"{options.model}-point"):
        (options.run / name).rename(options.out / name)


def _largest(values: torch.Tensor) -> float:
    return float(values.abs().max())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="receives results and models")
    parser.add_argument(
        "--run", type=Path, default=Path("out/gpu-run"), help="folder of the training"
    )
    parser.add_argument("--model", default="phangs-bc03", help="trained anew on its own terms")
    parser.add_argument("--n", type=int, default=60_000_000, help="spectra; 0 for no training")
    parser.add_argument("--minutes", type=float, default=9.5, help="time limit (9.5)")
    parser.add_argument("--batch-size", type=int, default=2048, help="spectra per step (2048)")
    parser.add_argument("--learning-rate", type=float, default=2e-3, help="the largest (0.002)")
    parser.add_argument("--seed", type=int, default=1, help="of spectra and weights (1)")
    parser.add_argument("--device", default="cuda", help="torch device (cuda)")
    return parser


if __name__ == "__main__":
    main()
