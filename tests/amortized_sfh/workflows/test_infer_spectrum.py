"""One spectrum, from its file to a folder of products."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import arviz
import numpy as np
import pytest
import torch
from astropy.table import Table

from amortized_sfh.data.spectra.spectrum import Spectrum
from amortized_sfh.products.summary_table import summary_table
from amortized_sfh.quantities.flags import Flag
from amortized_sfh.requests import InferSpectrumRequest
from amortized_sfh.requests.toml_files import read_request
from amortized_sfh.workflows.infer_spectra import run_infer_spectrum
from amortized_sfh.workflows.infer_spectrum import (
    PRODUCTS,
    describe_run,
    infer_spectrum,
    write_products,
)

REDSHIFT = 0.004


def ask(**changes) -> InferSpectrumRequest:
    """A quick request whose files are not looked at."""
    quick = {"spectrum": Path("mock"), "out": Path("out"), "redshift": REDSHIFT, "draws": 10}
    return InferSpectrumRequest(**(quick | changes))


@pytest.fixture(scope="module")
def spectrum(small_posterior) -> Spectrum:
    """A spectrum of the model's own light, on its own pixels."""
    generative = small_posterior.generative
    theta = generative.prior.sample((1,), torch.Generator().manual_seed(5))
    light = generative.simulator(theta, torch.tensor([REDSHIFT])).flux[0].numpy()
    rest = generative.instrument.grid.centres_aa.numpy()
    wave = 4750.0 + 1.25 * np.arange(100, 320)
    flux = np.interp(wave / (1.0 + REDSHIFT), rest, light / light.mean())
    random = np.random.default_rng(3)
    return Spectrum(
        wave, flux + random.normal(0.0, 0.02, wave.size), np.full(wave.size, 0.02), wave > 0,
        unit_cgs=1e-16, name="mock",
    )  # fmt: skip


@pytest.fixture
def file(tmp_path, spectrum):
    table = Table({"wave": spectrum.wavelength_aa, "flux": spectrum.flux, "sigma": spectrum.sigma})
    table["flux"].unit = "1e-16 erg / (s cm2 Angstrom)"
    table.write(tmp_path / "mock.ecsv")
    return tmp_path / "mock.ecsv"


def test_products(tmp_path, file, small_posterior):
    out = tmp_path / "out"
    request = ask(spectrum=file, out=out, draws=60, seed=4)
    samples = run_infer_spectrum(request, model=small_posterior)
    assert sorted(p.name for p in out.iterdir()) == sorted([*PRODUCTS, "request.toml"])
    assert read_request(InferSpectrumRequest, out / "request.toml") == request
    assert all((out / name).stat().st_size > 1000 for name in PRODUCTS)
    table = Table.read(out / "summary.ecsv")
    assert table.colnames[:7] == ["name", "mean", "std", "p16", "p50", "p84", "unit"]
    rows = {row["name"]: row for row in table}
    assert rows["AV"]["mean"] == pytest.approx(float(samples.theta[0, :, 31].mean()), rel=1e-5)
    assert (rows["AV"]["unit"], rows["SFR_01"]["unit"]) == ("mag", "solMass/yr")
    assert (rows["MH_16"]["age_low_gyr"], rows["MH_16"]["age_high_gyr"]) == (10.5, 13.5)
    shares = [rows[f"MASSFRAC_{i:02d}"]["mean"] for i in range(1, 17)]
    assert sum(shares) == pytest.approx(1.0, abs=1e-4)
    assert (table.meta["redshift"], table.meta["seed"], table.meta["draws"]) == (REDSHIFT, 4, 60)
    posterior = arviz.from_netcdf(out / "posterior.nc").posterior
    np.testing.assert_allclose(posterior["AV"].values.ravel(), samples.theta[0, :, 31], rtol=1e-5)


@pytest.mark.parametrize(("unit", "label"), [(1e-16, "erg/s/cm²/Å"), (None, "")])
def test_the_picture_names_the_unit_that_is_known(
    tmp_path, spectrum, small_posterior, monkeypatch, unit, label
):
    said = {}
    name = "amortized_sfh.workflows.infer_spectrum.draw_observation"
    monkeypatch.setattr(name, lambda *_, **labels: said.update(labels))
    spectrum = replace(spectrum, unit_cgs=unit)
    posterior = infer_spectrum(small_posterior, spectrum, ask())
    write_products(small_posterior, spectrum, ask(), posterior, tmp_path)
    assert said["title"] == "mock"
    number, _, found = said["flux_unit"].partition(" ")
    assert found == label
    if unit is not None:
        assert float(number) == pytest.approx(posterior.observation.unit_cgs)


def test_an_existing_folder_is_kept(tmp_path, file, small_posterior):
    out = tmp_path / "out"
    out.mkdir()
    (out / "summary.ecsv").write_text("precious")
    with pytest.raises(FileExistsError, match="overwrite"):
        run_infer_spectrum(ask(spectrum=file, out=out), model=small_posterior)
    assert (out / "summary.ecsv").read_text() == "precious"


