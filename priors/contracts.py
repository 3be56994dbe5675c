"""Contracts of priors and bijections: checkers for tests, ours and yours.

A new family of histories, or a new coordinate, is ready when these pass. They compare the sampler
with the density through identities that need no reference implementation.
"""

from __future__ import annotations

import copy
import pickle

import torch
from torch import Tensor
from torch.distributions import Distribution

from priors.bijections import Bijection
from priors.families.history_prior import HistoryPrior


class ContractError(AssertionError):
    """A prior or a bijection breaks its contract."""


def _require(condition: bool | Tensor, message: str) -> None:
    """Raise an error with a message unless the condition holds."""
    if not bool(condition):
        raise ContractError(message)


def _draw(prior: HistoryPrior | Distribution, n: int, generator: torch.Generator) -> Tensor:
    """Draws of either kind of prior, shape (n, n_dim)."""
    if isinstance(prior, Distribution):
        return prior.sample((n,), generator=generator)  # type: ignore[call-arg]
    return prior.sample(n, generator)


def _check_copies(prior: HistoryPrior | Distribution, x: Tensor, log_p: Tensor) -> None:
    # Trusted bytes that were just made here: the point is that the object survives the trip.
    copies = {"deepcopy": copy.deepcopy(prior), "pickle": pickle.loads(pickle.dumps(prior))}  # noqa: S301
    if hasattr(prior, "to"):
        copies["to"] = prior.to("cpu")
    for name, other in copies.items():
        _require(torch.equal(other.log_prob(x), log_p), f"{name} changes log_prob of {prior!r}.")


def _check_virial(x: Tensor, gradient: Tensor, n_sigma: float = 6.0) -> None:
    """Check E[(x_i - c_i) d log p / dx_i] = -1 in every dimension.

    Integration by parts, true of any density that vanishes at its borders; it fails when sampler
    and density disagree in scale, shape or Jacobian. c is the median, against variance.

    Parameters
    ----------
    x : Tensor, shape (n, n_dim)
        Draws of the prior.
    gradient : Tensor, shape (n, n_dim)
        Gradient of the log density at the draws.
    n_sigma : float
        Tolerance in standard errors.

    Raises
    ------
    ContractError
        If the identity is broken.
    """
    terms = ((x - x.median(dim=0).values) * gradient).to(torch.float64)
    error = terms.std(0) / len(x) ** 0.5
    pulls = (terms.mean(0) + 1.0) / (error + 1e-4)
    _require(
        (pulls.abs() < n_sigma).all(),
        f"sampler and density disagree: E[x dlogp/dx] + 1 = {(terms.mean(0) + 1.0).tolist()} per "
        f"dimension, {pulls.tolist()} standard errors; expected 0.",
    )


def check_prior(
    prior: HistoryPrior | Distribution,
    generator: torch.Generator,
    n: int = 4000,
    vanishes_at_borders: bool = True,
) -> None:
    """Check that a prior keeps its contract.

    Shapes and types; finite log density and gradient at every draw; the same seed gives the same
    draws and another gives others; copies and pickles agree; the sampler draws from the density
    (by an integration by parts that holds for every density which vanishes at its borders).

    Parameters
    ----------
    prior : HistoryPrior or Distribution
        A prior of one block, `JointPrior` or `UnboundedPrior`.
    generator : torch.Generator
        Source of randomness, on the CPU.
    n : int
        Number of draws that are made and checked.
    vanishes_at_borders : bool
        If true, the density goes to zero at the border of its support, and the sampler is compared
        with the density; if false, it is not.

    Raises
    ------
    ContractError
        If any part fails.
    """
    n_dim = prior.event_shape[0] if isinstance(prior, Distribution) else prior.n_dim
    state = generator.get_state()
    x = _draw(prior, n, generator)
    _require(x.shape == (n, n_dim), f"sample has shape {tuple(x.shape)}; expected {(n, n_dim)}.")
    _require(x.dtype == torch.float32, f"sample has type {x.dtype}; expected float32.")
    _require(torch.isfinite(x).all(), "sample is not finite everywhere.")
    other = _draw(prior, n, generator)
    _require(n_dim == 0 or not torch.equal(x, other), "two samples in a row are equal.")
    generator.set_state(state)
    _require(torch.equal(x, _draw(prior, n, generator)), "the same seed gives other draws.")

    points = x.clone().requires_grad_(True)
    log_p = prior.log_prob(points)
    _require(log_p.shape == (n,), f"log_prob has shape {tuple(log_p.shape)}; expected {(n,)}.")
    _require(torch.isfinite(log_p).all(), "log_prob is not finite at every draw.")
    (gradient,) = torch.autograd.grad(log_p.sum(), points)
    _require(torch.isfinite(gradient).all(), "the gradient of log_prob is not finite.")
    _check_copies(prior, x, log_p.detach())
    if vanishes_at_borders and n_dim:
        _check_virial(x, gradient)


def check_bijection(bijection: Bijection, theta: Tensor) -> None:
    """Check that a map theta -> u increases, is inverted, and knows its slope.

    The round trip theta -> u -> theta may be off by 0.001 in u, exp(log_abs_det) by 0.2 %.

    Parameters
    ----------
    bijection : Bijection
        Map of one parameter to check.
    theta : Tensor, shape (n,)
        Values strictly inside the bounds, of the type in use (float32).

    Raises
    ------
    ContractError
        If any part fails.
    """
    points = theta.sort().values.requires_grad_(True)
    u = bijection.forward(points)
    _require(torch.isfinite(u).all(), "u is not finite for every theta.")
    # Neighbouring floats may round to neighbours in the wrong order, no more.
    _require((u.detach().diff() > -1e-5).all(), "u does not increase with theta.")
    (slope,) = torch.autograd.grad(u.sum(), points)
    log_det = bijection.log_abs_det(points).detach()
    _require(torch.isfinite(log_det).all(), "log_abs_det is not finite for every theta.")
    worst = (slope / log_det.exp() - 1.0).abs().max()
    _require(worst < 2e-3, f"log_abs_det is off the slope by a factor 1 +- {float(worst):.2g}.")
    back = bijection.inverse(u.detach())
    off = (bijection.forward(back) - u.detach()).abs().max()
    _require(off < 1e-3, f"theta -> u -> theta is off by {float(off):.2g} in u.")
