"""The two SDSS spectra beside pPXF."""

from __future__ import annotations

from importlib.util import find_spec
from types import SimpleNamespace

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table

from amortized_sfh.data.files.fits_files import InputFileError
from amortized_sfh.workflows.demos import package_data
from amortized_sfh.workflows.demos.sdss_comparison import (
    GALAXIES,
    read_sdss_header,
    sdss_comparison,
    sdss_files,
)

needs_ppxf = pytest.mark.skipif(find_spec("ppxf") is None, reason="ppxf is not installed")


@needs_ppxf
def test_headers_of_the_real_files():
    headers = {galaxy: read_sdss_header(path) for galaxy, path in sdss_files().items()}
    assert headers["NGC3073"].redshift == pytest.approx(0.003763, abs=1e-6)
    assert headers["NGC3522"].redshift == pytest.approx(0.004018, abs=1e-6)
    # A_g of 0.0319 and 0.0548 mag
    assert headers["NGC3073"].ebv == pytest.approx(0.0072, abs=1e-4)
    assert headers["NGC3522"].ebv == pytest.approx(0.0124, abs=1e-4)


@needs_ppxf
@pytest.mark.filterwarnings("default")  # pPXF's own
def test_products_and_table(tmp_path, small_posterior, monkeypatch):
    # pictures are slow, and tested with infer_spectrum
    monkeypatch.setattr(
        "amortized_sfh.workflows.infer_spectrum.draw_observation", lambda *_, **__: []
    )
    table = sdss_comparison(tmp_path / "out", model=small_posterior, draws=30)
    written = Table.read(tmp_path / "out" / "comparison.ecsv")
    assert set(written["galaxy"]) == set(GALAXIES)
    assert list(written["quantity"][:4]) == ["LOGAGE_MW", "LOGAGE_LW", "MH_MW", "MH_LW"]
    for name in ("mean", "std", "ppxf", "ppxf_regul"):
        np.testing.assert_allclose(written[name], table[name], rtol=1e-3)
        assert np.isfinite(written[name]).all()
    ages = written["ppxf"][written["quantity"] == "LOGAGE_MW"]
    assert ((ages > 6.0) & (ages < 10.2)).all()
    for galaxy in GALAXIES:
        assert (tmp_path / "out" / galaxy / "summary.ecsv").is_file()
    with pytest.raises(FileExistsError, match="overwrite"):
        sdss_comparison(tmp_path / "out", model=small_posterior)


@pytest.mark.parametrize("installed", [False, True])
def test_missing_spectra(tmp_path, small_posterior, monkeypatch, installed):
    spec = SimpleNamespace(submodule_search_locations=[str(tmp_path)]) if installed else None
    monkeypatch.setattr(package_data, "find_spec", lambda _: spec)
    with pytest.raises(FileNotFoundError, match="reinstall ppxf" if installed else "pip install"):
        sdss_comparison(tmp_path / "out", model=small_posterior)
    assert not (tmp_path / "out").exists()


def test_a_file_that_is_not_sdss(tmp_path):
    fits.PrimaryHDU().writeto(tmp_path / "x.fits")
    with pytest.raises(InputFileError, match="expected an SDSS spec file"):
        read_sdss_header(tmp_path / "x.fits")
