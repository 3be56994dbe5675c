"""Modes of template mismatch: half of the mean square difference of two libraries, and its file."""

from __future__ import annotations

from dataclasses import replace

import h5py
import numpy as np
import pytest
import torch

from priors.defaults import default_prior
from priors.families.nuisance import stellar_nuisances
from simulators.forward.simulator import Simulator
from simulators.instruments.instrument import Instrument
from simulators.noise.template_mismatch import (
    MAX_SHARED_LIGHT,
    TemplateMismatch,
    measure_mismatch,
    read_mismatch,
    write_mismatch,
)
from simulators.populations.ssp_basis import build_basis
from simulators.wavelengths.rest_grid import LinearRestGrid

N_PIX = 280
INSTRUMENT = Instrument(grid=LinearRestGrid(4830.0, 1.25, N_PIX))
PRIOR = default_prior(nuisances=stellar_nuisances())


def _simulator(library, lum=None, instrument=INSTRUMENT) -> Simulator:
    grid = library if lum is None else replace(library, lum=lum.astype(np.float32), name="other")
    basis = build_basis(grid, PRIOR.bins, instrument)
    return Simulator(basis, PRIOR.space, PRIOR.bins, instrument)


@pytest.fixture(scope="module")
def own(toy_library) -> Simulator:
    return _simulator(toy_library)


@pytest.fixture(scope="module")
def theta():
    return PRIOR.sample((300,), torch.Generator().manual_seed(0))


def _difference(own, other, theta):
    """Relative difference of the light over the mean of the spectrum, (n, n_pix + n_band)."""
    light = []
    for model in (own, other):
        flux, phot = model(theta, torch.zeros(len(theta)))
        light.append((torch.cat([flux, phot], 1) / flux.mean(1, keepdim=True)).double())
    return light[1] / light[0] - 1.0


def test_one_common_error_is_one_mode_of_its_size_over_root_two(own, toy_library, theta):
    """All spectra of the other library are redder by the same known factor."""
    wave = toy_library.wave_aa
    # brighter as well, which the free amplitude takes away
    factor = 1.3 * (wave / 5000.0) ** 0.8
    other = _simulator(toy_library, toy_library.lum * factor)
    measured = measure_mismatch(own, other, theta)
    assert (measured.library, measured.other) == ("toy", "other")
    assert measured.n_histories == 300
    # relative to the mean of the window, near 5000 Angstrom, moved by velocities of 150 km/s
    pixels = (INSTRUMENT.grid.centres_aa.numpy() / 5000.0) ** 0.8
    expected = np.abs(pixels / pixels.mean() - 1.0) / np.sqrt(2.0)
    np.testing.assert_allclose(measured.rms[:N_PIX], expected, atol=4e-4)
    bands = dict(zip(INSTRUMENT.bands, measured.rms[N_PIX:].tolist(), strict=True))
    for band, pivot_aa in {"F336W": 3355.0, "F438W": 4325.0, "F814W": 8035.0}.items():
        assert bands[band] == pytest.approx(
            abs((pivot_aa / 5000.0) ** 0.8 - 1.0) / np.sqrt(2.0), rel=0.05
        )
    # one error, the same for all: one mode, with signs that correlate blue and red
    assert float(measured.modes[0].square().sum() / measured.rms.square().sum()) > 0.99
    first = measured.modes[0]
    assert float(first[N_PIX] * first[N_PIX + 4]) < 0.0


@pytest.fixture(scope="module")
def varied(toy_library) -> Simulator:
    """A library that differs by another colour at every age and metallicity."""
    generator = np.random.default_rng(3)
    slope = generator.normal(0.0, 0.8, (*toy_library.lum.shape[:2], 1))
    wiggle = 0.04 * generator.normal(0.0, 1.0, (*toy_library.lum.shape[:2], 1))
    wave = toy_library.wave_aa
    factor = 1.3 * (wave / 5000.0) ** slope * (1 + wiggle * np.sin(wave / 40))
    return _simulator(toy_library, toy_library.lum * factor)


def test_modes_reproduce_half_of_the_second_moment(own, varied, theta):
    difference = _difference(own, varied, theta)
    expected = difference.T @ difference / (2.0 * len(theta))
    measured = measure_mismatch(own, varied, theta, n_mode=285)
    assert measured.explained == 1.0
    modes = measured.modes.double()
    torch.testing.assert_close(modes.T @ modes, expected, rtol=1e-3, atol=1e-5 * expected.max())
    torch.testing.assert_close(measured.rms.double() ** 2, expected.diagonal(), rtol=1e-3, atol=0)


