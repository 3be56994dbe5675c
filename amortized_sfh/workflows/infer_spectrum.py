"""From one spectrum to its posterior and a folder of products: table, draws and figures."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from amortized_sfh._version import __version__
from amortized_sfh.data.spectra.expected_chi2 import expected_chi2
from amortized_sfh.data.spectra.spectrum import Spectrum
from amortized_sfh.inference.draw_files import write_draws
from amortized_sfh.inference.infer import N_PREDICTIVE, infer
from amortized_sfh.inference.noise_scale import measure_noise_scale
from amortized_sfh.inference.predictive_checks import describe_misfits, predictive_spectra
from amortized_sfh.inference.samples import PosteriorSamples
from amortized_sfh.model.model import PosteriorModel
from amortized_sfh.products.observation_figures import draw_observation
from amortized_sfh.products.summary_table import summary_table
from amortized_sfh.quantities.flags import observation_flags, posterior_flags
from amortized_sfh.requests.infer_spectrum import InferSpectrumRequest
from simulators.observations.masks import mask_observation
from simulators.observations.observation import Observation

PRODUCTS = ("summary.ecsv", "posterior.nc", "history.png", "corner.png", "predictive.png")
"""Files in the folder of one spectrum."""


class SpectrumPosterior(NamedTuple):
    """Posterior of one spectrum.

    Attributes
    ----------
    observation
        The spectrum as the model sees it, a batch of one.
    samples
        Its draws; masses are NaN where the unit of the flux is not known.
    """

    observation: Observation
    samples: PosteriorSamples


def infer_spectrum(
    model: PosteriorModel,
    spectrum: Spectrum,
    request: InferSpectrumRequest,
    photometry: Mapping[str, tuple[float, float]] | None = None,
) -> SpectrumPosterior:
    """Infer a spectrum that has been read.

    Parameters
    ----------
    model
        Trained posterior model.
    spectrum
        The spectrum as it was read.
    request
        Request for its posterior, whose files are not looked at.
    photometry
        Band name to f_λ and its standard deviation as observed, in the unit of the spectrum.

    Returns
    -------
    SpectrumPosterior
        The spectrum as the model sees it, and its draws.

    Raises
    ------
    ValueError
        If there is no redshift, the spectrum is not of the kind that the model was made for, or no
        pixel can be used.

    Notes
    -----
    The model broadens by the line spread function of its instrument; that of MUSE has 2.9 Å FWHM at
    5000 Å, 2.5 Å at 7000 Å. A spectrum of another resolution, such as SDSS's (about 2.2 Å at
    5000 Å, 3.2 Å at 7000 Å), is fitted as well, but its velocity dispersion then includes the
    difference, in quadrature, and so it does the blur of bringing other pixels to those of the
    instrument, about 30 km/s for MUSE. Below some 80 km/s such a dispersion means little: train a
    model for the instrument instead.
    """
    redshift = spectrum.redshift if request.redshift is None else request.redshift
    if redshift is None:
        raise ValueError(
            f"{spectrum.name} does not state its redshift: give the galaxy's, e.g. --redshift 0.03"
        )
    instrument = model.instrument
    observation = spectrum.observe(instrument, redshift, ebv=request.ebv, photometry=photometry)
    observation = mask_observation(observation, instrument, request.line_half_width_kms)
    if not bool(observation.valid.any()):
        raise ValueError(
            f"{spectrum.name} has no usable pixel in the model's {instrument.grid.start_aa:.0f}-"
            f"{instrument.grid.end_aa:.0f} Å (rest frame): all are masked or without a positive "
            "error; check the errors and the redshift"
        )
    if request.measure_noise:
        observation, _ = measure_noise_scale(model, observation, request.seed)
    samples = infer(
        model, observation, request.draws, request.seed, distance_mpc=request.distance_mpc
    )
    misfit = _band_misfit(model, samples)
    if misfit:
        warnings.warn(
            f"{spectrum.name}: {misfit} from what the spectrum says; check the unit, the aperture "
            "and the zero point of the band (flag BAND_MISFIT)",
            stacklevel=2,
        )
    return SpectrumPosterior(observation, samples)


def write_products(
    model: PosteriorModel,
    spectrum: Spectrum,
    request: InferSpectrumRequest,
    posterior: SpectrumPosterior,
    folder: Path,
) -> dict[str, Any]:
    """Write the products of one spectrum.

    Parameters
    ----------
    model, spectrum, request
        The arguments of `infer_spectrum`.
    posterior
        The posterior that `infer_spectrum` gives for them.
    folder
        Folder that receives :data:`PRODUCTS`, without the figures if the request wants none.

    Returns
    -------
    dict of str to object
        Quality of the fit and provenance, as in the header of the table.
    """
    observation, samples = posterior
    table = summary_table(samples)
    table.meta = describe_run(model, spectrum, request, posterior)
    table.write(folder / "summary.ecsv")
    write_draws(samples, folder / "posterior.nc")
    if request.plots:
        known = observation.unit_cgs is not None
        unit = f"{observation.unit_cgs:.3g} erg/s/cm²/Å" if known else ""
        draw_observation(model, observation, samples, folder, title=spectrum.name, flux_unit=unit)
    return dict(table.meta)


def describe_run(
    model: PosteriorModel,
    spectrum: Spectrum,
    request: InferSpectrumRequest,
    posterior: SpectrumPosterior,
) -> dict[str, Any]:
    """Describe the quality of the fit and the provenance, for the header of the table.

    Parameters
    ----------
    model, spectrum, request
        The arguments of `infer_spectrum`.
    posterior
        The posterior that `infer_spectrum` gives for them.

    Returns
    -------
    dict of str to object
        Plain values. `reduced_chi2_expected` is that of a perfect fit if the errors of the file are
        right and independent; the flag POOR_FIT goes by the ratio of the two.
    """
    observation, samples = posterior
    light = predictive_spectra(model.generative, observation, samples.theta[:, :N_PREDICTIVE])
    expected = expected_chi2(model.generative, spectrum, observation, light.flux[0].mean(0))
    flag = observation_flags(observation) | posterior_flags(
        samples.chi2, samples.out_of_range, samples.band_pull, samples.ess, expected
    )
    used = zip(model.instrument.bands, observation.phot_valid[0], strict=True)
    basis = model.generative.simulator.basis
    return {
        "spectrum": spectrum.name,
        "medium": spectrum.medium,
        "redshift": round(float(observation.redshift[0]), 7),
        "ebv": float(request.ebv),
        "distance_mpc": request.distance_mpc or "from the redshift",
        "bands": [name for name, is_used in used if is_used],
        "bands_that_do_not_fit": _band_misfit(model, samples) or "none",
        "line_half_width_kms": float(request.line_half_width_kms),
        "measured_noise": request.measure_noise,
        "reduced_chi2": round(float(samples.chi2[0]), 4),
        "reduced_chi2_expected": round(expected, 4),
        "snr_per_pixel": round(float(observation.median_snr()[0]), 2),
        "flag": int(flag[0]),
        "model": model.card.name,
        "library": basis.library,
        "mass_kind": basis.mass_kind,
        "draws": request.draws,
        "seed": request.seed,
        "package_version": __version__,
    }


def _band_misfit(model: PosteriorModel, samples: PosteriorSamples) -> str:
    """Bands of the first observation that do not fit, with their pulls; empty if all fit."""
    pull = samples.band_pull
    return "" if pull is None else describe_misfits(pull[0], model.instrument.bands)
