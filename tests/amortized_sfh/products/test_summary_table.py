"""The table of the posterior of one spectrum."""

from __future__ import annotations

import numpy as np

from amortized_sfh.inference.infer import infer
from amortized_sfh.products.summary_table import summary_table
from amortized_sfh.quantities.registry import PER_BIN, SCALARS, unit_of


def test_one_row_per_scalar_and_per_quantity_and_bin(small_posterior, small_observation):
    samples = infer(small_posterior, small_observation[:1], 50, distance_mpc=10.0)
    table = summary_table(samples)
    n_bins = samples.bins.n_bins
    bins = [f"{name}_{i:02d}" for name in PER_BIN for i in range(1, n_bins + 1)]
    assert list(table["name"]) == [*SCALARS, *bins]
    summary = samples.summary()
    oldest = table[-1]
    assert [oldest[key] for key in ("mean", "std", "p16", "p50", "p84")] == list(
        summary["MH"][0, -1]
    )
    assert (oldest["age_low_gyr"], oldest["age_high_gyr"]) == samples.bins.edges_gyr[-2:]
    assert oldest["unit"] == unit_of("MH")
    assert np.isnan(table[0]["age_low_gyr"])
