"""What a noise profile does for real bins: Abell 478 read and inferred in four ways.

`python -m benchmarks.noise` prints, for the same bins, how much the error bars were enlarged, the
S/N that is left, and the reduced chi-square of the posterior predictive.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from amortized_sfh.data.cubes.cube_data import CubeOptions
from amortized_sfh.data.cubes.read_cube import read_cube
from amortized_sfh.model.model_files import load_model
from amortized_sfh.workflows.demos.abell478 import (
    EBV,
    LINE_HALF_WIDTH_KMS,
    REDSHIFT,
    SEED,
    TARGET_SNR,
    sample_files,
)
from amortized_sfh.workflows.infer_cube import RunOptions, infer_cube
from simulators.noise.profile import read_noise_profile

N_DRAWS = 400


def main(model_name: str = "phangs-bc03") -> None:
    """Infer the bins with each treatment of the noise and print a table."""
    cube, _ = sample_files()
    model = load_model(model_name)
    grid = model.instrument.grid
    plain, profile = CubeOptions(grid=grid), read_noise_profile("muse-abell478")
    with_profile = CubeOptions(grid=grid, noise_profile=profile)
    first = read_cube(cube, REDSHIFT, ebv=EBV, target_snr=TARGET_SNR, options=plain)
    bins = np.where(first.row >= 0, first.label[first.row], -1)
    treatments = (
        ("STAT and growth", plain, False),
        ("measured afterwards", plain, True),
        ("profile", with_profile, False),
        ("profile, then measured", with_profile, True),
    )
    print(f"{len(first)} bins of {first.n_spaxels.min()} to {first.n_spaxels.max()} spaxels")
    print(f"{'':24}{'chi2':>17}{'S/N':>12}{'NOISE_SCALE':>14}{'log age, light':>20}")
    with TemporaryDirectory() as folder:
        for k, (name, options, measure) in enumerate(treatments):
            data = read_cube(cube, REDSHIFT, ebv=EBV, bins=bins, options=options)
            run = RunOptions(
                n_draws=N_DRAWS,
                seed=SEED,
                line_half_width_kms=LINE_HALF_WIDTH_KMS,
                measure_noise=measure,
                progress=False,
            )
            results = infer_cube(model, data, Path(folder) / f"{k}.fits", run)
            chi2, snr, scale = (results[key] for key in ("CHI2", "SNR", "NOISE_SCALE"))
            age = results["LOGAGE_LW"][:, :2].mean(axis=0)
            print(
                f"{name:24}{chi2.min():6.2f}-{chi2.max():.2f} ({np.median(chi2):.2f})"
                f"{snr.min():7.0f}-{snr.max():.0f}{scale.min():9.2f}-{scale.max():.2f}"
                f"{age[0]:12.2f} +- {age[1]:.2f}"
            )


if __name__ == "__main__":
    main()
