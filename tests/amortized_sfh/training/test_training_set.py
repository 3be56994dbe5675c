"""Fixed training sets: reproducible, resumable, refused when damaged, read with fresh noise."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from itertools import islice

import h5py
import numpy as np
import pytest
import torch

from amortized_sfh.networks.flow import embed
from amortized_sfh.networks.point_heads import point_targets
from amortized_sfh.quantities.derived import derive
from amortized_sfh.training import training_set, training_set_format
from amortized_sfh.training.loop import train
from amortized_sfh.training.schedule import TrainingConfig
from amortized_sfh.training.training_set import TrainingSet, simulate_to_file
from priors.joint import UnboundedPrior
from simulators.forward.simulator import Simulator
from simulators.noise.noise_model_storage import describe_noise
from simulators.observations.conditions import ConditionsPrior

N = 90  # five chunks and a part of one


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch):
    monkeypatch.setattr(training_set, "CHUNK_SIZE", 16)
    monkeypatch.setattr(training_set_format, "CHUNK_SIZE", 16)


@pytest.fixture(scope="module")
def file(small_model, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training_set, "CHUNK_SIZE", 16)
        patch.setattr(training_set_format, "CHUNK_SIZE", 16)
        return simulate_to_file(small_model, tmp_path_factory.mktemp("set") / "train.h5", N, seed=2)


@pytest.fixture(scope="module")
def data(file) -> TrainingSet:
    return TrainingSet(file, validation_share=0.2)


def _content(path) -> dict[str, np.ndarray]:
    found = {}
    with h5py.File(path, "r") as handle:
        handle.visititems(
            lambda name, item: found.update({name: item[...]}) if hasattr(item, "shape") else None
        )
    return found


def _equal(a, b) -> bool:
    first, second = _content(a), _content(b)
    return set(first) == set(second) and all(np.array_equal(first[k], second[k]) for k in first)


class _Stopped(Exception):  # noqa: N818 (not an error)
    pass


def _stop_at(n_done):
    def stop(done):
        if done == n_done:
            raise _Stopped

    return stop


# writing


def test_content_is_what_the_model_makes(small_model, file):
    content = {name: torch.from_numpy(values) for name, values in _content(file).items()}
    simulator = small_model.simulator
    spectra = simulator(content["theta"], content["redshift"])
    scale = 10 ** content["log_mean"][:, None]
    torch.testing.assert_close(content["flux"] * scale, spectra.flux, rtol=1e-4, atol=0)
    torch.testing.assert_close(content["phot"] * scale, spectra.phot, rtol=1e-4, atol=0)
    torch.testing.assert_close(content["flux"].mean(1), torch.ones(N))
    derived = derive(simulator, content["theta"])
    for name in derived._fields:
        torch.testing.assert_close(content[f"derived/{name}"], getattr(derived, name))
    assert bool(torch.isfinite(small_model.prior.log_prob(content["theta"])).all())


def test_every_data_set_has_its_units(file):
    with h5py.File(file, "r") as handle:
        for name in _content(file):
            assert isinstance(handle[name].attrs["units"], str)
        assert handle["theta"].attrs["names"][31] == "av"
        assert handle["theta"].attrs["units"].split(", ")[31] == "mag"
        assert handle["flux"].dtype == np.float32


def test_provenance_is_in_the_file(small_model, file, data):
    with h5py.File(file, "r") as handle:
        attributes = dict(handle.attrs)
    assert attributes["seed"] == 2
    assert attributes["library_sha256"] == small_model.simulator.basis.sha256
    assert json.loads(attributes["instrument"])["grid"]["n_pix"] == 280
    assert data.space == small_model.space
    assert data.instrument == small_model.instrument
    assert data.conditions == small_model.conditions
    assert data.noise.config == small_model.noise.config


def test_same_seed_same_file(small_model, file, tmp_path):
    assert _equal(simulate_to_file(small_model, tmp_path / "again.h5", N, seed=2), file)
    assert not _equal(simulate_to_file(small_model, tmp_path / "other.h5", N, seed=3), file)


def test_a_shorter_file_is_the_start_of_a_longer_one(small_model, file, tmp_path):
    short = _content(simulate_to_file(small_model, tmp_path / "short.h5", 40, seed=2))
    long = _content(file)
    assert all(np.array_equal(values, long[name][:40]) for name, values in short.items())


def test_other_galaxies_than_the_stream_of_the_same_seed(small_model, file):
    stored = _content(file)["theta"]
    assert not np.isin(small_model.mock(16, seed=2).theta[:, 0].numpy(), stored[:, 0]).any()


def test_progress(small_model, tmp_path):
    seen = []
    simulate_to_file(small_model, tmp_path / "p.h5", 40, progress=seen.append)
    assert seen == [16, 32, 40]


def test_interrupted_run_goes_on(small_model, file, tmp_path):
    path = tmp_path / "cut.h5"
    part = tmp_path / "cut.h5.part"
    with pytest.raises(_Stopped):
        simulate_to_file(small_model, path, N, seed=2, progress=_stop_at(48))
    assert part.exists()
    assert not path.exists()
    seen = []
    simulate_to_file(small_model, path, N, seed=2, progress=seen.append)
    assert seen == [64, 80, 90]
    assert not part.exists()
    assert _equal(path, file)


def test_killed_run_goes_on(small_model, file, tmp_path):
    # a kill closes nothing: what is on disk while the file is open has to be enough
    part = tmp_path / "kill.h5.part"

    def copy(done):
        if done == 32:
            shutil.copy(part, tmp_path / "copy.h5.part")

    simulate_to_file(small_model, tmp_path / "kill.h5", N, seed=2, progress=copy)
    seen = []
    path = simulate_to_file(small_model, tmp_path / "copy.h5", N, seed=2, progress=seen.append)
    assert seen == [48, 64, 80, 90]
    assert _equal(path, file)


def test_starting_again_on_request(small_model, tmp_path):
    path = tmp_path / "new.h5"
    with pytest.raises(_Stopped):
        simulate_to_file(small_model, path, N, seed=2, progress=_stop_at(32))
    seen = []
    simulate_to_file(small_model, path, 20, seed=3, resume=False, progress=seen.append)
    assert seen == [16, 20]


@pytest.fixture
def started(small_model, tmp_path):
    with pytest.raises(_Stopped):
        simulate_to_file(small_model, tmp_path / "a.h5", N, seed=2, progress=_stop_at(32))
    return tmp_path / "a.h5"


@pytest.mark.parametrize(
    ("n", "seed", "message"),
    [(N, 4, "seed is 2, expected 4"), (N + 1, 2, f"n is {N}, expected {N + 1}")],
)
def test_part_of_another_run_is_refused(small_model, started, n, seed, message):
    with pytest.raises(ValueError, match=f"a.h5.part belongs to another run: {message}"):
        simulate_to_file(small_model, started, n, seed=seed)


def test_part_of_another_model_is_refused(small_model, started):
    other = replace(small_model, conditions=ConditionsPrior(distant_share=0.0))
    with pytest.raises(ValueError, match="belongs to another run: conditions is"):
        simulate_to_file(other, started, N, seed=2)
    with h5py.File(f"{started}.part", "r+") as handle:
        handle.attrs["library_sha256"] = "0" * 64
    with pytest.raises(ValueError, match="belongs to another run: library_sha256 is 0000"):
        simulate_to_file(small_model, started, N, seed=2)


def test_part_of_another_prior_is_refused(small_model, toy_library, started):
    from priors.families.sfh import Continuity
    from priors.joint import JointPrior

    prior = small_model.prior
    narrow = JointPrior(
        prior.bins, Continuity(prior.bins, 0.1), prior.enrichment, prior.nuisances, prior.space
    )
    with pytest.raises(ValueError, match="belongs to another run: prior_sha256 is"):
        simulate_to_file(replace(small_model, prior=narrow), started, N, seed=2)


def test_damaged_part_is_refused(small_model, tmp_path):
    (tmp_path / "b.h5.part").write_bytes(b"no HDF5 at all")
    with pytest.raises(ValueError, match=r"b\.h5\.part of an earlier run cannot be opened"):
        simulate_to_file(small_model, tmp_path / "b.h5", N)
    assert (tmp_path / "b.h5.part").exists()


def test_existing_file_is_kept(small_model, tmp_path):
    path = tmp_path / "c.h5"
    path.write_text("precious")
    with pytest.raises(FileExistsError, match="overwrite=True"):
        simulate_to_file(small_model, path, 16)
    assert path.read_text() == "precious"
    simulate_to_file(small_model, path, 16, overwrite=True)
    assert len(TrainingSet(path)) == 16


@pytest.mark.parametrize("n", [0, -5])
def test_no_galaxies_are_refused(small_model, tmp_path, n):
    with pytest.raises(ValueError, match=f"n is {n}; expected at least one"):
        simulate_to_file(small_model, tmp_path / "d.h5", n)


# the noise model and the gas


def test_measured_noise_comes_back_with_the_file(measured_model, tmp_path):
    path = simulate_to_file(measured_model, tmp_path / "measured.h5", 20, seed=2)
    noise = TrainingSet(path).noise
    assert describe_noise(noise) == describe_noise(measured_model.noise)
    assert torch.equal(noise.modes, measured_model.noise.modes)
    torch.testing.assert_close(noise.kernel, measured_model.noise.kernel)
    with h5py.File(path, "r") as handle:
        names = set(handle["noise"])
        assert names == {"mismatch_modes", "profile_wave_aa", "profile_scale", "profile_sky_modes"}
        assert all(handle["noise"][name].attrs["units"] for name in names)
    _edit(path, lambda f: f.__delitem__("noise/mismatch_modes"))
    with pytest.raises(ValueError, match="are not those of their description"):
        TrainingSet(path)


def test_a_run_with_other_noise_or_gas_is_not_continued(small_model, measured_model, tmp_path):
    def start(generative, name):
        with pytest.raises(_Stopped):
            simulate_to_file(generative, tmp_path / name, N, seed=2, progress=_stop_at(32))

    start(measured_model, "noise.h5")
    with pytest.raises(ValueError, match="belongs to another run: noise is"):
        simulate_to_file(small_model, tmp_path / "noise.h5", N, seed=2)
    start(small_model, "gas.h5")
    simulator = small_model.simulator
    other = replace(simulator.basis.nebular, sha256="0" * 64)
    changed = Simulator(
        replace(simulator.basis, nebular=other),
        simulator.space,
        simulator.bins,
        simulator.instrument,
    )
    with pytest.raises(ValueError, match="belongs to another run: nebular_sha256 is"):
        simulate_to_file(replace(small_model, simulator=changed), tmp_path / "gas.h5", N, seed=2)


# damaged files


def _edit(path, change):
    with h5py.File(path, "r+") as handle:
        change(handle)


def _rename(handle):
    handle.move("theta", "thetas")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: f.attrs.update(format="other"), "format is 'other'"),
        (lambda f: f.attrs.update(schema_version=3), "schema version 3, this package reads 2: upd"),
        (lambda f: f.attrs.update(schema_version=1), "version 1, this package reads 2: make the"),
        (lambda f: f.attrs.update(n_chunks_done=3), "is unfinished: 3 of 6 chunks"),
        (lambda f: f.attrs.__delitem__("noise"), "lacks the attributes noise"),
        (_rename, "lacks the data set theta"),
        (lambda f: f["log_mean"].attrs.update(units="dex"), "log_mean has shape"),
        (lambda f: f.attrs.update(n=96), r"flux has shape \(90, 280\).*expected \(96, 280\)"),
    ],
)
def test_wrong_file_is_refused(file, tmp_path, change, message):
    copy = shutil.copy(file, tmp_path / "wrong.h5")
    _edit(copy, change)
    with pytest.raises(ValueError, match=message):
        TrainingSet(copy)


def test_unreadable_files_are_refused(file, tmp_path):
    with pytest.raises(FileNotFoundError, match="no training set at"):
        TrainingSet(tmp_path / "nothing.h5")
    (tmp_path / "text.h5").write_text("not HDF5")
    with pytest.raises(ValueError, match=r"text\.h5 is not a readable HDF5 file"):
        TrainingSet(tmp_path / "text.h5")
    content = file.read_bytes()
    (tmp_path / "cut.h5").write_bytes(content[: len(content) // 2])
    with pytest.raises(ValueError, match=r"cut\.h5 is not a readable HDF5 file .*truncated"):
        TrainingSet(tmp_path / "cut.h5")
    with pytest.raises(ValueError, match=r"validation_share is 1\.0"):
        TrainingSet(file, validation_share=1.0)


# reading


def test_batches_are_those_of_the_stream_type(small_model, data):
    batch = next(data.batches(8, seed=1))
    assert batch.x.shape == (8, data.layout.n_x)
    assert bool(torch.isfinite(batch.x).all())
    space = small_model.space
    rows = [int((data.theta - space.to_theta(u)).abs().sum(1).argmin()) for u in batch.u]
    theta = data.theta[rows]
    torch.testing.assert_close(batch.u, space.to_u(theta))
    truth = point_targets(derive(small_model.simulator, theta), theta[:, space.mh])
    for found, expected in zip(batch.target, truth, strict=True):
        torch.testing.assert_close(found, expected)
    # the spectrum belongs to the parameters: redshift is a number of the input
    redshift = data.layout.unpack(batch.x).context[:, 0] / 50
    torch.testing.assert_close(redshift, data.redshift[rows])


def test_flux_belongs_to_its_row(data, file):
    rows = np.array([70, 3, 3, 41])
    with h5py.File(file, "r") as handle:
        expected = handle["flux"][...][rows]
    # HDF5 refuses repeated rows; epochs never ask for any
    assert np.array_equal(data._read_flux(rows[[0, 1, 3]]), expected[[0, 1, 3]])


def test_an_epoch_holds_every_training_galaxy_once(data):
    assert (len(data), data.n_train, data.n_validation) == (N, 72, 18)
    epochs = [torch.cat([b.u for b in islice(data.batches(8, 1, first_step=s), 9)]) for s in (0, 9)]
    for u in epochs:
        assert len(u.unique(dim=0)) == 72
    assert torch.equal(*(u.sort(dim=0).values for u in epochs))
    assert not torch.equal(*epochs)


def test_noise_is_new_in_every_epoch(data):
    first, second = (list(islice(data.batches(8, 1, first_step=s), 9)) for s in (0, 9))
    x = {tuple(u.tolist()): row for b in first for u, row in zip(b.u, b.x, strict=True)}
    for batch in second:
        for u, row in zip(batch.u, batch.x, strict=True):
            assert not torch.equal(row[:280], x[tuple(u.tolist())][:280])


def test_split_is_by_galaxy(data):
    train_u = torch.cat([b.u for b in islice(data.batches(8, 0), 9)])
    validation_u = torch.cat([b.u for b in data.batches(8, 0, "validation")])
    assert len(validation_u) == 18
    both = torch.cat([train_u, validation_u])
    assert len(both.unique(dim=0)) == N
    again = torch.cat([b.x for b in data.batches(8, 0, "validation")])
    assert torch.equal(again, torch.cat([b.x for b in data.batches(8, 0, "validation")]))


def test_batches_are_reproducible_from_any_step(data):
    whole = list(islice(data.batches(8, 4), 14))
    rest = list(islice(data.batches(8, 4, first_step=7), 7))
    for expected, found in zip(whole[7:], rest, strict=True):
        assert torch.equal(found.x, expected.x)
        assert torch.equal(found.u, expected.u)
    assert not torch.equal(next(data.batches(8, 5)).x, whole[0].x)


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ((8, 0, "test"), "split is 'test'"),
        ((73, 0, "train"), "batch_size is 73; expected 1 to 72"),
        ((0, 0, "train"), "batch_size is 0"),
    ],
)
def test_wrong_requests_are_refused(data, args, message):
    with pytest.raises(ValueError, match=message):
        data.batches(*args)


def test_no_validation_set(file):
    data = TrainingSet(file, validation_share=0.0)
    assert data.n_train == N
    with pytest.raises(ValueError, match="the galaxies for validation"):
        data.batches(1, 0, "validation")


def test_network_trains_from_a_file(data, new_networks, tmp_path):
    losses = []
    config = TrainingConfig(
        n_spectra=30 * 24, batch_size=24, learning_rate=5e-3, warmup_steps=3, log_every=10
    )
    train(
        new_networks(), lambda step: data.batches(24, 0, first_step=step), config, tmp_path,
        lambda _, loss: losses.append(loss),
    )  # fmt: skip
    assert sum(losses[-5:]) < sum(losses[:5]) - 5.0


# sbi


def test_sbi_tensors(data):
    u, x = data.as_sbi_tensors(20, seed=3)
    assert u.shape == (20, 37)
    assert x.shape == (20, data.layout.n_x)
    assert u.dtype == x.dtype == torch.float32
    assert torch.equal(x, data.as_sbi_tensors(20, seed=3)[1])
    assert not torch.equal(x, data.as_sbi_tensors(20, seed=4)[1])
    everything, _ = data.as_sbi_tensors()
    assert len(everything.unique(dim=0)) == N
    with pytest.raises(ValueError, match="n is 91; expected 1 to 90"):
        data.as_sbi_tensors(91)


# always masked pixels are constant; sbi warns for its z-scoring, which our estimators do without
@pytest.mark.filterwarnings("ignore:Data has constant values:UserWarning")
@pytest.mark.filterwarnings("ignore:Maximum number of epochs:UserWarning")
def test_npe_takes_the_tensors(small_model, data, new_networks, tmp_path, monkeypatch):
    from sbi.inference import NPE

    monkeypatch.chdir(tmp_path)  # sbi writes its logs where it is
    networks = new_networks()
    inference = NPE(
        prior=UnboundedPrior(small_model.prior),
        density_estimator=lambda u, x: embed(networks.encoder, networks.flow),
        show_progress_bars=False,
    )
    u, x = data.as_sbi_tensors(64, seed=0)
    before = networks.encoder.latent.weight.clone()
    estimator = inference.append_simulations(u, x).train(
        training_batch_size=16, max_num_epochs=1, learning_rate=1e-3
    )
    assert not torch.equal(before, networks.encoder.latent.weight)
    assert estimator.sample((3,), condition=x[:2]).shape == (3, 2, 37)
