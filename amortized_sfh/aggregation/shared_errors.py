r"""Errors that all spectra of a region share, and the shift of the answer that they cause.

The flux calibration, the zero points of the bands and the mismatch of the templates are drawn anew
for every training spectrum, and widen every posterior. In one cube they are the same for all
spaxels, and do not average down. What one standard deviation of each does is measured: the data of
some spectra of the region are changed by it and inferred anew, with the same random numbers.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from amortized_sfh.aggregation.gaussian_likelihoods import GaussianLikelihoods
from amortized_sfh.aggregation.prior_coordinates import PriorCoordinates
from amortized_sfh.inference.sampler import FlowSampler
from amortized_sfh.model.model import PosteriorModel
from simulators.observations.observation import Observation

_N_DRAWS = 128
_STEP = 0.5


@torch.no_grad()
def shared_error_shifts(
    model: PosteriorModel,
    coordinates: PriorCoordinates,
    likelihoods: GaussianLikelihoods,
    observation: Observation,
    shared_phot_sigma: Tensor | None = None,
) -> Tensor:
    r"""Measure the shift of a region's mean by one standard deviation of each shared error.

    Where the members of a region scatter about as much as the prior, the estimate of their mean
    weighs each posterior mean by its information, so that its response is the mean response of the
    posterior means over the mean information: :math:`B = \langle I - C_i\rangle^{-1} \langle
    \partial m_i / \partial s\rangle`.

    Parameters
    ----------
    model
        Trained model; its noise model knows the errors.
    coordinates
        Coordinates in which the prior of the model is a standard normal.
    likelihoods
        Likelihoods of the region, of which axes and information are used.
    observation
        Some spectra that stand for the region, masked, shape (n_reference, ...).
    shared_phot_sigma
        One common error of each band of all spectra, such as that of the sky level, in the unit of
        the fluxes, shape (n_reference, n_band).

    Returns
    -------
    Tensor
        Shifts B along the axes, shape (k, n_error), for the modes of the noise model, and for one
        error per band if there is a common one.
    """
    observation = observation.to(model.device)
    sampler, noise = FlowSampler(model.flow), model.generative.noise
    shape = (len(observation), _N_DRAWS, model.space.n_param)
    generator = torch.Generator(model.device).manual_seed(0)
    normal = torch.randn(shape, generator=generator, device=model.device)

    def mean(flux: Tensor, phot: Tensor) -> Tensor:
        latent = model.encode(replace(observation, flux=flux, phot=phot))
        theta = model.space.to_theta(sampler.from_noise(latent, normal))
        return (coordinates.from_theta(theta) @ likelihoods.axes).mean((0, 1))

    def response(flux: Tensor, phot: Tensor) -> Tensor:
        up = mean(observation.flux + _STEP * flux, observation.phot + _STEP * phot)
        down = mean(observation.flux - _STEP * flux, observation.phot - _STEP * phot)
        return (up - down) / (2.0 * _STEP)

    modes = noise.modes.to(observation.flux).split(
        [observation.n_pix, observation.phot.shape[1]], dim=1
    )
    columns = [
        response(observation.flux * spectral, observation.phot * band)
        for spectral, band in zip(*modes, strict=True)
    ]
    if shared_phot_sigma is not None:
        sigma = shared_phot_sigma.to(observation.phot)
        bands = torch.eye(sigma.shape[1]).to(sigma)
        no_flux = torch.zeros_like(observation.flux)
        columns += [response(no_flux, sigma * band) for band in bands]
    return torch.stack(columns, dim=1) / likelihoods.information[:, None]
