"""The workflow of `amortized-sfh infer-spectrum`: one spectrum, or the rows of a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from astropy.table import Table
from tqdm import tqdm

from amortized_sfh.data.spectra.photometry import photometry_in_unit, read_photometry
from amortized_sfh.data.spectra.read_spectra import read_spectra
from amortized_sfh.data.spectra.spectrum import Spectrum
from amortized_sfh.inference.samples import PosteriorSamples
from amortized_sfh.model.model import PosteriorModel
from amortized_sfh.model.model_files import load_model
from amortized_sfh.quantities.flags import Flag
from amortized_sfh.quantities.registry import unit_of
from amortized_sfh.quantities.statistics import MEAN, STD, extension_name
from amortized_sfh.requests.infer_spectrum import InferSpectrumRequest
from amortized_sfh.requests.toml_files import write_request
from amortized_sfh.workflows.infer_spectrum import PRODUCTS, infer_spectrum, write_products
from simulators.files.whole_files import check_output_folder, output_folder
from simulators.runs.device import choose_device

TABLE = "spectra.ecsv"
"""Table in the folder of several spectra: one row per spectrum."""

_REQUEST = "request.toml"
_NO_PROBLEM = "none"


def run_infer_spectrum(
    request: InferSpectrumRequest, *, model: PosteriorModel | None = None
) -> PosteriorSamples | Table:
    """Infer the spectrum, or the rows of the file, that a request names.

    Parameters
    ----------
    request
        The request; it is kept in the folder of products, so that the run can be repeated.
    model
        The model of the request, where it is loaded already.

    Returns
    -------
    PosteriorSamples or Table
        The draws of one spectrum, or the table of several, see `infer_rows`.

    Raises
    ------
    FileExistsError
        If the folder exists and may not be replaced.
    FileNotFoundError, InputFileError, ModelFileError
        If the spectrum, the photometry or the model cannot be used.
    ValueError
        If the redshift is missing or absurd, a spectrum is not of the kind that the model was made
        for, no pixel can be used, or photometry is given for several spectra.
    """
    device = choose_device(request.device)
    read = read_spectra(request.spectrum, request.medium)
    spectra = choose_rows(read, request.rows, request.spectrum)
    if len(spectra) > 1:
        return infer_rows(spectra, request, model=model or load_model(request.model, device))
    (spectrum,) = spectra.values()
    products = (*PRODUCTS, _REQUEST)
    check_output_folder(request.out, products, request.overwrite)
    bands = None
    if request.photometry is not None:
        given = read_photometry(request.photometry)
        bands = photometry_in_unit(given, spectrum.unit_cgs, spectrum.name)
    model = model or load_model(request.model, device)
    posterior = infer_spectrum(model, spectrum, request, bands)
    with output_folder(request.out, products, request.overwrite) as folder:
        write_products(model, spectrum, request, posterior, folder)
        write_request(request, folder / _REQUEST)
    return posterior.samples


def choose_rows(
    spectra: Sequence[Spectrum], rows: Sequence[int], path: str | Path
) -> dict[int, Spectrum]:
    """Choose among the spectra of a file.

    Parameters
    ----------
    spectra
        All spectra of the file, in its order.
    rows
        Numbers of those that are wanted, from 0; all if empty.
    path
        The file, for the message.

    Returns
    -------
    dict of int to Spectrum
        Number to spectrum, in ascending order.

    Raises
    ------
    ValueError
        If there is no such row.
    """
    for row in rows:
        if not 0 <= row < len(spectra):
            last = len(spectra) - 1
            count = f"{len(spectra)} spectra" if last else "one spectrum"
            allowed = f"a row from 0 to {last}" if last else "row 0, or no --row"
            raise ValueError(f"--row {row}: {path} holds {count}; expected {allowed}")
    return {row: spectra[row] for row in sorted(set(rows)) or range(len(spectra))}


def infer_rows(
    spectra: Mapping[int, Spectrum], request: InferSpectrumRequest, *, model: PosteriorModel
) -> Table:
    """Infer several spectra one by one.

    Parameters
    ----------
    spectra
        Spectra by their number in the file.
    request
        Request for their posteriors; its redshift, if there is one, holds for all of them. Its
        folder receives a folder `row_<number>` of products per spectrum and :data:`TABLE`, and
        appears only when it is complete.
    model
        Trained posterior model.

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
    if request.photometry is not None:
        raise ValueError(
            f"photometry is given for {len(spectra)} spectra: it belongs to one, choose it with "
            "--row"
        )
    products = [TABLE, _REQUEST, *(f"row_{row:03d}" for row in spectra)]
    rows: list[dict[str, Any]] = []
    with output_folder(request.out, products, request.overwrite) as folder:
        for row, spectrum in tqdm(spectra.items(), unit="spectrum", desc="infer"):
            try:
                posterior = infer_spectrum(model, spectrum, request)
            except ValueError as error:
                flag = 0 if spectrum.valid.any() else int(Flag.NO_DATA)
                stated = {"row": row, "spectrum": spectrum.name, "flag": flag}
                rows.append(stated | {"problem": str(error)})
                continue
            part = folder / f"row_{row:03d}"
            part.mkdir()
            meta = write_products(model, spectrum, request, posterior, part)
            rows.append({"row": row, **_summary(meta, posterior.samples)})
        if all(row["problem"] != _NO_PROBLEM for row in rows):
            raise ValueError(f"none of {len(rows)} spectra can be used: {rows[0]['problem']}")
        table = _table(rows)
        table.meta = {"model": model.card.name, "draws": request.draws, "seed": request.seed}
        table.write(folder / TABLE)
        write_request(request, folder / _REQUEST)
    return table


def _summary(meta: dict[str, Any], samples: PosteriorSamples) -> dict[str, Any]:
    """Row of a spectrum that was inferred."""
    keys = ("spectrum", "redshift", "snr_per_pixel", "reduced_chi2", "reduced_chi2_expected")
    row = {key: meta[key] for key in (*keys, "flag")} | {"problem": _NO_PROBLEM}
    for name, values in samples.summary().items():
        if values.ndim == 2:
            mean_and_std = zip((MEAN, STD), values[0, :2], strict=True)
            row |= {extension_name(name, key): float(value) for key, value in mean_and_std}
    return row


def _table(rows: list[dict[str, Any]]) -> Table:
    """Rows with all columns of any of them; numbers that one lacks are NaN."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    table = Table(rows=[[row.get(name, np.nan) for name in names] for row in rows], names=names)
    for name in names:
        if table[name].dtype.kind == "f":
            table[name].unit = unit_of(name) or None
            table[name].info.format = ".6g"
    return table
