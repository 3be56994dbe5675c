"""The `infer-spectrum` command: one spectrum, or the rows of a file that holds many."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from astropy.table import Table
from tqdm import tqdm

from amortized_sfh.data.spectra.spectrum import Spectrum, read_spectra
from amortized_sfh.inference.samples import PosteriorSamples
from amortized_sfh.model.model import PosteriorModel
from amortized_sfh.model.model_files import load_model
from amortized_sfh.products.map_file import UNITS
from amortized_sfh.quantities.flags import Flag
from amortized_sfh.workflows.infer_spectrum import (
    SpectrumRun,
    infer_spectrum,
    posterior_of,
    write_products,
)
from simulators.files.whole_folders import check_output_folder, output_folder

__all__ = ["TABLE", "infer_spectra", "infer_spectrum_files"]

TABLE = "spectra.ecsv"
"""Table in the folder: one row per spectrum."""

_NO_PROBLEM = "none"


def infer_spectrum_files(options: Namespace, device: str) -> None:
    """Infer the spectrum, or the rows of the file, that the command line names.

    Parameters
    ----------
    options
        Of `amortized-sfh infer-spectrum`.
    device
        Where to compute.
    """
    run = SpectrumRun(
        redshift=options.redshift,
        draws=options.draws,
        seed=options.seed,
        ebv=options.ebv,
        distance_mpc=options.distance_mpc,
        photometry_file=options.photometry,
        medium=options.medium,
        line_half_width_kms=options.line_width,
        measure_noise=options.measure_noise,
        plots=not options.no_plots,
        overwrite=options.overwrite,
    )
    spectra = chosen_rows(read_spectra(options.spectrum, run.medium), options.row, options.spectrum)
    if len(spectra) == 1:
        (spectrum,) = spectra.values()
        infer_spectrum(spectrum, options.out, run, model=options.model, device=device)
    else:
        infer_spectra(spectra, options.out, run, model=options.model, device=device)


def chosen_rows(
    spectra: Sequence[Spectrum], rows: Sequence[int], path: str | Path
) -> dict[int, Spectrum]:
    """Choose among the spectra of a file.

    Parameters
    ----------
    spectra
        All of them.
    rows
        Which, from 0; all if empty.
    path
        The file, for the message.

    Returns
    -------
    dict of int to Spectrum
        In ascending order.

    Raises
    ------
    ValueError
        If there is no such row.
    """
    for row in rows:
        if not 0 <= row < len(spectra):
            last = len(spectra) - 1
            allowed = f"a row from 0 to {last}" if last else "row 0, or no --row"
            raise ValueError(
                f"--row {row}: {path} holds {_count(len(spectra))}; expected {allowed}"
            )
    return {row: spectra[row] for row in sorted(set(rows)) or range(len(spectra))}


def infer_spectra(
    spectra: dict[int, Spectrum],
    out: str | Path,
    run: SpectrumRun | None = None,
    *,
    model: str | Path | PosteriorModel = "phangs-bc03",
    device: str = "cpu",
) -> Table:
    """Infer several spectra one by one.

    Parameters
    ----------
    spectra : dict of int to Spectrum
        Number to spectrum.
    out : str or Path
        Folder; it receives a folder `row_<number>` of products per spectrum and :data:`TABLE`, and
        appears only when it is complete.
    run : SpectrumRun, optional
        How; its redshift, if there is one, holds for all of them.
    model : str, Path or PosteriorModel
        Name, folder, or the model itself.
    device : str
        Where to compute.

    Returns
    -------
    Table
        One row per spectrum: number, redshift, S/N, chi-square, flag, mean and standard deviation
        of every scalar, and the problem of a spectrum that cannot be used, which has no folder.

    Raises
    ------
    FileExistsError
        If the folder exists and may not be replaced.
    ValueError
        If photometry is given, which belongs to one spectrum, or if no spectrum can be used.
    """
    run = run or SpectrumRun()
    if run.photometry is not None or run.photometry_file is not None:
        raise ValueError(
            f"photometry is given for {len(spectra)} spectra: it belongs to one, choose it with "
            "--row"
        )
    products = [TABLE, *(f"row_{row:03d}" for row in spectra)]
    check_output_folder(out, products, run.overwrite)
    loaded = model if isinstance(model, PosteriorModel) else load_model(model, device)
    rows: list[dict[str, Any]] = []
    with output_folder(out, products, run.overwrite) as folder:
        for row, spectrum in tqdm(spectra.items(), unit="spectrum", desc="infer"):
            try:
                posterior = posterior_of(loaded, spectrum, run)
            except ValueError as error:
                rows.append(_without_result(row, spectrum, error))
                continue
            part = folder / f"row_{row:03d}"
            part.mkdir()
            meta = write_products(loaded, spectrum, run, posterior, part)
            rows.append({"row": row, **_summary(meta, posterior[1])})
        if all(row["problem"] != _NO_PROBLEM for row in rows):
            raise ValueError(f"none of {len(rows)} spectra can be used: {rows[0]['problem']}")
        table = _table(rows)
        table.meta = {"model": loaded.card.name, "draws": run.draws, "seed": run.seed}
        table.write(folder / TABLE)
    return table


def _count(n: int) -> str:
    return "one spectrum" if n == 1 else f"{n} spectra"


def _without_result(row: int, spectrum: Spectrum, error: ValueError) -> dict[str, Any]:
    """Row of a spectrum that cannot be used."""
    flag = 0 if spectrum.valid.any() else int(Flag.NO_DATA)
    return {"row": row, "spectrum": spectrum.name, "flag": flag, "problem": str(error)}


def _summary(meta: dict[str, Any], samples: PosteriorSamples) -> dict[str, Any]:
    """One row of the table."""
    keys = ("spectrum", "redshift", "snr_per_pixel", "reduced_chi2", "reduced_chi2_expected")
    row = {key: meta[key] for key in (*keys, "flag")} | {"problem": _NO_PROBLEM}
    for name, values in samples.summary().items():
        if values.ndim == 2:
            row |= {f"{name}_MEAN": float(values[0, 0]), f"{name}_STD": float(values[0, 1])}
    return row


def _table(rows: list[dict[str, Any]]) -> Table:
    """Rows with all columns of any of them; numbers that one lacks are NaN."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    table = Table(rows=[[row.get(name, np.nan) for name in names] for row in rows], names=names)
    for name in names:
        quantity = name.rpartition("_")[0]
        if quantity in UNITS:
            table[name].unit = UNITS[quantity]
        if table[name].dtype.kind == "f":
            table[name].info.format = ".6g"
    return table
