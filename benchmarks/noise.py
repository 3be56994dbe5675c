"""The worth of a noise profile for real bins: Abell 478 read and inferred in four ways.

`python -m benchmarks.noise` prints, for the same bins, how much the error bars were enlarged, the
S/N that is left, and the reduced chi-square of the posterior predictive.
"""

from __future__ import annotations

import numpy as np

import amortized_sfh as asfh

#: Abell 478 as in `make demo-real`: broad lines, and much dust of the Milky Way.
REDSHIFT, EBV, LINE_HALF_WIDTH_KMS = 0.0858, 0.45, 1500.0
TARGET_SNR, SEED = 25.0, 478
N_DRAWS = 400


def main(model_name: str = "phangs-bc03") -> None:
    """Infer the bins with each treatment of the noise and print a table."""
    cube, _ = asfh.abell478_files()
    model = asfh.load_model(model_name)
    grid = model.instrument.grid
    plain, profile = asfh.CubeOptions(grid=grid), asfh.read_noise_profile("muse-abell478")
    with_profile = asfh.CubeOptions(grid=grid, noise_profile=profile)
    first = asfh.read_cube(cube, REDSHIFT, ebv=EBV, target_snr=TARGET_SNR, options=plain)
    bins = np.where(first.row >= 0, first.label[first.row], -1)
    treatments = (
        ("STAT and growth", plain, False),
        ("measured afterwards", plain, True),
        ("profile", with_profile, False),
        ("profile, then measured", with_profile, True),
    )
    print(f"{len(first)} bins of {first.n_spaxels.min()} to {first.n_spaxels.max()} spaxels")
    print(f"{'':24}{'chi2':>17}{'S/N':>12}{'NOISE_SCALE':>14}{'log age, light':>20}")
    for name, options, measure in treatments:
        data = asfh.read_cube(cube, REDSHIFT, ebv=EBV, bins=bins, options=options)
        choices = asfh.InferenceOptions(
            n_draws=N_DRAWS,
            seed=SEED,
            masks=asfh.MasksRequest(line_half_width_kms=LINE_HALF_WIDTH_KMS),
            measure_noise=measure,
            progress=False,
        )
        maps = asfh.infer_cube(model, data, choices)
        chi2, snr, scale = maps.chi2, maps.snr, maps.noise_scale
        age = maps["LOGAGE_LW"][:, :2].mean(axis=0)
        print(
            f"{name:24}{chi2.min():6.2f}-{chi2.max():.2f} ({np.median(chi2):.2f})"
            f"{snr.min():7.0f}-{snr.max():.0f}{scale.min():9.2f}-{scale.max():.2f}"
            f"{age[0]:12.2f} +- {age[1]:.2f}"
        )


if __name__ == "__main__":
    main()
