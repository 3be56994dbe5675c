"""Template mismatch: the error of a stellar library, measured by the difference of two libraries.

Two libraries with independent errors of the same size differ by √2 times those errors. So the
relative difference of their light for the same histories, divided by √2, is a sample of what the
light of nature may differ from either. Its principal components over the prior are the modes of a
`TemplateMismatch`: errors of spectrum and bands together, with their correlations.

Files are HDF5: data set ``modes`` (n_mode, n_pix + n_band, relative); attributes ``format``,
``library``, ``other``, ``explained``, ``n_histories``, and ``instrument`` as JSON: wavelengths and
bands of the modes.
"""

from __future__ import annotations

import json
import math
import os
from dataclasses import dataclass
from pathlib import Path

import h5py
import torch
from torch import Tensor

from simulators.files.hdf5_format import new_hdf5
from simulators.files.shipped import find_file, shipped_files
from simulators.forward.simulator import Simulator
from simulators.instruments.instrument import Instrument

MAX_SHARED_LIGHT = 0.1
_SAME = 0.02
_BAND_PIXELS = 100.0
_CHUNK = 1000
_FORMAT = "asfh-template-mismatch 1"
MISMATCH_ATTRIBUTES = ("library", "other", "explained", "n_histories")
"""Everything but the modes of a mismatch, as files name it."""


@dataclass(frozen=True, eq=False, kw_only=True)
class TemplateMismatch:
    """Relative errors of a library's light.

    Parameters
    ----------
    modes
        Each one standard deviation of an independent error: relative change of the pixels, then of
        the bands, shape (n_mode, n_pix + n_band).
    library, other
        Names of the two libraries that were compared.
    explained
        Share of the mean square difference that the modes hold, 0 to 1.
    n_histories
        Number of histories that it was measured with.

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
        Parameters of histories drawn from the prior, shape (n, n_param).
    n_mode
        Number of modes to keep, strongest first.

    Returns
    -------
    TemplateMismatch
        Modes whose squares sum to half of the mean square difference.

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
    parts = [_difference(simulator, other, part) for part in theta.split(_CHUNK)]
    difference = torch.cat(parts) / math.sqrt(2.0)
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


def write_mismatch(
    mismatch: TemplateMismatch, instrument: Instrument, path: str | os.PathLike[str]
) -> Path:
    """Write a mismatch; an existing file is replaced, and only by a complete one.

    Parameters
    ----------
    mismatch
        Mismatch of two libraries, from `measure_mismatch`.
    instrument
        Instrument whose wavelengths and bands the modes have.
    path
        Name of the HDF5 file.

    Returns
    -------
    Path
        Path of the file written.
    """
    with new_hdf5(path) as file:
        data = file.create_dataset("modes", data=mismatch.modes.cpu().numpy())
        data.attrs["units"] = "1"
        numbers = {name: getattr(mismatch, name) for name in MISMATCH_ATTRIBUTES}
        described = json.dumps(instrument.to_dict())
        file.attrs.update({"format": _FORMAT, **numbers, "instrument": described})
    return Path(path)


def read_mismatch(path: str | os.PathLike[str], instrument: Instrument) -> TemplateMismatch:
    """Read a mismatch, from a file or by the name of one that the package carries.

    Parameters
    ----------
    path
        File from `write_mismatch`, or a name such as ``bc03-emiles``.
    instrument
        Instrument of the model that uses it; its wavelengths and bands must be those of the file.

    Returns
    -------
    TemplateMismatch
        The measured mismatch, on the CPU.

    Raises
    ------
    FileNotFoundError
        If there is neither such a file nor such a name.
    ValueError
        If it is of another format, or its wavelengths or bands are not those of `instrument`.
    """
    shipped = shipped_files("simulators.noise", "template_mismatches", ".h5")
    found = find_file(path, shipped, "template mismatch", "mismatch")
    try:
        with h5py.File(found, "r") as file:
            kind = file.attrs.get("format")
            if kind != _FORMAT:
                raise ValueError(f"{found.name} has format {kind!r}, expected {_FORMAT!r}")
            own = Instrument.from_dict(json.loads(file.attrs["instrument"]))
            modes = torch.from_numpy(file["modes"][...])
            text = {n: str(file.attrs[n]) for n in ("library", "other")}
            explained, n_histories = float(file.attrs["explained"]), int(file.attrs["n_histories"])
    except (OSError, KeyError) as error:
        raise ValueError(f"{found.name} is not a template mismatch ({error})") from error
    if (own.grid, own.bands) != (instrument.grid, instrument.bands):
        raise ValueError(
            f"{found.name} was measured for instrument {own.name!r}, whose wavelengths or bands "
            f"are not those of {instrument.name!r}: measure it with that one"
        )
    return TemplateMismatch(modes=modes, explained=explained, n_histories=n_histories, **text)


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
