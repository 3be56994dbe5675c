"""The HDF5 format of fixed training sets: its contents, and the check that a file has them.

Version 2. Rows are galaxies, drawn independently from the prior, so any part of a file is a fair
sample. All data sets are float32, contiguous and uncompressed (spectra hardly compress, and single
rows are read at random); ``units`` is an attribute of each.

=================== =================== ===================================================
data set            shape               content
=================== =================== ===================================================
``flux``            (n, n_pix)          noise-free spectrum over its mean
``phot``            (n, n_band)         noise-free band fluxes over the mean of the spectrum
``log_mean``        (n,)                log10 of that mean per formed mass
``theta``           (n, n_param)        parameters; attribute ``names``, units of each in order
``redshift``        (n,)                redshift
``derived/*``       (n,) or (n, n_bins) the fields of `amortized_sfh.quantities.derived.Derived`
``noise/*``         any                 arrays of the noise model, see `noise_model_storage`
=================== =================== ===================================================

Attributes of the root: ``format``, ``schema_version``, ``package_version``, ``n``, ``seed``,
``chunk_size``, ``n_chunks_done``, ``library``, ``library_sha256``, ``mass_kind``, ``nebular`` and
``nebular_sha256`` (empty without gas), ``age_edges_gyr``, ``prior_sha256`` (of a few draws) and as
JSON ``prior`` (the parameter space), ``instrument``, ``noise`` and ``conditions``.
"""

from __future__ import annotations

import hashlib
import json
import math
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from torch import Tensor

from amortized_sfh._version import __version__
from amortized_sfh.quantities.derived import Derived
from amortized_sfh.quantities.registry import PRODUCTS
from simulators.generative import GenerativeModel
from simulators.noise.noise_model_storage import ARRAY_UNITS, describe_noise
from simulators.runs.seeding import chunk_generator

FORMAT = "asfh-training-set"
SCHEMA_VERSION = 2
CHUNK_SIZE = 1024
_DERIVED_UNITS = {
    **{product.key: product.unit for product in PRODUCTS.values()},
    "mass_fraction": "1",
    "ml_v": "Msun/Lsun",
    "alive": "1",
}
_N_PRIOR_DRAWS = 256


def describe(generative: GenerativeModel, n: int, seed: int) -> dict[str, Any]:
    """Attributes of the root of a file, before anything is written.

    Parameters
    ----------
    generative
        Model of the data that the galaxies are drawn from.
    n
        Number of galaxies in the file.
    seed
        Source of randomness of the galaxies.

    Returns
    -------
    dict
        Value of each attribute by name; equal for files that hold the same data.
    """
    simulator, draws = generative.simulator, chunk_generator(0, 0, generative.simulator.device)
    nebular = simulator.basis.nebular
    theta = generative.prior.sample((_N_PRIOR_DRAWS,), generator=draws).cpu().numpy()
    return {
        "format": FORMAT,
        "schema_version": SCHEMA_VERSION,
        "package_version": __version__,
        "n": n,
        "seed": seed,
        "chunk_size": CHUNK_SIZE,
        "library": simulator.basis.library,
        "library_sha256": simulator.basis.sha256,
        "mass_kind": simulator.basis.mass_kind,
        "nebular": nebular.name if nebular else "",
        "nebular_sha256": nebular.sha256 if nebular else "",
        "age_edges_gyr": np.asarray(generative.bins.edges_gyr),
        "prior": json.dumps(generative.space.to_dict()),
        "prior_sha256": hashlib.sha256(theta.tobytes()).hexdigest(),
        "instrument": json.dumps(simulator.instrument.to_dict()),
        "noise": json.dumps(describe_noise(generative.noise)),
        "conditions": json.dumps(generative.conditions.to_dict()),
    }


def dimensions(attributes: h5py.AttributeManager) -> dict[str, tuple[tuple[int, ...], str]]:
    """Shape and units of every data set of a file.

    Parameters
    ----------
    attributes
        Attributes of the root of the file.

    Returns
    -------
    dict
        Shape and units of each data set by its path in the file.
    """
    n = int(attributes["n"])
    instrument = json.loads(attributes["instrument"])
    parameters = _parameters(attributes)
    n_bins = len(attributes["age_edges_gyr"]) - 1
    table: dict[str, tuple[tuple[int, ...], str]] = {
        "flux": ((n, instrument["grid"]["n_pix"]), "mean of the spectrum"),
        "phot": ((n, len(instrument["bands"])), "mean of the spectrum"),
        "log_mean": ((n,), "dex(Lsun/(Angstrom Msun))"),
        "theta": ((n, len(parameters)), ", ".join(p["unit"] or "1" for p in parameters)),
        "redshift": ((n,), "1"),
    }
    for name in Derived._fields:
        shape = (n, n_bins) if name == "mass_fraction" else (n,)
        table[f"derived/{name}"] = (shape, _DERIVED_UNITS[name])
    return table


