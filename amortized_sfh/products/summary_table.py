"""The table of the posterior of one spectrum: statistics of every product."""

from __future__ import annotations

import numpy as np
from astropy.table import Table

from amortized_sfh.inference.samples import PosteriorSamples
from amortized_sfh.quantities.registry import unit_of
from amortized_sfh.quantities.statistics import STATISTICS


def summary_table(samples: PosteriorSamples) -> Table:
    """Tabulate mean, standard deviation and percentiles of every product of one observation.

    Parameters
    ----------
    samples
        Draws of one observation or more, of which the first is taken.

    Returns
    -------
    Table
        One row per scalar, and per quantity and age bin: `MASSFRAC_01` is the youngest.
    """
    edges = samples.bins.edges_gyr
    rows = []
    for name, values in samples.summary().items():
        unit = unit_of(name)
        if values.ndim == 2:
            rows.append((name, *values[0], unit, np.nan, np.nan))
            continue
        for i, statistics in enumerate(values[0]):
            rows.append((f"{name}_{i + 1:02d}", *statistics, unit, edges[i], edges[i + 1]))
    table = Table(rows=rows, names=("name", *STATISTICS, "unit", "age_low_gyr", "age_high_gyr"))
    for name in STATISTICS:
        table[name].info.format = ".5g"
    return table