def test_few_modes_hold_most_and_say_how_much(own, varied, theta):
    measured = measure_mismatch(own, varied, theta, n_mode=4)
    assert measured.modes.shape == (4, N_PIX + 5)
    assert 0.8 < measured.explained < 1.0
    difference = _difference(own, varied, theta)
    weight = torch.ones(N_PIX + 5).double()
    weight[N_PIX:] = 100.0  # a band counts as much as a hundred pixels
    held = (measured.modes.double().square().sum(0) * weight).sum()
    whole = (difference.square().mean(0) / 2.0 * weight).sum()
    assert measured.explained == pytest.approx(float(held / whole), abs=2e-4)
    # strongest first, and the largest so many modes can hold
    size = (measured.modes.double().square() * weight).sum(1)
    assert bool((torch.diff(size) < 0).all())
    gram = (measured.modes.double() * weight) @ measured.modes.double().T
    torch.testing.assert_close(gram, gram.diagonal().diag(), rtol=0, atol=1e-5 * float(size[0]))


def test_histories_that_shine_by_shared_ages_are_left_out(own, toy_library, theta):
    """A spliced library tells nothing of the ages it took over."""
    changed = toy_library.age_gyr > 0.1
    factor = np.where(changed[:, None], (toy_library.wave_aa / 5000.0) ** 1.5 * 1.1, 1.0)
    other = _simulator(toy_library, toy_library.lum * factor)
    measured = measure_mismatch(own, other, theta)
    # the bins up to 50 Myr are interpolated between shared spectra alone
    populations = own.populations(theta)
    light = populations.mass_fraction * populations.lum_v
    young = light[:, :2].sum(1) / light.sum(1)
    assert 16 < measured.n_histories < 300
    assert measured.n_histories <= int((young <= MAX_SHARED_LIGHT).sum())
    # a mean over all histories would be diluted by those without any difference
    every = _difference(own, other, theta).square().mean(0).div(2.0).sqrt()
    assert float(measured.rms[N_PIX]) > 1.02 * float(every[N_PIX])


def test_libraries_that_share_everything_are_refused(own, toy_library, theta):
    same = _simulator(toy_library, toy_library.lum)
    with pytest.raises(ValueError, match="toy and other share the light of all but 0 histories"):
        measure_mismatch(own, same, theta)


def test_other_parameters_or_instruments_are_refused(own, toy_library, small_model, theta):
    with pytest.raises(ValueError, match="toy and toy have other parameters or instruments"):
        measure_mismatch(own, small_model.simulator, theta)
    elsewhere = _simulator(
        toy_library, instrument=Instrument(grid=LinearRestGrid(4900.0, 1.25, N_PIX))
    )
    with pytest.raises(ValueError, match="build both simulators with the same ones"):
        measure_mismatch(own, elsewhere, theta)


@pytest.mark.parametrize("modes", [torch.zeros(9), torch.full((2, 9), torch.nan)])
def test_modes_that_are_none_are_refused(modes):
    with pytest.raises(ValueError, match=r"mismatch modes have shape .* finite values"):
        TemplateMismatch(modes=modes, library="a", other="b", explained=1.0, n_histories=1)


# --- its file ------------------------------------------------------------------------------------


@pytest.fixture
def made_up() -> TemplateMismatch:
    generator = torch.Generator().manual_seed(1)
    modes = torch.randn(3, N_PIX + 5, generator=generator)
    return TemplateMismatch(modes=modes, library="a", other="b", explained=0.93, n_histories=77)


def test_file_gives_back_what_was_written(made_up, tmp_path):
    path = write_mismatch(made_up, INSTRUMENT, tmp_path / "mismatch.h5")
    again = read_mismatch(path, INSTRUMENT)
    assert torch.equal(again.modes, made_up.modes)
    for name in ("library", "other", "explained", "n_histories"):
        assert getattr(again, name) == getattr(made_up, name)


def test_file_of_other_wavelengths_or_bands_is_refused(made_up, tmp_path):
    path = write_mismatch(made_up, INSTRUMENT, tmp_path / "mismatch.h5")
    for other in (
        replace(INSTRUMENT, grid=LinearRestGrid(4831.0, 1.25, N_PIX)),
        replace(INSTRUMENT, bands=INSTRUMENT.bands[::-1]),
    ):
        with pytest.raises(ValueError, match=r"mismatch\.h5 was measured for instrument"):
            read_mismatch(path, other)


def test_files_that_are_none_are_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="measure one with `amortized-sfh mismatch`"):
        read_mismatch(tmp_path / "none.h5", INSTRUMENT)
    path = tmp_path / "text.h5"
    path.write_text("no HDF5")
    with pytest.raises(ValueError, match=r"text\.h5 is not a template mismatch"):
        read_mismatch(path, INSTRUMENT)
    with h5py.File(tmp_path / "set.h5", "w") as file:
        file.attrs["format"] = "asfh-training-set"
    with pytest.raises(ValueError, match="has format 'asfh-training-set', expected 'asfh-templ"):
        read_mismatch(tmp_path / "set.h5", INSTRUMENT)
