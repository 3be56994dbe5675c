"""The `infer-spectrum` command on one row, on many, and with bands."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from astropy.io import fits
from astropy.table import Table

from amortized_sfh.cli.main import main
from amortized_sfh.data.spectra.read_spectra import read_spectra
from amortized_sfh.model.model_files import save_model
from amortized_sfh.quantities.flags import Flag
from amortized_sfh.requests import InferSpectrumRequest
from amortized_sfh.workflows.infer_spectra import TABLE, choose_rows, infer_rows
from amortized_sfh.workflows.infer_spectrum import PRODUCTS

REDSHIFTS = [0.004, 0.006, 0.005]
WAVE = 4750.0 + 1.25 * np.arange(100, 320)


@pytest.fixture(scope="module")
def file(small_model, tmp_path_factory):
    """Three spectra of the model's own light; the last has no usable pixel."""
    theta = small_model.prior.sample((3,), torch.Generator().manual_seed(5))
    redshift = torch.tensor(REDSHIFTS)
    light = small_model.simulator(theta, redshift).flux.numpy()
    rest = small_model.instrument.grid.centres_aa.numpy()
    flux = np.stack([
        np.interp(WAVE / (1.0 + z), rest, row / row.mean())
        for z, row in zip(REDSHIFTS, light, strict=True)
    ])  # fmt: skip
    flux += np.random.default_rng(3).normal(0.0, 0.02, flux.shape)
    mask = np.zeros(flux.shape, dtype=np.int32)
    mask[2] = 1024
    hdus = {
        "FLUX": flux, "IVAR": np.full(flux.shape, 2500.0), "MASK": mask, "WAVE": WAVE,
        "Z": np.array(REDSHIFTS),
    }  # fmt: skip
    images = [fits.ImageHDU(values, name=name) for name, values in hdus.items()]
    images[0].header["BUNIT"] = "1E-17 erg/s/cm^2/Ang/spaxel"
    path = tmp_path_factory.mktemp("stack") / "stack.fits"
    fits.HDUList([fits.PrimaryHDU(), *images]).writeto(path)
    return path


@pytest.fixture(scope="module")
def model(small_posterior, tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "small"
    save_model(small_posterior, folder)
    return folder


def _words(file, model, out, *more):
    words = ["infer-spectrum", file, "--model", model, "--draws", 20, "--no-plots", "--out", out]
    return [str(word) for word in (*words, *more)]


def test_all_rows(file, model, tmp_path):
    out = tmp_path / "out"
    assert main(_words(file, model, out)) == 0
    assert sorted(p.name for p in out.iterdir()) == ["request.toml", "row_000", "row_001", TABLE]
    parts = sorted(p.name for p in (out / "row_001").iterdir())
    assert parts == ["posterior.nc", "summary.ecsv"]
    table = Table.read(out / TABLE)
    assert table["row"].tolist() == [0, 1, 2]
    assert table["redshift"].tolist()[:2] == pytest.approx(REDSHIFTS[:2])
    assert table["LOGMASS_MEAN"].unit is not None
    assert np.isfinite(table["LOGAGE_MW_MEAN"]).tolist() == [True, True, False]
    assert table["flag"][2] & Flag.NO_DATA
    assert "no usable pixel" in table["problem"][2]
    assert table["problem"][0] == "none"
    summary = Table.read(out / "row_001" / "summary.ecsv")
    rows = {row["name"]: row["mean"] for row in summary}
    assert table["AV_MEAN"][1] == pytest.approx(rows["AV"], rel=1e-3)


def test_one_row_and_some(file, model, tmp_path):
    assert main(_words(file, model, tmp_path / "one", "--row", 1)) == 0
    table = Table.read(tmp_path / "one" / "summary.ecsv")
    assert table.meta["spectrum"] == "stack_001"
    assert table.meta["redshift"] == pytest.approx(REDSHIFTS[1])
    assert main(_words(file, model, tmp_path / "two", "--row", 1, 0, "--redshift", 0.0051)) == 0
    table = Table.read(tmp_path / "two" / TABLE)
    assert table["row"].tolist() == [0, 1]
    assert table["redshift"].tolist() == pytest.approx([0.0051, 0.0051])


def test_bands_of_a_table(file, model, tmp_path):
    bands = tmp_path / "bands.csv"
    bands.write_text("band,flux,error,unit\nF555W,1.1e-17,1e-18,erg/s/cm2/Angstrom\n")
    words = _words(file, model, tmp_path / "out", "--row", 0, "--photometry", bands)
    assert main(words) == 0
    table = Table.read(tmp_path / "out" / "summary.ecsv")
    assert table.meta["bands"] == ["F555W"]
    assert not table.meta["flag"] & Flag.NO_PHOTOMETRY


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--row", "7"], "holds 3 spectra; expected a row from 0 to 2"),
        (["--row", "-1"], "--row -1"),
        (["--row", "2"], "no usable pixel"),
        (["--photometry", "nowhere.csv"], "belongs to one, choose it with --row"),
        (["--row", "0", "--photometry", "nowhere.csv"], "no such file: nowhere.csv"),
        (["--redshift", "0.9"], "none of 3 spectra can be used"),
    ],
)
def test_bad_requests(file, model, tmp_path, capsys, more, message):
    assert main(_words(file, model, tmp_path / "out", *more)) == 1
    error = capsys.readouterr().err
    assert message in error
    assert not (tmp_path / "out").exists()


def test_a_file_without_redshifts_needs_one(file, small_posterior, tmp_path):
    spectra = dict(enumerate(read_spectra(file)[:2]))
    bare = {row: type(s)(**{**s.__dict__, "redshift": None}) for row, s in spectra.items()}
    request = InferSpectrumRequest(spectrum=file, out=tmp_path / "out", draws=20, plots=False)
    with pytest.raises(ValueError, match="does not state its redshift: give the galaxy's"):
        infer_rows(bare, request, model=small_posterior)
    request = replace(request, redshift=0.005)
    assert len(infer_rows(bare, request, model=small_posterior)) == 2
    with pytest.raises(FileExistsError, match="overwrite"):
        infer_rows(bare, request, model=small_posterior)


def test_pictures_are_drawn_on_request(file, model, tmp_path):
    words = [w for w in _words(file, model, tmp_path / "out", "--row", "0") if w != "--no-plots"]
    assert main(words) == 0
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == sorted(
        [*PRODUCTS, "request.toml"]
    )


def test_a_file_of_one_spectrum_has_row_0_alone():
    assert list(choose_rows(["it"], [0], "s.txt")) == [0]
    with pytest.raises(ValueError, match=r"holds one spectrum; expected row 0, or no --row"):
        choose_rows(["it"], [3], "s.txt")
