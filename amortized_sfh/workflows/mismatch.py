"""Measure how much two stellar libraries differ over the prior."""

from __future__ import annotations

from argparse import Namespace

import torch
from astropy.table import Table

from priors.defaults import default_prior
from priors.families.nuisance import stellar_nuisances
from simulators.files.whole_files import check_output
from simulators.forward.simulator import Simulator
from simulators.libraries import read_library
from simulators.noise.mismatch import measure_mismatch
from simulators.noise.mismatch_file import write_mismatch
from simulators.populations.ssp_basis import build_basis
from simulators.surveys.survey import read_preset

_MAG = 1.0857


def mismatch(options: Namespace) -> str:
    """Measure and write the mismatch of two libraries.

    Parameters
    ----------
    options
        Of `amortized-sfh mismatch`.

    Returns
    -------
    str
        Its size in the spectrum and in every band, as a table.
    """
    check_output(options.out, options.overwrite)
    instrument = read_preset(options.preset).instrument
    # the gas would dilute what the stars' spectra differ by
    prior = default_prior(nuisances=stellar_nuisances())
    own, other = (
        Simulator(
            build_basis(read_library(library), prior.bins, instrument),
            prior.space,
            prior.bins,
            instrument,
        )
        for library in (options.library, options.other)
    )
    theta = prior.sample((options.n,), torch.Generator().manual_seed(options.seed))
    measured = measure_mismatch(own, other, theta, options.modes)
    write_mismatch(measured, instrument, options.out)
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
