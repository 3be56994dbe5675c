"""Real MaNGA spectra through a model for MaNGA: the reader, the forward model, the command."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from astropy.table import Table

from amortized_sfh.data.spectra.read_spectra import read_spectra
from amortized_sfh.data.spectra.spectrum import Spectrum
from amortized_sfh.model.model import ModelCard, PosteriorModel
from amortized_sfh.networks.encoder import EncoderConfig
from amortized_sfh.networks.flow import FlowConfig
from amortized_sfh.quantities.flags import Flag
from amortized_sfh.requests import InferSpectrumRequest
from amortized_sfh.workflows.infer_spectra import TABLE, infer_rows
from simulators.forward.simulator import ModelSpectra
from simulators.generative import GenerativeModel
from simulators.noise.likelihood import Likelihood
from simulators.observations.masks import REST_LINES_AA
from simulators.surveys.preset import read_preset

pytestmark = pytest.mark.data

DATA = Path(os.environ.get("ASFH_DATA", Path(__file__).parents[3].parent / "shared" / "data"))
FOLDER = DATA / "manga-test-spectra"
FILES = {"MaNGA_test_spectra.fits.gz": 8, "MaNGA_multicomp_test_spectra.fits.gz": 3}
BLANK = 5
"""Row of the first file in which every pixel is flagged."""


def _read(name: str) -> list[Spectrum]:
    if not (FOLDER / name).is_file():
        pytest.skip(f"no {name} (folder ASFH_DATA)")
    return read_spectra(FOLDER / name)


@pytest.fixture(scope="module")
def spectra() -> list[Spectrum]:
    return [spectrum for name in FILES for spectrum in _read(name)]


@pytest.fixture(scope="module")
def generative() -> GenerativeModel:
    try:
        return read_preset("manga").generative()
    except FileNotFoundError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize(("name", "count"), FILES.items())
def test_reader(name, count):
    spectra = _read(name)
    assert len(spectra) == count
    for spectrum in spectra:
        assert (spectrum.medium, spectrum.unit_cgs) == ("vacuum", 1e-17)
        assert spectrum.wavelength_aa[[0, -1]] == pytest.approx([3621.6, 10353.8], abs=0.05)
        assert 0.01 < spectrum.redshift < 0.15


def test_observations(spectra):
    instrument = read_preset("manga").instrument
    for i, spectrum in enumerate(spectra):
        observation = spectrum.observe(instrument, spectrum.redshift)
        assert (observation.n_pix, observation.n_band) == (3040, 0)
        for values in (observation.flux, observation.sigma):
            assert bool(torch.isfinite(values).all())
        share = float(observation.valid.float().mean())
        assert share == 0.0 if i == BLANK else 0.8 < share < 0.9
        # lines are masked where they are, in air: the vacuum wavelengths were converted
        wave = instrument.grid.centres_aa
        for line in ("Hbeta", "Halpha", "[OIII]5007", "[OII]3729"):
            near = (wave / REST_LINES_AA[line] - 1.0).abs() * 299_792.458 < 390.0
            assert not bool(observation.valid[0][near].any())


def test_emission_lines_lie_at_their_air_wavelengths(spectra):
    # [O III] 5007 of the spaxel with the strongest lines
    spectrum = spectra[8]
    instrument = read_preset("manga").instrument
    observation = spectrum.observe(instrument, spectrum.redshift)
    wave = instrument.grid.centres_aa
    near = (wave - 5006.84).abs() < 15.0
    flux = observation.flux[0][near].double()
    excess = (flux - flux.median()).clamp(min=0.0)
    centre = float((excess * wave[near]).sum() / excess.sum())
    # in vacuum it would be 1.4 Å further
    assert centre == pytest.approx(5006.84, abs=0.7)


def test_the_forward_model_comes_close(spectra, generative):
    """The best of 150 histories of the prior, at the right redshift and at a wrong one."""
    theta = generative.prior.sample((150,), torch.Generator().manual_seed(0))
    theta[:, generative.space.index("velocity")] = 0.0
    theta[:, generative.space.index("log_sigma")] = 2.0
    for i in (1, 2, 3, 8):
        found = []
        for shift in (0.0, 0.02):
            redshift = spectra[i].redshift + shift
            observation = spectra[i].observe(generative.instrument, redshift)
            light = generative.simulator(theta, observation.redshift.expand(len(theta)))
            likelihood = Likelihood(generative.noise, observation)
            chi2 = likelihood.chi2(ModelSpectra(light.flux[None], light.phot[None]))[0]
            found.append(float(chi2.min() / likelihood.n_data[0]))
        right, wrong = found
        # S/N per pixel is 68 to 146, and history was fitted
        assert right < 8.0, spectra[i].name
        assert wrong > 1.5 * right, spectra[i].name


def test_the_command_runs_through_all_rows(spectra, generative, tmp_path):
    torch.manual_seed(0)
    encoder = EncoderConfig(
        n_latent=8, n_channel=2, n_token_channel=4, n_head=2, n_query=1, n_hidden=8, n_fusion=1
    )
    flow = FlowConfig(n_transform=2, n_hidden=8, n_bins=4)
    model = PosteriorModel.untrained(generative, ModelCard(name="manga"), encoder, flow)
    request = InferSpectrumRequest(spectrum=FOLDER, out=tmp_path / "out", draws=20, plots=False)
    chosen = {row: spectra[row] for row in (1, BLANK, 6)}
    table = infer_rows(chosen, request, model=model)
    assert table["row"].tolist() == [1, BLANK, 6]
    assert np.isfinite(table["LOGAGE_LW_MEAN"]).tolist() == [True, False, True]
    assert np.isfinite(table["LOGMASS_MEAN"]).tolist() == [True, False, True]
    assert table["flag"][1] & Flag.NO_DATA
    assert not table["flag"][0] & (Flag.NO_PHOTOMETRY | Flag.OUT_OF_TRAINING_RANGE)
    assert table["snr_per_pixel"][0] == pytest.approx(68.0, abs=5.0)
    assert len(Table.read(tmp_path / "out" / TABLE)) == 3
