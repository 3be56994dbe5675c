"""Speed on the cores at hand, and the memory of a whole cube."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from astropy.io import fits

import amortized_sfh as asfh
from amortized_sfh.inference import FlowSampler
from benchmarks.mocks import quoted_mocks
from simulators.runs import map_in_threads

_REPEATS = 3
_INFER = "import sys, amortized_sfh as a; a.run_infer(a.read_request(a.InferRequest, sys.argv[1]))"
_REDSHIFT = 0.00243


def rates(posterior: asfh.PosteriorModel, point: asfh.PointModel | None) -> dict[str, float]:
    """Measure rates per second, the best of three runs, on all cores that this process may use.

    `posterior_draws` is `infer` end to end: packing, encoding, sampling, theta, all derived
    quantities, masses and the predictive chi-square. `flow_draws` is the flow alone, to theta.
    """
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    generative = posterior.generative
    mock = quoted_mocks(generative, 500)[0]
    observation = mock.observation
    n_draws = 1000
    few = observation[:192]
    sampler = FlowSampler(posterior.flow)
    latent = posterior.encode(few)
    redshift = observation.redshift

    pieces = [mock.theta.split(250), redshift.split(250)]

    @torch.no_grad()
    def simulate_piece(piece: tuple[torch.Tensor, torch.Tensor]) -> None:
        generative.simulator(*piece)

    def simulate() -> None:
        for _ in map_in_threads(simulate_piece, 4 * list(zip(*pieces, strict=True))):
            pass

    def sample() -> None:
        for part in latent.split(64):
            u = sampler.sample(part, n_draws)
            generative.space.to_theta(u.flatten(0, 1))

    def infer_all() -> None:
        for _ in asfh.infer_chunks(posterior, few, n_draws):
            pass

    results = {
        "posterior_draws": len(few) * n_draws / _seconds(infer_all),
        "flow_draws": len(few) * n_draws / _seconds(sample),
        "encodings": len(observation) / _seconds(lambda: posterior.encode(observation)),
        "noise_free_spectra": 4 * len(observation) / _seconds(simulate),
    }
    if point is not None:
        results["point_estimates"] = len(observation) / _seconds(
            lambda: point.estimate(observation)
        )
    return results


def cube_memory(n_side: int, model: str, n_draws: int = 100) -> dict[str, Any]:
    """Measure peak memory and time of `run_infer` on a full-length cube of n_side**2 spaxels.

    Draws are made in chunks of a fixed number, so memory does not depend on `n_draws`.
    """
    with tempfile.TemporaryDirectory() as folder:
        cube = Path(folder) / "cube.fits"
        write_cube(cube, n_side)
        size = cube.stat().st_size
        request = asfh.InferRequest(
            cube=cube,
            out=Path(folder) / "maps.fits",
            redshift=_REDSHIFT,
            distance_mpc=11.32,
            model=model,
            draws=n_draws,
            plots=False,
        )
        path = asfh.write_request(request, Path(folder) / "infer.toml")
        start = time.perf_counter()
        process = subprocess.Popen([sys.executable, "-c", _INFER, str(path)])  # noqa: S603
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            raise RuntimeError(f"inference of the cube ended with code {process.returncode}")
    # Linux counts in kB, macOS in bytes
    unit = 1 if sys.platform == "darwin" else 1024
    return {
        "spaxels": n_side**2,
        "cube_gib": size / 2**30,
        "peak_gib": usage.ru_maxrss * unit / 2**30,
        "seconds": time.perf_counter() - start,
        "draws_per_spaxel": n_draws,
    }


def write_cube(path: Path, n_side: int, n_wave: int = 3681) -> None:
    """Write a cube as ESO delivers them, of a smooth galaxy at S/N about 20, plane by plane."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:n_side, :n_side] - 0.5 * (n_side - 1)
    brightness = (100.0 * np.exp(-np.hypot(x, y) / n_side) + 20.0).astype(np.float32)
    fits.PrimaryHDU().writeto(path)
    for name in ("DATA", "STAT"):
        with fits.StreamingHDU(str(path), _header(name, n_side, n_wave)) as stream:
            for _ in range(n_wave):
                noise = rng.standard_normal(brightness.shape, dtype=np.float32)
                plane = (
                    brightness + 5.0 * noise if name == "DATA" else np.full_like(brightness, 25.0)
                )
                stream.write(plane.astype(">f4"))


def _header(name: str, n_side: int, n_wave: int) -> fits.Header:
    header = fits.ImageHDU(name=name).header
    header["BITPIX"], header["NAXIS"] = -32, 3
    for axis, length in enumerate((n_side, n_side, n_wave), start=1):
        header.set(f"NAXIS{axis}", length, after="NAXIS" if axis == 1 else f"NAXIS{axis - 1}")
    centre = 0.5 * (n_side + 1)
    header.update(
        CTYPE1="RA---TAN", CTYPE2="DEC--TAN", CTYPE3="AWAV", CUNIT1="deg", CUNIT2="deg",
        CUNIT3="Angstrom", CRVAL1=170.0626, CRVAL2=12.9915, CRVAL3=4750.0, CRPIX1=centre,
        CRPIX2=centre, CRPIX3=1.0, CD1_1=-0.2 / 3600, CD1_2=0.0, CD2_1=0.0, CD2_2=0.2 / 3600,
        CD3_3=1.25, CD1_3=0.0, CD2_3=0.0, CD3_1=0.0, CD3_2=0.0,
    )  # fmt: skip
    unit = "10**(-20)*erg/s/cm**2/Angstrom"
    header["BUNIT"] = unit if name == "DATA" else f"({unit})**2"
    return header


def _seconds(action: Callable[[], object]) -> float:
    action()
    times = []
    for _ in range(_REPEATS):
        start = time.perf_counter()
        action()
        if torch.cuda.is_available():  # kernels are launched, not awaited
            torch.cuda.synchronize()
        times.append(time.perf_counter() - start)
    return min(times)
