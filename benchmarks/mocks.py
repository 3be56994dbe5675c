"""The mocks on which accuracy is quoted: S/N 15-150, all bands, whole spectra."""

from __future__ import annotations

import torch

import amortized_sfh as asfh
from amortized_sfh.networks import AVERAGES

SEED = 20260
N_MOCKS = 5000
N_PPXF = 500

#: Emission lines and sky stay masked; nothing else is missing.
CONDITIONS = asfh.ConditionsPrior(
    snr=(15.0, 150.0),
    faint_share=0.0,
    phot_snr=(15.0, 100.0),
    distant_share=0.0,
    full_photometry=1.0,
    no_photometry=0.0,
    trimmed_share=0.0,
    max_gaps=0,
)
_CHUNK = 500


def quoted_mocks(
    generative: asfh.GenerativeModel, n: int = N_MOCKS, seed: int = SEED
) -> list[asfh.Mock]:
    """Make n mocks in chunks of at most 500; the first are the same for every n."""
    chunks = []
    for chunk in range(-(-n // _CHUNK)):
        mock = generative.mock(_CHUNK, seed, chunk, CONDITIONS)
        chunks.append(first(mock, min(_CHUNK, n - chunk * _CHUNK)))
    return chunks


def first(mock: asfh.Mock, n: int) -> asfh.Mock:
    """Cut a batch of mocks to its first n."""
    cut = torch.arange(n)
    return asfh.Mock(mock.theta[cut], mock.spectra[cut], mock.observation[cut])


def true_averages(generative: asfh.GenerativeModel, theta: torch.Tensor) -> torch.Tensor:
    """Compute log ages and [M/H] by mass and light in the order of `AVERAGES`, shape (n, 4)."""
    derived = asfh.derive(generative.simulator, theta)
    return torch.stack([getattr(derived, name) for name in AVERAGES], dim=1)
