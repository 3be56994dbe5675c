"""From the file of one spectrum to a folder of products: table, draws and pictures."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path

from amortized_sfh.data.spectra.photometry import in_unit, read_photometry
from amortized_sfh.data.spectra.spectrum import Spectrum, read_spectrum
from amortized_sfh.inference.draw_files import write_draws
from amortized_sfh.inference.infer import infer
from amortized_sfh.inference.noise_scale import measure_noise_scale
from amortized_sfh.inference.samples import PosteriorSamples
from amortized_sfh.model.model import PosteriorModel
from amortized_sfh.model.model_files import load_model
from amortized_sfh.products.observation_figures import draw_observation
from amortized_sfh.workflows.spectrum_run import SpectrumRun
from amortized_sfh.workflows.spectrum_summary import (
    band_misfit,
    describe_run,
    summary_table,
)
from simulators.files.whole_folders import check_output_folder, output_folder
from simulators.observations.masks import leave_out
from simulators.observations.observation import Observation

__all__ = ["PRODUCTS", "SpectrumRun", "infer_spectrum", "posterior_of", "write_products"]

PRODUCTS = ("summary.ecsv", "posterior.nc", "history.png", "corner.png", "predictive.png")
"""Files in the folder."""


def infer_spectrum(
    source: str | Path | Spectrum,
    out: str | Path,
    run: SpectrumRun | None = None,
    *,
    model: str | Path | PosteriorModel = "phangs-bc03",
    device: str = "cpu",
) -> PosteriorSamples:
    """Infer one spectrum and write summary, draws and pictures.

    Parameters
    ----------
    source : str, Path or Spectrum
        A spectrum, or any file that
        :func:`~amortized_sfh.data.spectra.spectrum.read_spectrum` reads.
    out : str or Path
        Folder for the products, :data:`PRODUCTS`. It appears only when it is complete.
    run : SpectrumRun, optional
        How.
    model : str, Path or PosteriorModel
        Name, folder, or the model itself.
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
        If the spectrum, the photometry or the model cannot be used.
    ValueError
        If the redshift is missing or absurd, the spectrum is not of the kind that the model was
        made for, no pixel can be used, or an option is out of range.

    Notes
    -----
    The model broadens by the line spread function of its instrument; that of MUSE has 2.9 Å FWHM at
    5000 Å, 2.5 Å at 7000 Å. A spectrum of another resolution, such as SDSS's (about 2.2 Å at
    5000 Å, 3.2 Å at 7000 Å), is fitted as well, but SIGMA then includes the difference, in
    quadrature; so it does the blur of bringing other pixels to those of the instrument, about
    30 km/s for MUSE. Below some 80 km/s such a SIGMA means little: train a model for the
    instrument instead.
    """
    run = run or SpectrumRun()
    out = check_output_folder(out, PRODUCTS, run.overwrite)
    spectrum = source if isinstance(source, Spectrum) else read_spectrum(source, run.medium)
    run = with_bands(run, spectrum)
    loaded = model if isinstance(model, PosteriorModel) else load_model(model, device)
    observation, samples = posterior_of(loaded, spectrum, run)
    with output_folder(out, PRODUCTS, run.overwrite) as folder:
        write_products(loaded, spectrum, run, (observation, samples), folder)
    return samples


def with_bands(run: SpectrumRun, spectrum: Spectrum) -> SpectrumRun:
    """Read the photometry of a run in the unit of its spectrum.

    Parameters
    ----------
    run
        How.
    spectrum
        The data.

    Returns
    -------
    SpectrumRun
        With `photometry` in place of `photometry_file`.

    Raises
    ------
    FileNotFoundError, InputFileError, ValueError
        If the table cannot be used, or the unit of the spectrum is not known.
    """
    if run.photometry_file is None:
        return run
    fluxes = read_photometry(run.photometry_file)
    bands = in_unit(fluxes, spectrum.unit_cgs, spectrum.name)
    return replace(run, photometry=bands, photometry_file=None)


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
        If there is no redshift, or no pixel can be used.
    """
    redshift = spectrum.redshift if run.redshift is None else run.redshift
    if redshift is None:
        raise ValueError(
            f"{spectrum.name} does not state its redshift: give the galaxy's, e.g. --redshift 0.03"
        )
    instrument = model.generative.simulator.instrument
    observation = spectrum.observe(instrument, redshift, ebv=run.ebv, photometry=run.photometry)
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
    misfit = band_misfit(model, samples)
    if misfit:
        warnings.warn(
            f"{spectrum.name}: {misfit} from what the spectrum says; check the unit, the aperture "
            "and the zero point of the band (flag BAND_MISFIT)",
            stacklevel=2,
        )
    return observation, samples


def write_products(
    model: PosteriorModel,
    spectrum: Spectrum,
    run: SpectrumRun,
    posterior: tuple[Observation, PosteriorSamples],
    folder: Path,
) -> dict[str, object]:
    """Write the products of one spectrum.

    Parameters
    ----------
    model, spectrum, run
        What was inferred from what.
    posterior
        From `posterior_of`.
    folder
        Receives :data:`PRODUCTS`, without the pictures if the run has none.

    Returns
    -------
    dict of str to object
        Quality of the fit and provenance, as in the header of the table.
    """
    observation, samples = posterior
    table = summary_table(samples)
    table.meta = describe_run(model, spectrum, run, observation, samples)
    table.write(folder / "summary.ecsv")
    write_draws(samples, folder / "posterior.nc")
    if run.plots:
        known = observation.unit_cgs is not None
        unit = f"{observation.unit_cgs:.3g} erg/s/cm²/Å" if known else ""
        draw_observation(model, observation, samples, folder, title=spectrum.name, flux_unit=unit)
    return dict(table.meta)
