"""Models on disk: the same answers after loading, and nothing damaged or foreign is loaded."""

from __future__ import annotations

import hashlib
import json
import pickle

import pytest
import torch

from amortized_sfh.inference.infer import infer
from amortized_sfh.model.model_files import (
    CARD_FILE,
    WEIGHTS_FILE,
    ModelFileError,
    available_models,
    load_model,
    load_point_model,
    save_model,
)
from priors.defaults import default_prior
from priors.families.nuisance import stellar_nuisances
from simulators.forward.simulator import Simulator
from simulators.generative import GenerativeModel
from simulators.instruments.instrument import Instrument
from simulators.noise.noise_model import NoiseModel
from simulators.noise.noise_model_storage import describe_noise
from simulators.populations.ssp_basis import build_basis
from simulators.wavelengths.rest_grid import LinearRestGrid


@pytest.fixture
def folder(small_posterior, tmp_path):
    save_model(small_posterior, tmp_path / "small")
    return tmp_path / "small"


def test_same_samples_after_loading(small_posterior, small_observation, folder):
    loaded = load_model(folder)
    save_model(loaded, folder.parent / "again")
    again = load_model(folder.parent / "again")
    first, second = (infer(m, small_observation, 20).theta for m in (loaded, again))
    assert torch.equal(first, second)
    # half precision on disk moves the draws by much less than they scatter
    original = infer(small_posterior, small_observation, 20).theta
    assert float((first - original).abs().mean() / original.std()) < 0.01


def test_generative_model_survives(small_posterior, folder):
    loaded = load_model(folder).generative
    first, second = (g.mock(5, seed=1) for g in (small_posterior.generative, loaded))
    # the spectra of the basis are kept in half precision relative to their means
    torch.testing.assert_close(first.spectra.flux, second.spectra.flux, rtol=5e-4, atol=0)
    torch.testing.assert_close(first.spectra.phot, second.spectra.phot, rtol=1e-6, atol=0)


def test_gas_and_measured_noise_survive(measured_model, new_posterior, tmp_path):
    save_model(new_posterior(measured_model), tmp_path / "measured")
    card = json.loads((tmp_path / "measured" / CARD_FILE).read_text())
    assert card["schema"] == 3
    assert card["nebular"]["name"] == "toy"
    assert card["noise"]["mismatch"]["other"] == "b"
    loaded = load_model(tmp_path / "measured").generative
    assert describe_noise(loaded.noise) == describe_noise(measured_model.noise)
    basis, own = (g.simulator.basis.nebular for g in (loaded, measured_model))
    torch.testing.assert_close(basis.continuum, own.continuum, rtol=5e-4, atol=0)
    for name in ("mh", "log_u", "nodes", "line_wave_aa", "line_lum"):
        assert torch.equal(getattr(basis, name), getattr(own, name)), name
    assert (basis.name, basis.sha256) == (own.name, own.sha256)
    first, second = (g.mock(5, seed=1).observation for g in (measured_model, loaded))
    torch.testing.assert_close(first.flux, second.flux, rtol=0, atol=5e-4)
    torch.testing.assert_close(first.phot, second.phot, rtol=1e-4, atol=0)


@pytest.fixture
def dry_model(toy_library):
    """`small_model` under the prior without gas."""
    prior = default_prior(nuisances=stellar_nuisances())
    instrument = Instrument(grid=LinearRestGrid(4830.0, 1.25, 280))
    basis = build_basis(toy_library, prior.bins, instrument)
    simulator = Simulator(basis, prior.space, prior.bins, instrument)
    return GenerativeModel(prior, simulator, NoiseModel(instrument))


def _as_schema(folder, schema):
    """Rewrite a card as earlier versions wrote it.

    Until 2 flows had no first layer of their own for single parameters; 1 knew MUSE alone, no gas,
    and noise without measured parts.
    """
    path, data = folder / CARD_FILE, (folder / WEIGHTS_FILE).read_bytes()
    card = json.loads(path.read_text())
    del card["sha256"], card["flow"]["direct"], card["flow"]["n_direct_bins"]
    card["schema"] = schema
    card["card"]["metrics"] = {}
    if schema == 1:
        instrument = card["instrument"]
        pixels, grid = instrument["pixels"], instrument["grid"]
        card["instrument"] = {
            "name": instrument["name"],
            "grid": {name: grid[name] for name in ("start_aa", "step_aa", "n_pix")},
            "bands": instrument["bands"],
            "lsf_coefficients_aa": instrument["lsf"]["coefficients_aa"],
            "max_redshift": instrument["max_redshift"],
            "max_redshift_bands": instrument["max_redshift_bands"],
            "native_start_aa": pixels["start_aa"],
            "native_step_aa": pixels["step_aa"],
        }
        card["noise"] = card["noise"]["config"]
        del card["nebular"]
    text = json.dumps(card, sort_keys=True).encode()
    card["sha256"] = hashlib.sha256(text + data).hexdigest()
    path.write_text(json.dumps(card))


