"""From the file of one spectrum to a folder of products: table, draws and pictures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

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
from amortized_sfh.inference.infer import infer
from amortized_sfh.inference.samples import STATISTICS, PosteriorSamples
from amortized_sfh.model import PosteriorModel
from amortized_sfh.model_files import load_model
from amortized_sfh.spectra import Spectrum, read_spectrum
from simulators.observation import Observation

PRODUCTS = ("summary.ecsv", "posterior.nc", "history.png", "corner.png", "predictive.png")
"""Files in the folder."""


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
    """

    redshift: float
    draws: int = 1000
    seed: int = 0
    ebv: float = 0.0
    distance_mpc: float | None = None
    photometry: Mapping[str, tuple[float, float]] | None = None


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
    A spectrum of another resolution, such as SDSS's (2.6 to 3.1 Å), is fitted as well, but SIGMA
    then includes the difference: the square root of its square plus or minus the difference of the
    squared widths. Where the lines are narrower than that, SIGMA means little.
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
    )
    loaded = model if isinstance(model, PosteriorModel) else load_model(model, device)
    observation, samples = posterior_of(loaded, spectrum, run)
    with output_folder(out, PRODUCTS, overwrite) as folder:
        summary_table(loaded, spectrum, run, observation, samples).write(folder / "summary.ecsv")
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
        What the model saw, a batch of one.
    samples : PosteriorSamples
        Masses are NaN where the unit of the flux is not known.

    Raises
    ------
    ValueError
        If no pixel can be used.
    """
    instrument = model.generative.simulator.instrument
    observation = spectrum.observe(
        instrument, run.redshift, ebv=run.ebv, photometry=run.photometry
    )
    if not bool(observation.valid.any()):
        raise ValueError(
            f"{spectrum.name} has no usable pixel in the model's {instrument.grid.start_aa:.0f}-"
            f"{instrument.grid.end_aa:.0f} Å (rest frame): all are masked or without a positive "
            "error; check the errors and the redshift"
        )
    samples = infer(model, observation, run.draws, run.seed, distance_mpc=run.distance_mpc)
    if spectrum.unit_cgs is None:
        samples = replace(samples, log_mass=torch.full_like(samples.log_mass, torch.nan))
    return observation, samples


def summary_table(
    model: PosteriorModel,
    spectrum: Spectrum,
    run: SpectrumRun,
    observation: Observation,
    samples: PosteriorSamples,
) -> Table:
    """Mean, standard deviation and percentiles of every product.

    Parameters
    ----------
    model, spectrum, run
        What was inferred from what, for the header.
    observation, samples
        From `posterior_of`.

    Returns
    -------
    Table
        One row per scalar, and per age bin and quantity (`MASSFRAC_01` is the youngest); chi-square,
        flags and provenance are in `meta`.
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
    names = ("name", *STATISTICS, "unit", "age_low_gyr", "age_high_gyr")
    table = Table(rows=rows, names=names)
    for name in STATISTICS:
        table[name].info.format = ".5g"
    table.meta = {
        "spectrum": spectrum.name,
        "medium": spectrum.medium,
        "redshift": float(run.redshift),
        "ebv": float(run.ebv),
        "distance_mpc": run.distance_mpc or "from the redshift",
        "bands": sorted(run.photometry or {}),
        "reduced_chi2": round(float(samples.chi2[0]), 4),
        "snr_per_pixel": round(median_snr(observation), 2),
        "flag": spectrum_flag(observation, samples),
        "model": model.card.name,
        "library": model.generative.simulator.basis.library,
        "mass_kind": model.generative.simulator.basis.mass_kind,
        "draws": run.draws,
        "seed": run.seed,
        "package_version": __version__,
    }
    return table


def median_snr(observation: Observation) -> float:
    """Median S/N of the usable pixels of the first spectrum."""
    valid = observation.valid[0]
    return float((observation.flux[0][valid] / observation.sigma[0][valid]).median())


def spectrum_flag(observation: Observation, samples: PosteriorSamples) -> int:
    """Bits of :class:`~amortized_sfh.cubes.flags.Flag` of the first spectrum."""
    flag = int(observation_flags(observation)[0])
    if bool(samples.out_of_range[0]):
        flag |= int(Flag.OUT_OF_TRAINING_RANGE)
    if not POOR_FIT_CHI2[0] <= float(samples.chi2[0]) <= POOR_FIT_CHI2[1]:
        flag |= int(Flag.POOR_FIT)
    return flag
