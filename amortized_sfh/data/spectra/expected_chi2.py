"""The reduced chi-square of a perfect fit of a spectrum whose pixels are not those of the model.

The noise of a spectrum that was sampled otherwise than the model's instrument is smoother, pixel by
pixel, than the model takes it to be: even a perfect fit then has a reduced chi-square below one.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from amortized_sfh.data.spectra.spectrum import Spectrum
from simulators.forward.simulator import ModelSpectra
from simulators.generative import GenerativeModel
from simulators.noise.likelihood import Likelihood
from simulators.observations.observation import Observation

_N_NOISE = 16


def expected_chi2(
    generative: GenerativeModel, spectrum: Spectrum, observation: Observation, light: Tensor
) -> float:
    """Return the reduced chi-square of a perfect fit, if the errors are right and independent.

    Parameters
    ----------
    generative : GenerativeModel
        Model whose noise and instrument are assumed in the fit.
    spectrum : Spectrum
        The spectrum as read from its file, on its own pixels.
    observation : Observation
        The same spectrum after `Spectrum.observe`, a batch of one.
    light : Tensor
        Model spectrum that fits, in the unit of the observation, shape (n_pix,).

    Returns
    -------
    float
        Mean over 16 draws of the noise, each brought to the model as the spectrum was. The bands
        are left out.
    """
    random = np.random.default_rng(0)
    usable = spectrum.valid & np.isfinite(spectrum.sigma)
    instrument, redshift = generative.instrument, float(observation.redshift[0])
    noisy = []
    for _ in range(_N_NOISE):
        noise = np.where(usable, random.standard_normal(usable.size) * spectrum.sigma, 0.0)
        drawn = replace(spectrum, flux=noise).observe(instrument, redshift)
        # the Galactic foreground scales noise and errors alike
        share = drawn.flux / torch.where(drawn.valid, drawn.sigma, 1.0)
        noisy.append(torch.where(observation.valid, light + share * observation.sigma, 0.0))
    many = observation[torch.zeros(_N_NOISE, dtype=torch.long)]
    many = replace(many, flux=torch.cat(noisy), phot_valid=torch.zeros_like(many.phot_valid))
    likelihood = Likelihood(generative.noise, many)
    model = ModelSpectra(light.expand(_N_NOISE, 1, -1), torch.ones(_N_NOISE, 1, many.phot.shape[1]))
    chi2 = likelihood.chi2(model)[:, 0] / (likelihood.n_data - 1).clamp_min(1)
    return float(chi2.mean())