@pytest.mark.parametrize("schema", [1, 2, 3])
def test_a_model_without_gas_survives(dry_model, new_posterior, tmp_path, schema):
    stretched = ("mh_1",) if schema == 3 else ()
    save_model(new_posterior(dry_model, stretched=stretched), tmp_path / "dry")
    if schema < 3:
        _as_schema(tmp_path / "dry", schema)
    loaded = load_model(tmp_path / "dry")
    assert loaded.flow_config.stretched == stretched
    assert loaded.space == dry_model.space
    assert loaded.instrument == dry_model.instrument
    assert loaded.generative.noise.config == dry_model.noise.config
    assert loaded.generative.simulator.basis.nebular is None
    mock = dry_model.mock(4, seed=1)
    again = loaded.generative.mock(4, seed=1)
    torch.testing.assert_close(again.observation.flux, mock.observation.flux, rtol=0, atol=5e-4)
    samples = infer(loaded, mock.observation, 10)
    assert samples.theta.shape == (4, 10, 35)
    assert "f_esc" not in samples.to_arviz().posterior


def test_point_model(small_point, small_observation, tmp_path):
    save_model(small_point, str(tmp_path / "point"))
    loaded = load_point_model(tmp_path / "point")
    first, second = (m.estimate(small_observation, batch_size=16) for m in (small_point, loaded))
    torch.testing.assert_close(first.averages, second.averages, atol=0.01, rtol=0.01)
    torch.testing.assert_close(second.mass_fraction.sum(1), torch.ones(len(small_observation)))
    with pytest.raises(ModelFileError, match="is a point model, expected a posterior"):
        load_model(tmp_path / "point")


def test_truncated_weights(folder):
    path = folder / WEIGHTS_FILE
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ModelFileError, match="does not match its hash"):
        load_model(folder)


def test_tampered_card(folder):
    path = folder / CARD_FILE
    path.write_text(path.read_text().replace('"max_redshift": 0.1', '"max_redshift": 0.9'))
    with pytest.raises(ModelFileError, match="does not match its hash"):
        load_model(folder)


def test_newer_schema(folder):
    card = json.loads((folder / CARD_FILE).read_text())
    (folder / CARD_FILE).write_text(json.dumps({**card, "schema": 99}))
    with pytest.raises(ModelFileError, match="schema 99"):
        load_model(folder)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}"])
def test_card_that_is_none(folder, text):
    (folder / CARD_FILE).write_text(text)
    with pytest.raises(ModelFileError):
        load_model(folder)


def test_missing_weights(folder):
    (folder / WEIGHTS_FILE).unlink()
    with pytest.raises(ModelFileError, match="cannot be read"):
        load_model(folder)


def test_a_pickle_is_never_opened(tmp_path):
    path = tmp_path / "model.pkl"
    path.write_bytes(pickle.dumps({"weights": 1}))
    with pytest.raises(ModelFileError, match="pickled models are not loaded"):
        load_model(path)


def test_unknown_name():
    with pytest.raises(ModelFileError, match="no model 'nowhere'"):
        load_model("nowhere")


@pytest.mark.parametrize(
    "name", ["phangs-bc03", "phangs-bc03-point", "phangs-emiles", "phangs-emiles-point"]
)
def test_the_package_carries_its_models(name):
    assert name in available_models()
    loader = load_point_model if name.endswith("point") else load_model
    model = loader(name)
    # whether trained with gas or before there was any, it must answer
    mock = model.generative.mock(3, seed=0)
    if name.endswith("point"):
        answer = model.estimate(mock.observation).averages
    else:
        answer = infer(model, mock.observation, 20).theta
        assert answer.shape[-1] == model.space.n_param
    assert bool(torch.isfinite(answer).all())
    # a training may start from the networks of another one
    assert model.card.n_spectra >= 5_000_000
    assert {"command", "seed", "hours", "machine"} <= set(model.card.training)


def test_as_sbi(small_posterior, small_observation):
    posterior = small_posterior.as_sbi()
    x = small_posterior.encoder.layout.pack(small_observation[:1])
    torch.manual_seed(0)
    u = posterior.sample((10,), x=x, show_progress_bars=False)
    assert u.shape == (10, 37)
    log_prob = posterior.log_prob(u, x=x, norm_posterior=False)
    latent = small_posterior.encode(small_observation[:1])
    with torch.no_grad():
        expected = small_posterior.flow.log_prob(u[:, None], latent)[:, 0]
    torch.testing.assert_close(log_prob, expected, atol=1e-3, rtol=1e-4)
