"""How wrong a stellar library is, measured by how much two libraries differ.

Two libraries with independent errors of the same size differ by √2 times those errors. So the
relative difference of their light for the same histories, divided by √2, is a sample of what the
light of nature may differ from either. Its principal components over the prior are the modes of a
`TemplateMismatch`: errors of spectrum and bands together, with their correlations.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from simulators.forward.simulator import Simulator

MAX_SHARED_LIGHT = 0.1
_SAME = 0.02
_BAND_PIXELS = 100.0
_CHUNK = 1000


@dataclass(frozen=True, eq=False, kw_only=True)
class TemplateMismatch:
    """Relative errors of a library's light.

    Parameters
    ----------
    modes
        Each one standard deviation of an independent error: relative change of the pixels, then of
        the bands, shape (n_mode, n_pix + n_band).
    library, other
        The two libraries compared.
    explained
        Share of the mean square difference that the modes hold.
    n_histories
        Histories it was measured with.

    Raises
    ------
    ValueError
        If the modes are not finite or of another shape.
    """

    modes: Tensor
    library: str
    other: str
    explained: float
    n_histories: int

    def __post_init__(self) -> None:
        if self.modes.ndim != 2 or not bool(torch.isfinite(self.modes).all()):
            raise ValueError(
                f"mismatch modes have shape {tuple(self.modes.shape)}, expected (n_mode, "
                "n_pix + n_band) and finite values"
            )

    @property
    def rms(self) -> Tensor:
        """Relative error of every pixel and band, shape (n_pix + n_band,)."""
        return self.modes.square().sum(0).sqrt()


@torch.no_grad()
def measure_mismatch(
    simulator: Simulator, other: Simulator, theta: Tensor, n_mode: int = 16
) -> TemplateMismatch:
    """Measure the mismatch of two libraries.

    Libraries may share ages (one spliced into the other), where they cannot tell of errors: only
    histories with at most `MAX_SHARED_LIGHT` of their V-band light from shared bins are compared.
    Both lights are divided by the mean of their spectrum, because the amplitude is free. Bands
    weigh as much in the choice of the modes as `_BAND_PIXELS` pixels, so that their covariance is
    kept as well.

    Parameters
    ----------
    simulator, other
        Forward models of the two libraries on the same parameters and instrument.
    theta
        Histories of the prior, shape (n, n_param).
    n_mode
        Modes to keep.

    Returns
    -------
    TemplateMismatch
        Half of the mean square difference, as modes.

    Raises
    ------
    ValueError
        If the two forward models have other parameters or instruments, or share all their ages.
    """
    if simulator.space != other.space or simulator.instrument != other.instrument:
        raise ValueError(
            f"{simulator.basis.library} and {other.basis.library} have other parameters or "
            "instruments: build both simulators with the same ones"
        )
    theta = theta[_shared_light(simulator, other, theta) <= MAX_SHARED_LIGHT]
    if len(theta) < n_mode:
        raise ValueError(
            f"{simulator.basis.library} and {other.basis.library} share the light of all but "
            f"{len(theta)} histories, expected at least {n_mode}: compare libraries that differ"
        )
    difference = torch.cat(
        [_difference(simulator, other, part) for part in theta.split(_CHUNK)], dim=0
    ) / math.sqrt(2.0)
    n_pix = simulator.instrument.grid.n_pix
    weight = torch.ones(difference.shape[1], dtype=difference.dtype)
    weight[n_pix:] = math.sqrt(_BAND_PIXELS)
    _, size, right = torch.linalg.svd(difference * weight, full_matrices=False)
    n_mode = min(n_mode, len(size))
    modes = size[:n_mode, None] * right[:n_mode] / (weight * math.sqrt(len(difference)))
    explained = float(size[:n_mode].square().sum() / size.square().sum())
    return TemplateMismatch(
        modes=modes.float().contiguous(),
        library=simulator.basis.library,
        other=other.basis.library,
        explained=round(explained, 4),
        n_histories=len(theta),
    )


def _shared_light(simulator: Simulator, other: Simulator, theta: Tensor) -> Tensor:
    """Share of the V-band light from bins whose spectra are the same in both libraries, (n,)."""
    mh = torch.linspace(-1.0, 0.3, 4)
    own, others = (s.basis.interpolated(mh)["spectra"] for s in (simulator, other))
    same = (others / own - 1.0).abs().flatten(1).median(1).values < _SAME
    populations = simulator.populations(theta)
    light = populations.mass_fraction * populations.lum_v
    return light[:, same].sum(1) / light.sum(1)


def _difference(simulator: Simulator, other: Simulator, theta: Tensor) -> Tensor:
    """Relative difference of the light of histories at rest, float64, (n, n_pix + n_band)."""
    light = []
    for model in (simulator, other):
        spectra = model(theta, torch.zeros(len(theta)))
        both = torch.cat([spectra.flux, spectra.phot], dim=1).double()
        light.append(both / spectra.flux.double().mean(1, keepdim=True))
    return light[1] / light[0] - 1.0
