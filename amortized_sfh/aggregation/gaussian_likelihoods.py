r"""Posteriors of single spectra divided by the prior: Gaussian likelihoods.

A posterior is the likelihood times the prior, so the likelihood is the posterior over the prior. In
coordinates where the prior is a standard normal and a posterior is close to a Gaussian of mean
:math:`m_i` and covariance :math:`C_i`, that ratio is again Gaussian, of precision
:math:`\Lambda_i = C_i^{-1} - I` and natural mean :math:`h_i = C_i^{-1} m_i`. Most directions of a
history are not fixed by any spectrum; there the ratio is nothing but noise of the draws. So the
ratio is taken along those axes only that the spectra of the region inform, the leading eigenvectors
of :math:`I - \langle C_i\rangle`.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

_MIN_PRECISION = 0.01
_MIN_DRAWS = 100


class GaussianLikelihoods(NamedTuple):
    """Gaussian likelihoods of n_obs spectra along k axes.

    Attributes
    ----------
    axes
        Orthonormal axes in prior coordinates as columns, the best informed first, shape
        (n_param, k).
    information
        Mean share of the prior variance that one spectrum removes along each, shape (k,).
    precision
        Precision (inverse covariance) of each likelihood, shape (n_obs, k, k), positive definite.
    natural_mean
        Precision times the estimate of each spectrum, shape (n_obs, k).
    posterior_mean
        Mean of the draws along the axes, shape (n_obs, k).
    width
        Mean posterior covariance of one spectrum, shape (k, k).
    """

    axes: Tensor
    information: Tensor
    precision: Tensor
    natural_mean: Tensor
    posterior_mean: Tensor
    width: Tensor


def gaussian_likelihoods(z: Tensor, least_information: float) -> GaussianLikelihoods:
    """Divide posteriors by the prior.

    Parameters
    ----------
    z
        Posterior draws in prior coordinates, shape (n_obs, n_draws, n_param), float64.
    least_information
        Axes along which a spectrum removes a smaller share of the prior variance, on average, are
        left to the prior; at least one axis is kept.

    Returns
    -------
    GaussianLikelihoods
        Precisions corrected for the number of draws (Hartlap et al. 2007), with eigenvalues below
        1 % of the prior's precision raised to it.

    Raises
    ------
    ValueError
        If there are too few draws for a covariance.

    References
    ----------
    .. [1] Hartlap, Simon & Schneider 2007, A&A 464, 399, eq. 17.
    """
    n_draws, n_param = z.shape[1:]
    if n_draws < _MIN_DRAWS:
        raise ValueError(
            f"{n_draws} draws per spectrum are too few for their covariance; infer at least "
            f"{_MIN_DRAWS}"
        )
    mean = z.mean(1)
    deviation = z - mean[:, None]
    covariance = deviation.transpose(1, 2) @ deviation / (n_draws - 1)
    identity = torch.eye(n_param).to(z)
    values, vectors = torch.linalg.eigh(identity - covariance.mean(0))
    values, vectors = values.flip(0), vectors.flip(1)
    k = max(int((values > least_information).sum()), 1)
    axes = vectors[:, :k]
    along = axes.T @ covariance @ axes
    posterior_precision = torch.linalg.inv(along) * ((n_draws - k - 2) / (n_draws - 1))
    posterior_mean = mean @ axes
    natural = (posterior_precision @ posterior_mean[..., None])[..., 0]
    eigenvalues, basis = torch.linalg.eigh(posterior_precision - torch.eye(k).to(z))
    # a posterior wider than the prior says nothing; noise of the covariance makes some
    eigenvalues = eigenvalues.clamp_min(_MIN_PRECISION)
    precision = basis @ torch.diag_embed(eigenvalues) @ basis.transpose(-1, -2)
    information = values[:k].clamp_min(_MIN_PRECISION)
    return GaussianLikelihoods(axes, information, precision, natural, posterior_mean, along.mean(0))


def without_shared_errors(likelihoods: GaussianLikelihoods, shifts: Tensor) -> GaussianLikelihoods:
    r"""Take errors that all spectra share out of the independent likelihoods.

    Each likelihood was made as if every error were drawn anew for each spectrum. Its covariance is
    :math:`\Lambda^{-1} = P^{-1} + B B^T` with the shift B that one standard deviation of each
    shared error causes; the likelihoods returned have precision P (Woodbury's identity).

    Parameters
    ----------
    likelihoods
        Likelihoods whose covariances contain all errors.
    shifts
        Shift B by one standard deviation of each shared error, shape (k, n_error).

    Returns
    -------
    GaussianLikelihoods
        Sharper likelihoods of the same spectra. At least a fifth of the variance is left in any
        direction, since B is the mean response of the region and may exceed that of a spectrum.
    """
    precision = likelihoods.precision
    inner = torch.eye(shifts.shape[1]).to(shifts) - shifts.T @ precision @ shifts
    values, vectors = torch.linalg.eigh(inner)
    inverse = vectors @ torch.diag_embed(1.0 / values.clamp_min(0.2)) @ vectors.transpose(-1, -2)
    gain = shifts @ inverse @ shifts.T
    sharper = precision + precision @ gain @ precision
    natural = (
        likelihoods.natural_mean + (precision @ gain @ likelihoods.natural_mean[..., None])[..., 0]
    )
    symmetric = 0.5 * (sharper + sharper.transpose(-1, -2))
    return likelihoods._replace(precision=symmetric, natural_mean=natural)