def open_part(part: Path, header: dict[str, Any], noise: dict[str, Tensor]) -> h5py.File:
    """Open the unfinished file of a run, or start one.

    Parameters
    ----------
    part
        Path of the unfinished file.
    header
        Attributes of the run, from `describe`.
    noise
        Arrays of the noise model by name, of any shape.

    Returns
    -------
    h5py.File
        File open for writing, whose attribute ``n_chunks_done`` counts the chunks in it.

    Raises
    ------
    ValueError
        If the file is damaged, in use, or belongs to another run.
    """
    if not part.exists():
        return _start_part(part, header, noise)
    advice = "remove it or start again with resume=False"
    try:
        file = h5py.File(part, "r+")
    except OSError as error:
        raise ValueError(
            f"{part.name} of an earlier run cannot be opened ({error}); if no other run is writing "
            f"it, {advice}"
        ) from error
    expected = {**header, "n_chunks_done": file.attrs.get("n_chunks_done", 0)}
    kept = dict(file.attrs)
    other = [k for k, v in expected.items() if k not in kept or not np.array_equal(kept[k], v)]
    if other:
        found, wanted = (_short(values.get(other[0])) for values in (kept, expected))
        file.close()
        raise ValueError(
            f"{part.name} belongs to another run: {other[0]} is {found}, expected {wanted}; "
            f"{advice}"
        )
    return file


def _start_part(part: Path, header: dict[str, Any], noise: dict[str, Tensor]) -> h5py.File:
    file = h5py.File(part, "w")
    file.attrs.update(header)
    for name, (shape, units) in dimensions(file.attrs).items():
        file.create_dataset(name, shape, "<f4").attrs["units"] = units
    for name, values in noise.items():
        file.create_dataset(f"noise/{name}", data=values.numpy()).attrs["units"] = ARRAY_UNITS[name]
    file["theta"].attrs["names"] = [p["name"] for p in _parameters(file.attrs)]
    file.attrs["n_chunks_done"] = 0
    file.flush()
    return file


def _parameters(attributes: h5py.AttributeManager) -> list[dict[str, Any]]:
    return list(json.loads(attributes["prior"])["parameters"])


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def check_file(path: Path) -> None:
    """Check that a file is a finished training set of this version.

    Parameters
    ----------
    path
        Path of the file.

    Raises
    ------
    FileNotFoundError
        If there is none.
    ValueError
        If it is no HDF5 file, truncated, of another format or version, unfinished, or if a data set
        is missing or has another shape or unit than the specification says.
    """
    if not path.is_file():
        raise FileNotFoundError(f"no training set at {path}; make one with simulate_to_file")
    try:
        with h5py.File(path, "r") as file:
            _check_attributes(path.name, file.attrs)
            _check_data_sets(path.name, file)
    except OSError as error:
        raise ValueError(
            f"{path.name} is not a readable HDF5 file ({error}); it may be truncated: make it "
            "again with simulate_to_file"
        ) from error


def _check_attributes(name: str, attributes: h5py.AttributeManager) -> None:
    found = attributes.get("format")
    if found != FORMAT:
        raise ValueError(
            f"{name}: attribute format is {found!r}, expected {FORMAT!r}: not a training set"
        )
    version = int(attributes["schema_version"])
    if version != SCHEMA_VERSION:
        raise ValueError(
            f"{name} has schema version {version}, this package reads {SCHEMA_VERSION}: "
            + ("update the package" if version > SCHEMA_VERSION else "make the file again")
        )
    needed = ("n", "seed", "chunk_size", "n_chunks_done", "prior", "instrument", "age_edges_gyr")
    missing = [key for key in (*needed, "noise", "conditions") if key not in attributes]
    if missing:
        raise ValueError(f"{name} lacks the attributes {', '.join(missing)}: make the file again")
    n_chunks = math.ceil(int(attributes["n"]) / int(attributes["chunk_size"]))
    done = int(attributes["n_chunks_done"])
    if done != n_chunks:
        raise ValueError(
            f"{name} is unfinished: {done} of {n_chunks} chunks; go on with simulate_to_file"
        )


def _check_data_sets(name: str, file: h5py.File) -> None:
    for key, (shape, units) in dimensions(file.attrs).items():
        if key not in file:
            raise ValueError(f"{name} lacks the data set {key}: make the file again")
        found = file[key]
        if found.shape != shape or found.attrs.get("units") != units:
            raise ValueError(
                f"{name}: data set {key} has shape {found.shape} and units "
                f"{found.attrs.get('units')!r}, expected {shape} and {units!r}"
            )
