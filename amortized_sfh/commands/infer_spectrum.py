"""From the file of one spectrum to a folder of products: table, draws and pictures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from astropy.table import Table

from amortized_sfh._version import __version__
from amortized_sfh.commands.figures import draw_observation
from amortized_sfh.commands.infer_cube import POOR_FIT_CHI2
from amortized_sfh.commands.output_folder import check_output_folder, output_folder
from amortized_sfh.cubes.flags import Flag, observation_flags
from amortized_sfh.cubes.maps import UNITS
from amortized_sfh.inference.draw_files import write_draws
from amortized_sfh.inference.infer import infer, predictive_spectra
from amortized_sfh.inference.noise_scale import measure_noise_scale
from amortized_sfh.inference.samples import STATISTICS, PosteriorSamples
from amortized_sfh.model import PosteriorModel
from amortized_sfh.model_files import load_model
from amortized_sfh.spectra import Spectrum, read_spectrum
from amortized_sfh.spectrum_fit import expected_chi2
from simulators.masks import LINE_HALF_WIDTH_KMS, leave_out
from simulators.observation import Observation

PRODUCTS = ("summary.ecsv", "posterior.nc", "history.png", "corner.png", "predictive.png")
"""Files in the folder."""

_N_PREDICTIVE = 24


@dataclass(frozen=True, kw_only=True)
class SpectrumRun:
    """How a spectrum is inferred; all of it goes into the header of the table.

    Parameters
    ----------
    redshift
        Of the galaxy.
    draws
        Posterior draws.
    seed
        Source of randomness.
    ebv
        Galactic E(B-V) in mag, removed.
    distance_mpc
        Luminosity distance in Mpc; from the redshift where it is not given.
    photometry
        Band name to (f_λ, sigma) as observed, in the unit of the spectrum.
    line_half_width_kms
        Half width of the masks of emission lines.
    measure_noise
        Enlarge the errors to the scatter of the data first, see `measure_noise_scale`.
    """

    redshift: float
    draws: int = 1000
    seed: int = 0
    ebv: float = 0.0
    distance_mpc: float | None = None
    photometry: Mapping[str, tuple[float, float]] | None = None
    line_half_width_kms: float = LINE_HALF_WIDTH_KMS
    measure_noise: bool = False


def infer_spectrum(  # noqa: PLR0913 (the options of the command line, one by one)
    path: str | Path,
    redshift: float,
    out: str | Path,
    *,
    model: str | Path | PosteriorModel = "phangs-bc03",
    draws: int = 1000,
    seed: int = 0,
    ebv: float = 0.0,
    distance_mpc: float | None = None,
    photometry: Mapping[str, tuple[float, float]] | None = None,
    medium: str | None = None,
    line_half_width_kms: float = LINE_HALF_WIDTH_KMS,
    measure_noise: bool = False,
    overwrite: bool = False,
    device: str = "cpu",
) -> PosteriorSamples:
    """Infer one spectrum and write summary, draws and pictures.

    Parameters
    ----------
    path : str or Path
        Any file that :func:`~amortized_sfh.spectra.read_spectrum` reads.
    redshift : float
        Redshift of the galaxy.
    out : str or Path
        Folder for the products, :data:`PRODUCTS`. It appears only when it is complete.
    model : str, Path or PosteriorModel
        Name, folder, or the model itself.
    draws : int
        Posterior draws.
    seed : int
        The same seed gives the same draws.
    ebv : float
        E(B-V) of the Milky Way in mag, removed from spectrum and bands.
    distance_mpc : float, optional
        Luminosity distance in Mpc; from the redshift where it is not given.
    photometry : mapping, optional
        HST band name to (f_λ, sigma) as observed, in the unit of the spectrum.
    medium : {"air", "vacuum"}, optional
        Medium of the wavelengths; as the file says by default.
    line_half_width_kms : float
        Half width of the masks of emission lines; wider than the default for broad lines.
    measure_noise : bool
        Enlarge the errors to the scatter of the data first.
    overwrite : bool
        Replace an existing folder of products.
    device : str
        Where to compute.

    Returns
    -------
    PosteriorSamples
        Of one observation.

    Raises
    ------
    FileExistsError
        If the folder exists and may not be replaced.
    FileNotFoundError, InputFileError, ModelFileError
        If the spectrum or the model cannot be used.
    ValueError
        If the redshift is absurd, no pixel can be used, or an option is out of range.

    Notes
    -----
    The model broadens by the line spread function of MUSE (2.9 Å FWHM at 5000 Å, 2.5 Å at 7000 Å).
    A spectrum of another resolution, such as SDSS's (about 2.2 Å at 5000 Å, 3.2 Å at 7000 Å), is
    fitted as well, but SIGMA then includes the difference, in quadrature; so it does the blur of
    bringing other pixels to those of MUSE, about 30 km/s. Below some 80 km/s such a SIGMA means
    little.
    """
    out = check_output_folder(out, PRODUCTS, overwrite)
    spectrum = read_spectrum(path, medium)
    run = SpectrumRun(
        redshift=redshift,
        draws=draws,
        seed=seed,
        ebv=ebv,
        distance_mpc=distance_mpc,
        photometry=photometry,
        line_half_width_kms=line_half_width_kms,
        measure_noise=measure_noise,
    )
    loaded = model if isinstance(model, PosteriorModel) else load_model(model, device)
    observation, samples = posterior_of(loaded, spectrum, run)
    table = summary_table(samples)
    table.meta = describe_run(loaded, spectrum, run, observation, samples)
    with output_folder(out, PRODUCTS, overwrite) as folder:
        table.write(folder / "summary.ecsv")
        write_draws(samples, folder / "posterior.nc")
        draw_observation(loaded, observation, samples, folder, title=spectrum.name)
    return samples


def posterior_of(
    model: PosteriorModel, spectrum: Spectrum, run: SpectrumRun
) -> tuple[Observation, PosteriorSamples]:
    """Infer a spectrum that has been read.

    Parameters
    ----------
    model
        Trained model.
    spectrum
        The data.
    run
        How.

    Returns
    -------
    observation : Observation
        What the model sees, a batch of one.
    samples : PosteriorSamples
        Masses are NaN where the unit of the flux is not known.

    Raises
    ------
    ValueError
        If no pixel can be used.
    """
    instrument = model.generative.simulator.instrument
    observation = spectrum.observe(instrument, run.redshift, ebv=run.ebv, photometry=run.photometry)
    observation = leave_out(observation, instrument, run.line_half_width_kms)
    if not bool(observation.valid.any()):
        raise ValueError(
            f"{spectrum.name} has no usable pixel in the model's {instrument.grid.start_aa:.0f}-"
            f"{instrument.grid.end_aa:.0f} Å (rest frame): all are masked or without a positive "
            "error; check the errors and the redshift"
        )
    if run.measure_noise:
        observation, _ = measure_noise_scale(model, observation, run.seed)
    samples = infer(model, observation, run.draws, run.seed, distance_mpc=run.distance_mpc)
    if spectrum.unit_cgs is None:
        samples = replace(samples, log_mass=torch.full_like(samples.log_mass, torch.nan))
    return observation, samples


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
    return {
        "spectrum": spectrum.name,
        "medium": spectrum.medium,
        "redshift": float(run.redshift),
        "ebv": float(run.ebv),
        "distance_mpc": run.distance_mpc or "from the redshift",
        "bands": sorted(run.photometry or {}),
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