def test_nothing_is_left_of_a_failed_run(tmp_path, file, small_posterior, monkeypatch):
    def fail(*_, **__):
        raise OSError("disk full")

    monkeypatch.setattr("amortized_sfh.workflows.infer_spectrum.draw_observation", fail)
    with pytest.raises(OSError, match="disk full"):
        run_infer_spectrum(ask(spectrum=file, out=tmp_path / "out"), model=small_posterior)
    assert [p.name for p in tmp_path.iterdir()] == [file.name]


def test_the_same_seed_gives_the_same_draws(spectrum, small_posterior):
    request = ask(draws=20, seed=9)
    first, again = (
        infer_spectrum(small_posterior, spectrum, request).samples.theta for _ in range(2)
    )
    torch.testing.assert_close(first, again)
    other = infer_spectrum(small_posterior, spectrum, ask(draws=20)).samples
    assert not torch.equal(first, other.theta)


def test_masses_follow_unit_and_distance(spectrum, small_posterior):
    def mass(unit, distance):
        request = ask(draws=20, distance_mpc=distance)
        with_unit = Spectrum(**{**spectrum.__dict__, "unit_cgs": unit})
        return float(infer_spectrum(small_posterior, with_unit, request).samples.log_mass.mean())

    assert mass(1e-15, 10.0) - mass(1e-16, 10.0) == pytest.approx(1.0, abs=1e-4)
    assert mass(1e-16, 100.0) - mass(1e-16, 10.0) == pytest.approx(2.0, abs=1e-4)
    assert math.isnan(mass(None, 10.0))


def test_quality_and_flags(spectrum, small_posterior):
    request = ask(draws=40)
    posterior = infer_spectrum(small_posterior, spectrum, request)
    meta = describe_run(small_posterior, spectrum, request, posterior)
    samples = posterior.samples
    assert meta["reduced_chi2_expected"] == pytest.approx(1.0, abs=0.1)
    assert meta["flag"] & Flag.NO_PHOTOMETRY
    assert meta["snr_per_pixel"] == pytest.approx(60.0, rel=0.2)
    assert len(summary_table(samples)) == len(samples.scalars()) + 3 * 16


def test_wide_pixels_lower_the_chi2_that_can_be_expected(spectrum, small_posterior):
    wave = np.arange(4800.0, 5250.0, 2.5)
    ones = np.ones(wave.size)
    wide = Spectrum(wave, ones, 0.02 * ones, ones > 0)
    meta = describe_run(small_posterior, wide, ask(), infer_spectrum(small_posterior, wide, ask()))
    assert meta["reduced_chi2_expected"] < 0.6


def test_bands_are_used_where_the_model_has_them(spectrum, small_posterior):
    bands = {"F814W": (0.8, 0.05)}
    observation, _ = infer_spectrum(small_posterior, spectrum, ask(), bands)
    assert observation.phot_valid[0].tolist() == [False] * 4 + [True]
    with pytest.raises(ValueError, match="F606W"):
        infer_spectrum(small_posterior, spectrum, ask(), {"F606W": (1.0, 0.1)})


def test_wider_masks_and_measured_noise(spectrum, small_posterior):
    def observe(data, **options):
        return infer_spectrum(small_posterior, data, ask(**options)).observation

    plain = observe(spectrum)
    assert observe(spectrum, line_half_width_kms=1500.0).valid.sum() < plain.valid.sum() - 20
    # error bars three times too small are found out; right ones are left as they are, nearly
    small = Spectrum(**{**spectrum.__dict__, "sigma": spectrum.sigma / 3.0})
    ratio = observe(small, measure_noise=True).sigma / observe(small).sigma
    assert 2.0 < float(ratio[plain.valid].median()) < 4.5


def test_bad_requests(spectrum, small_posterior):
    blank = Spectrum(**{**spectrum.__dict__, "valid": np.zeros(spectrum.flux.size, dtype=bool)})
    with pytest.raises(ValueError, match="no usable pixel"):
        infer_spectrum(small_posterior, blank, ask())
    with pytest.raises(ValueError, match="misses 100 % of the model"):
        infer_spectrum(small_posterior, spectrum, ask(redshift=0.5))
    with pytest.raises(ValueError, match="redshift"):
        infer_spectrum(small_posterior, spectrum, ask(redshift=1200.0))
    with pytest.raises(ValueError, match="ebv"):
        infer_spectrum(small_posterior, spectrum, ask(ebv=-1.0))


def test_a_band_that_does_not_fit_is_told(spectrum, small_posterior):
    bright = 1e4 * float(spectrum.flux.mean())
    bands = {"F555W": (bright, 1e-3 * bright)}
    with pytest.warns(UserWarning, match=r"^mock: F555W \(\+.* sigma\) from what the spectrum"):
        posterior = infer_spectrum(small_posterior, spectrum, ask(), bands)
    meta = describe_run(small_posterior, spectrum, ask(), posterior)
    assert meta["flag"] & Flag.BAND_MISFIT
    assert meta["bands_that_do_not_fit"].startswith("F555W (+")
