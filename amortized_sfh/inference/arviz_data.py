"""Posterior draws as ArviZ data: the only module that knows ArviZ's containers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import arviz
import numpy as np

if TYPE_CHECKING:
    from amortized_sfh.inference.samples import PosteriorSamples


#: Parameters that are products under other names.
_PRODUCTS = ("av", "velocity", "log_sigma")


def to_inference_data(samples: PosteriorSamples) -> arviz.InferenceData:
    """Convert draws.

    Parameters
    ----------
    samples
        Draws of n_obs observations.

    Returns
    -------
    arviz.InferenceData
        Group `posterior`, dimensions (chain, draw, spaxel[, age_bin]): the steps of log SFR, every
        parameter that is no product (slope of the dust law, gas) and every product.
    """
    space = samples.space
    others = [name for name in space.names[space.nuisance] if name not in _PRODUCTS]
    blocks = {
        "dlogsfr": samples.theta[..., space.sfh],
        **{name: samples.theta[..., space.index(name)] for name in others},
        **samples.scalars(),
        **samples.per_bin(),
    }
    # (spaxel, draw, ...) -> (chain, draw, spaxel, ...)
    data = {name: np.moveaxis(v.numpy(), 0, 1)[None] for name, v in blocks.items()}
    dims = {name: ["spaxel"] for name in data}
    dims.update({name: ["spaxel", "age_bin"] for name in samples.per_bin()})
    dims["dlogsfr"] = ["spaxel", "age_step"]
    coords = {
        "spaxel": np.arange(len(samples)),
        "age_bin": np.arange(1, samples.bins.n_bins + 1),
        "age_step": np.arange(1, samples.bins.n_bins),
    }
    return arviz.from_dict(posterior=data, dims=dims, coords=coords)
