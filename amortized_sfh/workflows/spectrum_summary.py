"""What is written about the posterior of one spectrum: a table of summaries, and its header."""

from __future__ import annotations

from typing import Any

import numpy as np
from astropy.table import Table

from amortized_sfh._version import __version__
from amortized_sfh.data.spectra.expected_chi2 import expected_chi2
from amortized_sfh.data.spectra.spectrum import Spectrum
from amortized_sfh.inference.band_pulls import describe_misfits
from amortized_sfh.inference.infer import predictive_spectra
from amortized_sfh.inference.samples import STATISTICS, PosteriorSamples
from amortized_sfh.model.model import PosteriorModel
from amortized_sfh.products.map_file import UNITS
from amortized_sfh.quantities.flags import Flag, observation_flags
from amortized_sfh.workflows.infer_cube import POOR_FIT_CHI2
from amortized_sfh.workflows.spectrum_run import SpectrumRun
from simulators.observations.observation import Observation

__all__ = ["band_misfit", "describe_run", "summary_table"]

_N_PREDICTIVE = 24


def summary_table(samples: PosteriorSamples) -> Table:
    """Mean, standard deviation and percentiles of every product of the first observation.

    Parameters
    ----------
    samples
        Its draws.

    Returns
    -------
    Table
        One row per scalar, and per quantity and age bin: `MASSFRAC_01` is the youngest.
    """
    edges = samples.bins.edges_gyr
    rows = []
    for name, values in samples.summary().items():
        unit = UNITS[name]
        if values.ndim == 2:
            rows.append((name, *values[0], unit, np.nan, np.nan))
            continue
        for i, statistics in enumerate(values[0]):
            rows.append((f"{name}_{i + 1:02d}", *statistics, unit, edges[i], edges[i + 1]))
    table = Table(rows=rows, names=("name", *STATISTICS, "unit", "age_low_gyr", "age_high_gyr"))
    for name in STATISTICS:
        table[name].info.format = ".5g"
    return table


def describe_run(
    model: PosteriorModel,
    spectrum: Spectrum,
    run: SpectrumRun,
    observation: Observation,
    samples: PosteriorSamples,
) -> dict[str, Any]:
    """Quality of the fit and provenance, for the header of the table.

    Parameters
    ----------
    model, spectrum, run
        What was inferred from what.
    observation, samples
        From `posterior_of`.

    Returns
    -------
    dict of str to Any
        `reduced_chi2_expected` is that of a perfect fit if the errors of the file are right and
        independent; the flag POOR_FIT goes by the ratio of the two.
    """
    valid = observation.valid[0]
    snr = float((observation.flux[0][valid] / observation.sigma[0][valid]).median())
    light = predictive_spectra(model.generative, observation, samples.theta[:, :_N_PREDICTIVE])
    expected = expected_chi2(model.generative, spectrum, observation, light.flux[0].mean(0))
    chi2 = float(samples.chi2[0])
    flag = int(observation_flags(observation)[0])
    if bool(samples.out_of_range[0]):
        flag |= int(Flag.OUT_OF_TRAINING_RANGE)
    if not POOR_FIT_CHI2[0] <= chi2 / expected <= POOR_FIT_CHI2[1]:
        flag |= int(Flag.POOR_FIT)
    misfit = band_misfit(model, samples)
    if misfit:
        flag |= int(Flag.BAND_MISFIT)
    return {
        "spectrum": spectrum.name,
        "medium": spectrum.medium,
        "redshift": round(float(observation.redshift[0]), 7),
        "ebv": float(run.ebv),
        "distance_mpc": run.distance_mpc or "from the redshift",
        "bands": _bands_used(model, observation),
        "bands_that_do_not_fit": misfit or "none",
        "line_half_width_kms": float(run.line_half_width_kms),
        "measured_noise": run.measure_noise,
        "reduced_chi2": round(chi2, 4),
        "reduced_chi2_expected": round(expected, 4),
        "snr_per_pixel": round(snr, 2),
        "flag": flag,
        "model": model.card.name,
        "library": model.generative.simulator.basis.library,
        "mass_kind": model.generative.simulator.basis.mass_kind,
        "draws": run.draws,
        "seed": run.seed,
        "package_version": __version__,
    }


def band_misfit(model: PosteriorModel, samples: PosteriorSamples) -> str:
    """Bands of the first observation that are far from the posterior predictive.

    Parameters
    ----------
    model
        Its bands.
    samples
        From `posterior_of`.

    Returns
    -------
    str
        Their names and pulls, empty if all fit.
    """
    if samples.band_pull is None:
        return ""
    return describe_misfits(samples.band_pull[0], model.generative.simulator.instrument.bands)


def _bands_used(model: PosteriorModel, observation: Observation) -> list[str]:
    """Names of the bands that are used; beyond their redshift limit there are none."""
    names = model.generative.simulator.instrument.bands
    return [name for name, used in zip(names, observation.phot_valid[0], strict=True) if used]
