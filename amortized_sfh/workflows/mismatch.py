"""The workflow of `amortized-sfh mismatch`: the difference of two stellar libraries."""

from __future__ import annotations

import torch
from astropy.table import Table

from amortized_sfh.requests.measurements import MismatchRequest
from priors.defaults import default_prior
from priors.families.nuisance import stellar_nuisances
from simulators.files.whole_files import check_output
from simulators.forward.simulator import Simulator
from simulators.libraries import read_library
from simulators.noise.template_mismatch import measure_mismatch, write_mismatch
from simulators.populations.ssp_basis import build_basis
from simulators.surveys.preset import read_preset

_MAG = 1.0857


def run_mismatch(request: MismatchRequest) -> str:
    """Measure and write how much two libraries differ over the prior.

    Parameters
    ----------
    request
        Request that names both libraries.

    Returns
    -------
    str
        Its size in the spectrum and in every band, as a table.

    Raises
    ------
    FileExistsError
        If the file exists and may not be replaced.
    ValueError
        If a library cannot be used, or both share too few histories.
    """
    check_output(request.out, request.overwrite)
    instrument = read_preset(request.preset).instrument
    # the gas would dilute what the stars' spectra differ by
    prior = default_prior(nuisances=stellar_nuisances())
    own, other = (
        Simulator(
            build_basis(read_library(library), prior.bins, instrument),
            prior.space,
            prior.bins,
            instrument,
        )
        for library in (request.library, request.other)
    )
    theta = prior.sample((request.n,), torch.Generator().manual_seed(request.seed))
    measured = measure_mismatch(own, other, theta, request.modes)
    write_mismatch(measured, instrument, request.out)
    n_pix = instrument.grid.n_pix
    rms = measured.rms
    table = Table(names=("where", "rms"), dtype=("U12", "U10"))
    table.add_row(("spectrum", f"{100 * rms[:n_pix].square().mean().sqrt():.2f} %"))
    for band, value in zip(instrument.bands, rms[n_pix:], strict=True):
        table.add_row((band, f"{_MAG * float(value):.3f} mag"))
    lines = [
        f"{measured.library} and {measured.other}: {len(measured.modes)} modes, "
        f"{100 * measured.explained:.1f} % of the difference, {measured.n_histories} histories",
        *table.pformat(show_name=False),
    ]
    return "\n".join(lines)
